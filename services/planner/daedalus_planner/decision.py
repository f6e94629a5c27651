"""From the evidence of a tick to its decision, and to the command where one follows."""

import math
from dataclasses import dataclass
from datetime import timedelta

from daedalus_planner.considered import desk, falls_back, occasion, remembered
from daedalus_planner.domain.approvals import Ruling, ruled
from daedalus_planner.domain.courtesies import stand_ins
from daedalus_planner.domain.courtesies.memory import Memory, PastWish, Request
from daedalus_planner.domain.courtesies.stack import considerate
from daedalus_planner.domain.figures import count, workers
from daedalus_planner.domain.limits import limit
from daedalus_planner.domain.situation import Option, Plan, PlanFunction, Reason, Situation
from daedalus_planner.domain.wish import Wish
from daedalus_planner.evidence import Evidence
from daedalus_shared.durations import LONGEST, text
from daedalus_shared.events import (
    Asked,
    Candidate,
    Decision,
    LateRecords,
    Promise,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
    Status,
)

_AS_WANTED = frozenset({Status.APPLIED, Status.WOULD_APPLY, Status.ALREADY_THERE})

_UNKNOWN = {
    Reason.ANALYZER_MISSING: "the analyzer sent nothing for this tick",
    Reason.SCALE_OUT_UNKNOWN: "how many workers there are is not known",
    Reason.WORKLOAD_UNKNOWN: "what arrives is not known",
    Reason.LAG_UNKNOWN: "how much waits is not known",
    Reason.STALE: "the newest look at the job is older than the loop",
}

_HOLDS = frozenset({Reason.ANALYZER_MISSING, Reason.SCALE_OUT_UNKNOWN, Reason.STALE})
"""Without these nothing is moved, not even into bounds: nobody knows from where."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A wish with the table that it came from."""

    wish: Wish
    found: Situation | Reason
    """What was decided on, or what was missing for that."""
    options: tuple[Option, ...] = ()
    wanted: int | None = None
    """What the planner itself wanted; None where it was not asked."""
    late: LateRecords | None = None
    """What lateness was weighed with, where its price is not fixed."""
    ruling: Ruling | None = None
    """What a person's word says to it; None where nothing was wanted, as nothing was known."""


def decide(
    evidence: Evidence, plan: PlanFunction, instance: str
) -> tuple[Decision, ScaleCommand | None, Memory]:
    """Return the decision of a tick by the planner `instance`, its command if any, its memory."""
    found = consider(evidence, plan, acts=not _shadow(evidence, instance))
    command = _command(evidence, found, instance)
    wanted = _wanted(evidence, found)
    sentences = [_said(evidence, found.wish), *notes(evidence)]
    shadow, advice = _shadow(evidence, instance), evidence.advice
    if wanted is not None and advice is not None and command is None and not shadow:
        sentences.append(f"The same advice was sent at {advice.tick:%H:%M:%S} UTC.")
    decision = Decision(
        job=evidence.spec.job,
        at=evidence.tick,
        tick=evidence.tick,
        source=f"planner/{instance}",
        planner=instance,
        scale_out=evidence.scale_out,
        chosen=None if evidence.scale_out is None else found.wish.chosen,
        reason=found.wish.reason,
        sentence=" ".join(sentences),
        marks=evidence.marks,
        limits=found.wish.limits,
        candidates=tuple(_candidate(option) for option in found.options),
        inputs=tuple(evidence.inputs),
        workload=_workload(evidence),
        forecast_max=None if evidence.expected is None else float(evidence.expected.max()),
        lag=evidence.update.lag if evidence.update else None,
        late=found.late,
        promise=None if wanted is None else promise(evidence, found, wanted),
        command=command.id if command else None,
        shadow=shadow,
        dry_run=evidence.policy.mode == "advise",
    )
    decision = decision.model_copy(update={"asked": _asked(evidence, found, decision.id)})
    wish = None
    if found.wanted is not None:
        wish = PastWish(tick=evidence.tick, decision=decision.id, scale_out=found.wanted)
    memory = remembered(evidence, found.found, wish, command)
    if found.ruling is not None:
        request = _named(found.ruling.request, decision.id)
        memory = memory.model_copy(update={"request": request})
    if command is not None:
        command = command.model_copy(update={"decision": decision.id})
    return decision, command, memory


def consider(evidence: Evidence, plan: PlanFunction, *, acts: bool = True) -> Outlook:
    """Return what is wanted: what holds the job, else the plan, inside all limits.

    A planner that `acts` needs a person's word where the spec requires one; a shadow needs none.
    """
    current, pending = evidence.scale_out, evidence.pending
    situation = _situation(evidence)
    if current is None or (situation in _HOLDS and not _falls_back(evidence, situation)):
        return Outlook(_held(evidence, situation), situation)
    if pending is not None:
        sentence = (
            f"Stay at {workers(current)}: the command of {pending.tick:%H:%M:%S} UTC to "
            f"{workers(pending.to_scale_out)} has no outcome yet."
        )
        return Outlook(Wish(current, Reason.COMMAND_PENDING, sentence), situation)
    planned = plan(situation) if isinstance(situation, Situation) else None
    wish = _held(evidence, situation) if planned is None else _wish(planned)
    wish = considerate(wish, occasion(evidence, current, situation))
    wish = limit(wish, current, evidence.bounds, evidence.overrides)
    ruling = _ruled(evidence, wish, current, situation) if acts else Ruling(wish)
    if planned is None:
        return Outlook(ruling.wish, situation, ruling=ruling)
    options, wanted, late = planned.options, planned.chosen, planned.late
    return Outlook(ruling.wish, situation, options, wanted, late, ruling)


def _ruled(evidence: Evidence, wish: Wish, current: int, situation: Situation | Reason) -> Ruling:
    """Return what may be done of a wish before a person's word is heard, if one is required."""
    stay = limit(Wish(current, wish.reason), current, evidence.bounds, evidence.overrides)
    return ruled(wish, stay, current, desk(evidence, wish, current, situation))


def _named(request: Request | None, decision: str) -> Request | None:
    """Return a request with the decision that asks first, where that is this tick's."""
    if request is None or request.decision:
        return request
    return request.model_copy(update={"decision": decision})


def _asked(evidence: Evidence, found: Outlook, decision: str) -> Asked | None:
    """Return what a decision tells of the rescale that needs a person's word."""
    ruling = found.ruling
    request = _named(ruling.request, decision) if ruling else None
    if ruling is None or request is None or ruling.after is None:
        return None
    return Asked(
        decision=request.decision,
        scale_out=ruling.after,
        until=request.until,
        state=ruling.state,
        approval=ruling.answer.id if ruling.answer else None,
        promise=promise(evidence, found, ruling.after),
    )


def _falls_back(evidence: Evidence, situation: Situation | Reason) -> bool:
    """Whether the fallback may move the job although the analyzer is missing."""
    return situation is Reason.ANALYZER_MISSING and falls_back(evidence, situation)


def notes(evidence: Evidence) -> list[str]:
    """Return what else a reader of the decision should know, each a sentence."""
    found = []
    if evidence.update is not None and evidence.update.capacity is None:
        why = evidence.update.why_unknown
        found.extend([f"No capacity was measured: {why}."] if why else [])
    if evidence.expected is not None and "forecast_missing" in evidence.marks:
        stand_in = "The last loop's trend line"
        if evidence.forecast is not None:
            stand_in = f"The forecast of {evidence.forecast.tick:%H:%M:%S} UTC"
        found.append(f"{stand_in} stands in for the missing forecast.")
    if (latest := evidence.latest) is not None and _is_news(evidence, latest):
        why = f": {latest.why}" if latest.why else ""
        status = str(latest.status).replace("_", " ")
        found.append(f"The last command, to {workers(latest.to_scale_out)}, {status}{why}.")
    found.extend(stand_ins.said(evidence.stood_in, evidence.policy.courtesies.unknown))
    if _changed_by_others(evidence):
        found.append(f"Someone else set {workers(evidence.scale_out or 0)}.")
    found.extend(_caught_up(recovery) for recovery in evidence.recoveries)
    return found


def promise(evidence: Evidence, found: Outlook, wanted: int) -> Promise:
    """Return what is expected of a rescale to `wanted`."""
    option = next((option for option in found.options if option.scale_out == wanted), None)
    downtime, update = None, evidence.update
    if update is not None and evidence.scale_out is not None:
        up = wanted >= evidence.scale_out
        downtime = (update.downtime_up if up else update.downtime_down).mean
    recovery = None if option is None else option.recovery
    return Promise(
        capacity=option.point.capacity if option is not None and option.point else None,
        downtime=downtime,
        recovery=_told(recovery),
    )


def _situation(evidence: Evidence) -> Situation | Reason:
    sampled_at = evidence.opened.sampled_at
    if sampled_at is None or evidence.age(sampled_at) > evidence.policy.loop:
        return Reason.STALE
    return evidence.situation()


def _held(evidence: Evidence, situation: Situation | Reason) -> Wish:
    reason = situation if isinstance(situation, Reason) else Reason.SCALE_OUT_UNKNOWN
    current = evidence.scale_out
    stay = "Change nothing" if current is None else f"Stay at {workers(current)}"
    return Wish(current or 0, reason, f"{stay}: {_UNKNOWN[reason]}.")


def _said(evidence: Evidence, wish: Wish) -> str:
    """Return the wish as a sentence: what limits it comes before what the planner says."""
    if not wish.clauses:
        return wish.sentence
    move = f"Stay at {workers(wish.chosen)}"
    if wish.chosen != evidence.scale_out:
        move = f"Scale from {evidence.scale_out} to {workers(wish.chosen)}"
    return f"{move}: {'; '.join(wish.clauses)}. The planner says: {wish.sentence}"


def _wish(plan: Plan) -> Wish:
    return Wish(plan.chosen, plan.reason, plan.sentence, limits=plan.limits)


def _wanted(evidence: Evidence, found: Outlook) -> int | None:
    """Return the scale-out to change to, or None to stay."""
    current = evidence.scale_out
    return None if current is None or found.wish.chosen == current else found.wish.chosen


def _shadow(evidence: Evidence, instance: str) -> bool:
    return evidence.policy.planner != instance


def _command(evidence: Evidence, found: Outlook, instance: str) -> ScaleCommand | None:
    """Return the command, its decision still to be named; None when none follows.

    Advice is repeated only when the wish changed or the last is older than `settle`: the wish
    itself comes again each tick, since nothing fulfils it.
    """
    wanted, current, policy = _wanted(evidence, found), evidence.scale_out, evidence.policy
    if wanted is None or current is None or _shadow(evidence, instance):
        return None
    dry_run = policy.mode == "advise"
    if dry_run and _is_same(evidence.advice, current, wanted):
        return None
    return ScaleCommand(
        job=evidence.spec.job,
        at=evidence.tick,
        tick=evidence.tick,
        source=f"planner/{instance}",
        from_scale_out=current,
        to_scale_out=wanted,
        expected_generation=evidence.latest.generation if evidence.latest else None,
        expires_at=evidence.tick + timedelta(seconds=policy.command_expiry_loops * policy.loop),
        decision="",
        promise=promise(evidence, found, wanted),
        dry_run=dry_run,
    )


def _is_same(advice: ScaleCommand | None, current: int, wanted: int) -> bool:
    return advice is not None and (advice.from_scale_out, advice.to_scale_out) == (current, wanted)


def _is_news(evidence: Evidence, outcome: ScaleOutcome) -> bool:
    """Whether a command that did not go as wanted is still worth a sentence."""
    lately = evidence.age(outcome.at) < evidence.policy.settle + evidence.policy.forecast_grace
    return lately and outcome.status not in _AS_WANTED


def _changed_by_others(evidence: Evidence) -> bool:
    """Whether the scale-out is not the one that the last rescale left, and changed lately."""
    rescale, update, pending = evidence.rescale, evidence.update, evidence.pending
    if rescale is None or update is None or update.scale_out_since is None:
        return False
    if pending is not None and update.scale_out == pending.to_scale_out:
        return False  # our own, whose outcome is on its way
    lately = evidence.age(update.scale_out_since) < evidence.policy.settle
    return lately and rescale.scale_out is not None and rescale.scale_out != update.scale_out


def _caught_up(recovery: Recovery) -> str:
    moved = f"The rescale to {workers(recovery.to_scale_out)}"
    promised = recovery.promise.recovery if recovery.promise else None
    beside = f", {text(promised)} promised" if promised is not None else ""
    worst = f", {count(recovery.worst_lag)} records behind at worst" if recovery.worst_lag else ""
    if recovery.recovery is None:
        return f"{moved} was not caught up with within the watch{beside}{worst}."
    return f"{moved} was caught up with after {text(recovery.recovery)}{beside}{worst}."


def _workload(evidence: Evidence) -> float | None:
    update = evidence.update
    return None if update is None or update.workload is None else update.workload.mean


def _candidate(option: Option) -> Candidate:
    never = option.recovery is not None and math.isinf(option.recovery)
    return Candidate(
        scale_out=option.scale_out,
        capacity=option.point.capacity if option.point else None,
        basis=option.point.basis if option.point else None,
        recovery=_told(option.recovery),
        never=never,
        forecast_max=option.highest,
        cost=option.cost,
        verdict=option.verdict,
        why=option.why,
    )


def _told(recovery: float | None) -> float | None:
    """Return the seconds of a recovery as an event may tell them; None for never."""
    return None if recovery is None or math.isinf(recovery) else min(recovery, LONGEST)
