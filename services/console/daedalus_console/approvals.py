"""A person's word on a rescale that waits for one: which waits, and the event that answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from daedalus_console.errors import ConsoleError, NotFoundError, UsageError
from daedalus_console.overrides import Author, check_counts, check_reason, declared, effective
from daedalus_console.specs import instant_after
from daedalus_shared.control import JobControl
from daedalus_shared.events import Answer, Approval, Asked, Decision, Event

LEAST_ID = 6
"""Characters of a decision's id that tell it from others."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says."""

    answer: Answer
    why: str
    until: datetime | None = None
    """When the word ends; None for the policy's `approval_time` from now on."""


def asking(job: str, events: Iterable[Event], wanted: str | None = None) -> Decision:
    """Return the decision to answer: the newest of the obeyed planner, or the one named.

    Args:
        job: The job that the events are of.
        events: Its decisions, others among them.
        wanted: Id of a decision, or its beginning; of the one that asked first or a later one.

    Raises:
        NotFoundError: Nothing waits for a word, or there is no such decision.
        UsageError: The id is too short to tell decisions apart.
    """
    found = [event for event in events if isinstance(event, Decision) and not event.shadow]
    if wanted is not None and len(wanted) < LEAST_ID:
        raise UsageError(f"--decision {wanted}: give at least {LEAST_ID} characters of the id")
    if wanted is not None:
        found = [
            one
            for one in found
            if one.id.startswith(wanted) or (one.asked and one.asked.decision.startswith(wanted))
        ]
    newest = max(found, key=lambda one: one.tick, default=None)
    if newest is None:
        what = f"decision {wanted}" if wanted else "recent decision"
        raise NotFoundError(f"no {what} about {job}")
    if newest.asked is None:
        raise NotFoundError(
            f"nothing about {job} waits for a word; {newest.tick.isoformat()}: {newest.sentence}"
        )
    return newest


def answered(decision: Decision, said: Said, control: JobControl, author: Author) -> Approval:
    """Return the event that answers a decision.

    Raises:
        NotFoundError: The job is not declared.
        UsageError: The word would end before it counts, or no reason is given.
        ConsoleError: The time of what was asked is up, so the job has moved on.
    """
    spec, asked = declared(decision.job, control), decision.asked
    check_reason(said.why)
    if asked is None:
        raise NotFoundError(f"decision {decision.id} asks for no word")
    if asked.until <= author.now:
        raise ConsoleError(
            f"the time of what {decision.id} asks for was up at {asked.until.isoformat()}; "
            "if it is still wanted, a newer decision asks"
        )
    until = said.until or author.now + timedelta(seconds=spec.policy.approval_time)
    if until <= author.now:
        raise UsageError(f"--until {until.isoformat()} is past")
    event = Approval(
        job=decision.job,
        at=instant_after(control, author.now),
        source=author.source,
        decision=asked.decision,
        author=author.name,
        answer=said.answer,
        from_scale_out=decision.scale_out,
        scale_out=asked.scale_out,
        until=until,
        why=said.why,
    )
    check_counts(event, spec)
    return event


def awaited(decision: Decision, control: JobControl, now: datetime) -> Asked | None:
    """Return the rescale that a decision has wait for a word.

    None while the last word on it is too young for that decision. One that counted did not hold:
    it had ended, or the request has grown smaller than what was rejected.
    """
    asked = decision.asked
    if asked is None or asked.state != "awaiting" or asked.until <= now:
        return None
    last = _last_word(control)
    if last is None or last.decision not in {asked.decision, decision.id}:
        return asked
    # As the planner counts: by the spec in effect then.
    spec = control.spec(decision.tick) or control.newest
    return None if spec is not None and effective(last, spec) > decision.tick else asked


def same(one: Asked | None, other: Asked | None) -> bool:
    """Whether both are one rescale that waits: each tick computes its promise anew."""
    if one is None or other is None:
        return one is other
    return (one.decision, one.scale_out, one.until) == (
        other.decision,
        other.scale_out,
        other.until,
    )


def standing(control: JobControl, now: datetime) -> Approval | None:
    """Return the last word while it has not ended; a rescale may have used it up since."""
    last = _last_word(control)
    return last if last is not None and (last.until is None or last.until > now) else None


def _last_word(control: JobControl) -> Approval | None:
    return next(reversed(control.unforgotten(control.approvals)), None)
