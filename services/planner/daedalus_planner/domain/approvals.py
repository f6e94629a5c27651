"""Whether a rescale may go ahead where a person's word is required, and what is asked until then.

Pure functions of a wish, the last word and the request that stands. An answer covers a move the
same way from the same scale-out: an approval one that goes no further than approved, a rejection
one that goes as far or further. It ends with its time, and with the next rescale, whoever made it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daedalus_planner.domain.courtesies.memory import Request
from daedalus_planner.domain.figures import workers
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.events import Answer, Approval
from daedalus_shared.policy import Policy


@dataclass(frozen=True, slots=True)
class Move:
    """A rescale, wanted or answered."""

    before: int
    """Workers now."""

    after: int
    """Workers then."""

    def within(self, other: "Move") -> bool:
        """Whether it goes the same way from the same scale-out, and no further.

        >>> [Move(4, after).within(Move(4, 6)) for after in (3, 5, 6, 7)]
        [False, True, True, False]
        """
        up = self.after > self.before
        if self.before != other.before or up != (other.after > other.before):
            return False
        return self.after <= other.after if up else self.after >= other.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What lies before the one who has to decide whether a wish may go ahead."""

    at: datetime
    """The tick's end."""

    policy: Policy
    """Says whether a word is required."""

    request: Request | None
    """The one that stands."""

    last: Approval | None
    """The last word that counts at the tick."""

    rescaled: datetime | None
    """When the last rescale came to its end; None when none is known."""

    spared: bool
    """Whether the wish averts an overload that needs no word."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What may be done, and what is asked."""

    wish: Wish
    request: Request | None = None
    """The one that stands from now on; its `decision` is empty where this tick's asks."""
    state: str = "awaiting"
    """Of the request: `awaiting`, `approved`, `rejected`, `lapsed`."""
    after: int | None = None
    """Workers that the word is needed for; None where none is."""
    answer: Approval | None = None
    """The word that holds."""


def ruled(wish: Wish, held: Wish, current: int, desk: Desk) -> Ruling:
    """Return what may be done of a wish; `held` is what people and bounds ask for without it."""
    needless = wish.chosen in {current, held.chosen} or desk.spared
    if desk.policy.approval == "none" or needless:
        return Ruling(wish)
    move = Move(current, wish.chosen)
    request = _standing(desk, move)
    answer = _answer(desk, move)
    if answer is not None and answer.answer is Answer.APPROVE:
        clause = f"approved by {answer.author}{_why(answer)}"
        passed = wish.changed(wish.chosen, wish.reason, "approved", clause)
        return Ruling(passed, request, "approved", wish.chosen, answer)
    if answer is not None:
        clause = f"scaling to {workers(wish.chosen)} was rejected by {answer.author}{_why(answer)}"
        stays = _held(wish, held, current, Reason.REJECTED, "rejected", clause)
        return Ruling(stays, request, "rejected", wish.chosen, answer)
    if request.until <= desk.at:  # only where the policy acts then
        clause = "nobody answered in time, and the policy acts then"
        passed = wish.changed(wish.chosen, wish.reason, "approval_lapsed", clause)
        return Ruling(passed, request, "lapsed", wish.chosen)
    clause = (
        f"scaling to {workers(wish.chosen)} waits for an approval until "
        f"{request.until:%Y-%m-%d %H:%M:%S} UTC"
    )
    waits = _held(wish, held, current, Reason.AWAITING_APPROVAL, "approval", clause)
    return Ruling(waits, request, "awaiting", wish.chosen)


def _held(wish: Wish, held: Wish, current: int, reason: Reason, name: str, clause: str) -> Wish:
    """Return the wish as far as it needs no word: what people and bounds move says so itself."""
    if held.chosen == current:
        return wish.changed(current, reason, name, clause)
    moved = replace(held, sentence=wish.sentence)
    return moved.changed(held.chosen, held.reason, name, clause)


def _standing(desk: Desk, move: Move) -> Request:
    """Return the request that stands for a move, or a new one."""
    known = desk.request
    if known is not None and move.within(Move(known.from_scale_out, known.to_scale_out)):
        used = desk.rescaled is not None and desk.rescaled > known.tick
        over = known.until <= desk.at and desk.policy.approval_lapse == "drop"
        if not used and not over:
            return known
    return Request(
        tick=desk.at,
        decision="",
        from_scale_out=move.before,
        to_scale_out=move.after,
        until=desk.at + timedelta(seconds=desk.policy.approval_time),
    )


def _answer(desk: Desk, move: Move) -> Approval | None:
    """Return the last word where it covers the move and still holds."""
    last = desk.last
    if last is None or (desk.rescaled is not None and desk.rescaled >= last.at):
        return None
    before, after, until = last.from_scale_out, last.scale_out, last.until
    if before is None or after is None or until is None:
        asked = desk.request
        if asked is None or asked.decision != last.decision:
            return None
        before = asked.from_scale_out if before is None else before
        after = asked.to_scale_out if after is None else after
        until = asked.until if until is None else until
    said = Move(before, after)
    if until <= desk.at:
        return None
    covers = move.within(said) if last.answer is Answer.APPROVE else said.within(move)
    return last if covers else None


def _why(answer: Approval) -> str:
    return f" ({answer.why})" if answer.why else ""
