"""The horizon planner: the first move of the cheapest course over the paths of a forecast.

Only that move is carried out; a loop later all is weighed again (docs/method.md, Plan by costs).
"""

import math

import numpy as np

from daedalus_planner.domain.candidates import beyond_bounds
from daedalus_planner.domain.figures import count, rate, workers
from daedalus_planner.domain.programme import LATENESS, OUTAGE, WORKERS
from daedalus_planner.domain.situation import Option, Plan, Reason, Situation, Verdict
from daedalus_planner.domain.weighing import UNLIMITED, Weighed, weigh
from daedalus_shared.durations import text
from daedalus_shared.events import Cost

MARGIN = 30.0
"""Worker-seconds by which a move must beat staying, at a step of 60 s."""

PROTECT = 1.5
"""How many times the workers, when nothing is known but that the job falls behind."""


def plan(situation: Situation) -> Plan:
    """Decide how many workers the job should have."""
    if not any(point.capacity > 0 for point in situation.capacities.values()):
        return _blind(situation)
    weighed = weigh(situation)
    chosen = _cheapest(weighed, MARGIN * situation.policy.forecast_step / 60.0)
    options = _options(situation, weighed, chosen)
    size, current = int(weighed.sizes[chosen]), situation.scale_out
    if chosen == weighed.present:
        best = _cheapest(weighed, 0.0)
        reason = Reason.CHEAPEST if best == chosen else Reason.MARGIN
        sentence = _staying(situation, weighed, best) + _aimed_at(situation)
        return Plan(current, reason, sentence, options, late=situation.late)
    reason = Reason.SCALE_UP if size > current else Reason.SCALE_DOWN
    sentence = _moving(situation, weighed, chosen) + _aimed_at(situation)
    return Plan(size, reason, sentence, options, late=situation.late)


def _cheapest(weighed: Weighed, margin: float) -> int:
    """Return the index of what costs least; the present one unless that wins by more than this."""
    totals = weighed.totals
    best = int(totals.argmin())
    return best if totals[best] + margin < totals[weighed.present] else weighed.present


def _blind(situation: Situation) -> Plan:
    """Decide where no capacity is known at all: more workers where a loop's records wait."""
    current, policy = situation.scale_out, situation.policy
    options = tuple(_unknown(situation, size) for size in _listed(situation))
    since = math.inf if situation.since is None else situation.since
    behind = situation.lag > situation.workload * policy.loop
    more = min(math.ceil(PROTECT * current), situation.bounds.highest)
    if behind and more > current and since >= policy.settle:
        sentence = (
            f"Scale up from {current} to {workers(more)}: {count(situation.lag)} records wait, "
            f"more than arrive in {text(policy.loop)}, and what they can process is not known."
        )
        return Plan(more, Reason.FALLING_BEHIND, sentence, options)
    sentence = f"Stay at {workers(current)}: what they can process is not known."
    return Plan(current, Reason.CAPACITY_UNKNOWN, sentence, options)


def _listed(situation: Situation) -> range:
    return range(situation.bounds.lowest, situation.bounds.most + 1)


def _unknown(situation: Situation, size: int) -> Option:
    why, highest = "its capacity is not known", float(situation.paths.max())
    option = Option(size, None, None, highest, Verdict.CAPACITY_UNKNOWN, why)
    return beyond_bounds(situation, option) or option


def _options(situation: Situation, weighed: Weighed, chosen: int) -> tuple[Option, ...]:
    """Return every scale-out from min to max with its verdict."""
    place = {int(size): index for index, size in enumerate(weighed.sizes)}
    highest = float(situation.paths.max())
    found = []
    for size in _listed(situation):
        option = Option(size, situation.capacities.get(size), None, highest)
        beyond = beyond_bounds(situation, option)
        if beyond is not None:
            found.append(beyond)
            continue
        index = place[size]
        verdict, why = _verdict(situation, weighed, index, chosen)
        found.append(
            Option(
                size,
                option.point,
                _recovery(weighed, index),
                highest,
                verdict,
                why,
                _cost(weighed, index),
            )
        )
    return tuple(found)


def _recovery(weighed: Weighed, index: int) -> float | None:
    if not np.isfinite(weighed.costs[index]).all():
        return None
    return float(weighed.recoveries[index])


def _cost(weighed: Weighed, index: int) -> Cost | None:
    cost = weighed.costs[index]
    if not np.isfinite(cost).all():
        return None
    return Cost(
        workers=round(float(cost[WORKERS]), 1),
        outage=round(float(cost[OUTAGE]), 1),
        lateness=round(float(cost[LATENESS]), 1),
    )


def _verdict(
    situation: Situation, weighed: Weighed, index: int, chosen: int
) -> tuple[Verdict, str]:
    able = f"{rate(weighed.capacities[index])} {_are_sure(situation, weighed, index)}"
    if not np.isfinite(weighed.costs[index]).all():
        if index < weighed.targets[0]:
            low = rate(float(situation.paths.min()))
            return Verdict.TOO_FEW, f"{able} below all that is expected, {low} at the lowest"
        high = rate(float(situation.paths.max()))
        why = f"{able} far above all that is expected, {high} at the highest"
        if weighed.capacities[index] >= UNLIMITED:
            why = f"fewer show no limit yet, and {high} is the highest expected"
        return Verdict.TOO_MANY, why
    totals = weighed.totals
    if index == chosen:
        return Verdict.CHEAPEST, f"expected to cost {_price(situation, totals[index])}"
    more = totals[index] - totals[chosen]
    if more < 0:
        return Verdict.MARGIN, f"costs {_price(situation, -more)} less, too little for a move"
    slow = _too_slow(situation, weighed, index)
    if slow:
        return Verdict.RECOVERY_TOO_SLOW, slow
    return Verdict.COSTLIER, f"costs {_price(situation, more)} more"


def _too_slow(situation: Situation, weighed: Weighed, index: int) -> str:
    """Return how a recovery misses its target, on some paths at least; nothing if it keeps it."""
    recovery, target = float(weighed.recoveries[index]), situation.policy.recovery_target
    if recovery > target:
        takes = "would not catch up" if math.isinf(recovery) else f"catches up in {text(recovery)}"
        return f"{takes}; the target is {text(target)}"
    paths = int(weighed.slow[index])
    if paths:
        return f"would not catch up within {text(target)}{_scenarios(situation, paths)}"
    return ""


def _price(situation: Situation, seconds: float) -> str:
    """Return worker-seconds as workers over the horizon."""
    found = seconds / situation.policy.horizon
    return f"{found:.2f} workers" if found < 0.995 else f"{found:.1f} workers"


def _ahead(situation: Situation) -> str:
    return text(situation.policy.horizon)


def _passing(situation: Situation, capacity: float) -> tuple[int, float]:
    """Return on how many paths the load passes a capacity, and after how many seconds (median)."""
    above = situation.paths > capacity
    those = above.any(axis=1)
    if not those.any():
        return 0, math.inf
    first = float(np.median(above[those].argmax(axis=1)))
    return int(those.sum()), round(first) * situation.policy.forecast_step


def _aimed_at(situation: Situation) -> str:
    """Return what lateness was weighed with, where it is not fixed, as a sentence."""
    late = situation.late
    if late is None:
        return ""
    share = "No record was counted yet"
    if late.share is not None:
        share = f"{100 * late.share:.1f}% of the records were late lately"
    return (
        f" {share}, {100 * late.target:.1f}% is the aim: each late one counts as "
        f"{text(round(late.price))}."
    )


def _scenarios(situation: Situation, number: int) -> str:
    total = len(situation.paths)
    if total == 1:
        return ""
    return f" in {'all' if number == total else number} of {total} scenarios"


def _likely(situation: Situation, weighed: Weighed, index: int) -> str:
    """Return the capacity that was learned, where it reads higher than what is counted on."""
    point, sure = situation.capacities.get(int(weighed.sizes[index])), weighed.capacities[index]
    if point is None or point.capacity < sure or rate(point.capacity) == rate(sure):
        return ""
    return rate(point.capacity)


def _are_sure(situation: Situation, weighed: Weighed, index: int) -> str:
    return "are sure," if _likely(situation, weighed, index) else "is"


def _able(situation: Situation, weighed: Weighed, index: int) -> str:
    """Return what a scale-out can process: what is counted on, and what was learned beside it."""
    size, sure = int(weighed.sizes[index]), rate(weighed.capacities[index])
    likely = _likely(situation, weighed, index)
    if not likely:
        return f"what {size} can process ({sure})"
    return f"what {size} can surely process ({sure} of a likely {likely})"


def _expected(situation: Situation, weighed: Weighed, index: int) -> str:
    """Return when the load passes what a scale-out can process, as a clause."""
    capacity = float(weighed.capacities[index])
    if capacity >= UNLIMITED:
        size = weighed.sizes[index]
        return f"what {size} can process is unknown, since no limit has shown yet"
    number, seconds = _passing(situation, capacity)
    able = _able(situation, weighed, index)
    if number == 0:
        return f"the load is expected to stay below {able} for the next {_ahead(situation)}"
    if seconds == 0:
        return f"the load is above {able}{_scenarios(situation, number)}"
    return (
        f"the load is expected to pass {able} within {text(seconds)}{_scenarios(situation, number)}"
    )


def _moving(situation: Situation, weighed: Weighed, chosen: int) -> str:
    current, size = situation.scale_out, int(weighed.sizes[chosen])
    up = size > current
    totals = weighed.totals
    looked_at = weighed.present if up else chosen
    clause = _expected(situation, weighed, looked_at)
    behind = ""
    if situation.lag > situation.workload * situation.policy.prices.tolerated:
        behind = f"{count(situation.lag)} records wait, and "
    less = _price(situation, totals[weighed.present] - totals[chosen])
    recovery = _recovery(weighed, chosen)
    caught = ""
    if recovery is not None and math.isfinite(recovery):
        caught = f"; caught up after {text(round(recovery))}"
    return (
        f"Scale {'up' if up else 'down'} from {current} to {workers(size)}: {behind}{clause}; "
        f"over these {_ahead(situation)} {size} cost {less} less than "
        f"{_waiting(weighed)}{caught}."
    )


def _waiting(weighed: Weighed) -> str:
    return "staying" if math.isinf(weighed.waits) else f"waiting {text(weighed.waits)}"


def _despite(situation: Situation, weighed: Weighed) -> str:
    """Return why the job stays though the load passes what it can process, as a clause."""
    passes, _ = _passing(situation, float(weighed.capacities[weighed.present]))
    if not passes or not math.isinf(weighed.waits):
        return ""
    if situation.scale_out >= situation.bounds.highest:
        return ", but no more are allowed"
    cost = weighed.costs[weighed.present]
    if cost[OUTAGE] > cost[LATENESS]:
        return ", but to move later, where need be, is cheaper than now"
    nothing = _price(situation, 0.0)
    if _price(situation, float(cost[LATENESS])) == nothing:
        return ", but by too little for a move"
    larger = weighed.costs[weighed.sizes > situation.scale_out, LATENESS]
    least = float(np.min(larger[np.isfinite(larger)], initial=np.inf))
    spared = _price(situation, max(float(cost[LATENESS]) - least, 0.0))
    if spared == nothing:
        return ", but more workers would hardly lessen the delay"
    return f", but to spare that delay, worth {spared}, costs more"


def _staying(situation: Situation, weighed: Weighed, best: int) -> str:
    current, totals = situation.scale_out, weighed.totals
    stay = f"Stay at {workers(current)}"
    if best != weighed.present:
        less = _price(situation, totals[weighed.present] - totals[best])
        return (
            f"{stay}: {weighed.sizes[best]} would cost {less} less over the next "
            f"{_ahead(situation)}, too little to be worth a move."
        )
    clause = _expected(situation, weighed, weighed.present) + _despite(situation, weighed)
    others = np.where(np.arange(len(totals)) == weighed.present, np.inf, totals)
    second = int(others.argmin())
    if not math.isfinite(others[second]):
        return f"{stay}: {clause}."
    more = _price(situation, others[second] - totals[weighed.present])
    plan = "" if math.isinf(weighed.waits) else f"; a move is due in {text(weighed.waits)}"
    return (
        f"{stay}: {clause}; {weighed.sizes[second]}, the next best, would cost {more} more{plan}."
    )
