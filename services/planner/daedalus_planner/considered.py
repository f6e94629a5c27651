"""What the courtesies need of a tick's evidence, and what the tick leaves them to remember."""

from daedalus_planner.domain.approvals import Desk
from daedalus_planner.domain.courtesies import delays, overload, reverts, stand_ins
from daedalus_planner.domain.courtesies.memory import Memory, PastWish
from daedalus_planner.domain.courtesies.stack import Occasion
from daedalus_planner.domain.situation import Reason, Situation
from daedalus_planner.domain.wish import Wish
from daedalus_planner.evidence import Evidence
from daedalus_shared.events import ScaleCommand
from daedalus_shared.policy import Policy


def falls_back(evidence: Evidence, found: Situation | Reason) -> bool:
    """Whether so little was known for so long that the fallback holds."""
    fallback = evidence.policy.courtesies.fallback
    return fallback is not None and unknown(evidence, found) >= fallback.after


def unknown(evidence: Evidence, found: Situation | Reason) -> int:
    """Return for how many ticks in a row, this one included, nothing could be planned on."""
    known = isinstance(found, Situation) and found.capacity(found.scale_out) is not None
    return 0 if known else evidence.memory.unknown + 1


def occasion(evidence: Evidence, current: int, found: Situation | Reason) -> Occasion:
    """Return what the courtesies look at beside the wish."""
    return Occasion(
        at=evidence.tick,
        current=current,
        policy=evidence.policy,
        memory=evidence.memory,
        planned=isinstance(found, Situation),
        unknown=unknown(evidence, found),
        stood_in=evidence.stood_in,
        since=evidence.since,
        since_rescale=evidence.since_rescale,
        rescales=[past.started_at or past.at for past in evidence.rescales],
        averts_overload=_is_overloaded(evidence, found),
    )


def desk(evidence: Evidence, wish: Wish, current: int, found: Situation | Reason) -> Desk:
    """Return what tells whether a wish may go ahead where a person's word is required."""
    rescale, policy = evidence.rescale, evidence.policy
    averts = policy.approval_spares == "overload" and wish.chosen > current
    return Desk(
        at=evidence.tick,
        policy=policy,
        request=evidence.memory.request,
        last=evidence.answer,
        rescaled=None if rescale is None else rescale.converged_at or rescale.at,
        spared=averts and isinstance(found, Situation) and _is_too_long(found, policy),
    )


def remembered(
    evidence: Evidence,
    found: Situation | Reason,
    wish: PastWish | None,
    command: ScaleCommand | None,
) -> Memory:
    """Return the memory that a tick leaves: `wish` is the planner's own, where it was asked."""
    asked, memory = evidence.policy.courtesies, evidence.memory
    changed: dict[str, object] = {
        "unknown": unknown(evidence, found) if asked.fallback else 0,
        "good": stand_ins.remembered(memory.good, evidence.seen, asked.unknown),
    }
    if wish is not None:
        changed["wishes"] = delays.remembered(memory.wishes, wish, asked.down)
    if command is not None and asked.revert is not None:
        changed["promised"] = reverts.promised(command, evidence.seen)
    return memory.model_copy(update=changed)


def _is_overloaded(evidence: Evidence, found: Situation | Reason) -> bool:
    budget = evidence.policy.courtesies.budget
    if budget is None or not budget.spare_overload or not isinstance(found, Situation):
        return False
    return _is_too_long(found, evidence.policy)


def _is_too_long(found: Situation, policy: Policy) -> bool:
    return overload.lasts(found) > policy.recovery_target
