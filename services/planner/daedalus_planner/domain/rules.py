"""The reference's decision list (Daedalus, ICPE 2024; docs/method.md, Plan, rules 1 to 4).

It takes the smallest scale-out that lasts, jumps several steps at once, and its hysteresis is
rule 3c against 3e.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from daedalus_planner.domain.candidates import beyond_bounds
from daedalus_planner.domain.figures import count, rate, workers
from daedalus_planner.domain.recovery import recovery_times, steps
from daedalus_planner.domain.situation import Option, Plan, Reason, Situation, Verdict
from daedalus_shared.durations import text


def plan(situation: Situation) -> Plan:
    """Decide how many workers the job should have."""
    options = weigh(situation)
    early = _leave_alone(situation)
    if early is not None:
        reason, sentence = early
        return Plan(situation.scale_out, reason, sentence, options)
    return _choose(situation, options)


def weigh(situation: Situation) -> tuple[Option, ...]:
    """Return every scale-out from min to max with its capacity and recovery time, unjudged."""
    scale_outs = range(situation.bounds.lowest, situation.bounds.most + 1)
    highest = float(situation.forecast.max())
    recoveries: dict[int, float] = {}
    for downtime in {situation.downtime(q) for q in scale_outs}:
        known = {
            q: capacity
            for q in scale_outs
            if situation.downtime(q) == downtime and (capacity := situation.capacity(q)) is not None
        }
        times = recovery_times(situation, np.array(list(known.values())), downtime)
        recoveries.update(zip(known, times.tolist(), strict=True))
    return tuple(
        Option(q, situation.capacities.get(q), recoveries.get(q), highest) for q in scale_outs
    )


def _leave_alone(situation: Situation) -> tuple[Reason, str] | None:
    """Rules 1 and 2: why the job is left as it is, whatever the candidates; None to weigh them."""
    policy, stay = situation.policy, f"Stay at {workers(situation.scale_out)}"
    since = math.inf if situation.since is None else situation.since
    if since < policy.settle:
        return Reason.SETTLING, (
            f"{stay}: the last rescale or start was {text(since)} ago, "
            f"and no other follows within {text(policy.settle)}."
        )
    capacity = situation.capacity(situation.scale_out)
    if capacity is None:
        return Reason.CAPACITY_UNKNOWN, f"{stay}: what they can process is not known."
    soon = _highest_within(situation, policy.near)
    if since < policy.quiet and capacity > situation.workload and capacity > soon:
        return Reason.KEEPS_UP, (
            f"{stay}: {text(since)} after the last rescale they keep up, at {rate(capacity)} "
            f"against {rate(situation.workload)} now and at most {rate(soon)} "
            f"in the next {text(policy.near)}."
        )
    return None


def _choose(situation: Situation, options: Sequence[Option]) -> Plan:
    """Rules 3 and 4: the first candidate, ascending, that nothing rejects; else the most."""
    judged: list[Option] = []
    taken: Option | None = None
    for option in options:
        found = beyond_bounds(situation, option)
        if found is None and taken is not None:
            why = f"{workers(taken.scale_out)} suffice"
            found = replace(option, verdict=Verdict.NOT_NEEDED, why=why)
        if found is None:
            found = _judge(situation, option)
            if found.verdict in {Verdict.CHOSEN, Verdict.CURRENT}:
                taken = found
        judged.append(found)
    if taken is None:
        return _last_resort(situation, judged)
    return _taken(situation, taken, tuple(judged))


def _judge(situation: Situation, option: Option) -> Option:
    """Rules 3 and 3a to 3e on one candidate: the first that has a word on it decides."""
    verdicts = (rule(situation, option) for rule in RULES)
    return next(found for found in verdicts if found is not None)


def _carries_the_workload(situation: Situation, option: Option) -> Option | None:
    """Rule 3: only candidates with more capacity than what arrives are weighed."""
    if option.point is None or option.recovery is None:
        return replace(option, verdict=Verdict.CAPACITY_UNKNOWN, why="its capacity is not known")
    if option.point.capacity > situation.workload:
        return None
    why = f"{rate(option.point.capacity)} is not above the {rate(situation.workload)} that arrive"
    return replace(option, verdict=Verdict.BELOW_WORKLOAD, why=why)


def _recovers_in_time(situation: Situation, option: Option) -> Option | None:
    """Rule 3a: recovery(q) > target → reject."""
    target, recovery = situation.policy.recovery_target, option.recovery_time
    if recovery <= target:
        return None
    takes = "would not catch up within the forecast"
    if math.isfinite(recovery):
        takes = f"would take {text(recovery)} to catch up"
    why = f"{takes}; the target is {text(target)}"
    return replace(option, verdict=Verdict.RECOVERY_TOO_SLOW, why=why)


def _is_not_overtaken(situation: Situation, option: Option) -> Option | None:
    """Rule 3b: capacity(q) < max F within recovery(q) → reject."""
    highest = _highest_within(situation, option.recovery_time)
    if option.capacity >= highest:
        return None
    why = f"{rate(highest)} is forecast within its {text(option.recovery_time)} of recovery"
    return replace(option, highest=highest, verdict=Verdict.OVERTAKEN, why=why)


def _is_current(situation: Situation, option: Option) -> Option | None:
    """Rule 3c: q = p → stay."""
    if option.scale_out != situation.scale_out:
        return None
    highest = _highest_within(situation, option.recovery_time)
    why = f"would catch up within {text(option.recovery_time)}, and nothing smaller lasts"
    return replace(option, highest=highest, verdict=Verdict.CURRENT, why=why)


def _backlog_allows(situation: Situation, option: Option) -> Option | None:
    """Rule 3d: q < p and capacity(p) < lag → reject."""
    capacity = situation.capacity(situation.scale_out)
    if capacity is None or option.scale_out > situation.scale_out or capacity >= situation.lag:
        return None
    why = f"{count(situation.lag)} records wait, more than a second of {rate(capacity)}"
    return replace(option, verdict=Verdict.LARGE_BACKLOG, why=why)


def _lasts(_: Situation, option: Option) -> Option:
    """Rule 3e: capacity(q) > max F over the whole horizon → choose q, else reject."""
    if option.capacity > option.highest:
        why = f"{rate(option.capacity)} is above all that is forecast, {rate(option.highest)}"
        return replace(option, verdict=Verdict.CHOSEN, why=why)
    why = f"{rate(option.highest)} is forecast, not below its {rate(option.capacity)}"
    return replace(option, verdict=Verdict.DOES_NOT_LAST, why=why)


RULES = (
    _carries_the_workload,
    _recovers_in_time,
    _is_not_overtaken,
    _is_current,
    _backlog_allows,
    _lasts,
)


def _highest_within(situation: Situation, seconds: float) -> float:
    return float(situation.forecast[: max(1, steps(seconds, situation.step))].max())


def _taken(situation: Situation, taken: Option, judged: tuple[Option, ...]) -> Plan:
    current = situation.scale_out
    if taken.verdict is Verdict.CURRENT:
        sentence = (
            f"Stay at {workers(current)}: a restart now would be caught up within "
            f"{text(taken.recovery_time)}, and fewer would not last."
        )
        return Plan(current, Reason.CURRENT_SUFFICES, sentence, judged)
    up = taken.scale_out > current
    ahead = text(situation.step * len(situation.forecast))
    sentence = (
        f"Scale {'up' if up else 'down'} from {current} to {workers(taken.scale_out)}, the fewest "
        f"that last the next {ahead}: {taken.why}; caught up after {text(taken.recovery_time)}."
    )
    reason = Reason.SCALE_UP if up else Reason.SCALE_DOWN
    return Plan(taken.scale_out, reason, sentence, judged)


def _last_resort(situation: Situation, judged: Sequence[Option]) -> Plan:
    """Rule 4."""
    most, current = situation.bounds.highest, situation.scale_out
    options = tuple(
        replace(option, verdict=Verdict.LAST_RESORT, why=f"no candidate lasts; {option.why}")
        if option.scale_out == most
        else option
        for option in judged
    )
    move = f"Stay at {workers(most)}" if most == current else f"Scale from {current} to {most}"
    sentence = f"{move}, the most allowed ({situation.bounds.limit}): no scale-out lasts."
    return Plan(most, Reason.MAX_SCALE_OUT, sentence, options, (situation.bounds.limit,))
