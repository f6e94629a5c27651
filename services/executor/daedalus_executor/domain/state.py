"""What the executor remembers of a job, from a command's arrival to its outcome.

One command a job is in hand at a time: a newer one takes the place of one that was not begun, and
waits for one that was. Each time the scale-out found differs from the one known, the generation
rises by one, whoever changed it.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from daedalus_executor.domain.checks import Result
from daedalus_shared.events import ScaleCommand, ScaleOutcome, Status, Value
from daedalus_shared.events.base import Instant, ScaleOut
from daedalus_shared.service import Step

_PAUSE = timedelta(minutes=10)
"""How long the scale-out is left as somebody set it back, the first time."""

_LONGEST = timedelta(hours=6)
"""The longest that it is left so."""


class Intent(Value):
    """A command in hand. It is stored before anything is changed, so that a crash loses nothing."""

    command: ScaleCommand
    """What is to be done."""

    started_at: Instant | None = None
    """When the first change was about to be made; null before that."""

    found: ScaleOut | None = None
    """Workers found before the first change; null before that."""


class SetBack(Value):
    """Somebody undoes what is applied: a GitOps tool that has the number in its files, a person."""

    at: Instant
    """Tick at which it was noticed."""

    times: int = Field(ge=1)
    """How many times in a row."""

    set_from: ScaleOut
    """What had been applied."""

    set_to: ScaleOut
    """What it was set back to."""

    @property
    def until(self) -> datetime:
        """Until when it is left so: longer each time."""
        doubled: int = 2 ** min(self.times - 1, 10)
        return self.at + min(_PAUSE * doubled, _LONGEST)

    def sentence(self) -> str:
        """Return why a command is refused."""
        often = f" ({self.times} times in a row)" if self.times > 1 else ""
        return (
            f"somebody set it back from {self.set_from} to {self.set_to} workers{often}: "
            f"it is left so until {self.until.isoformat()}"
        )


class ExecutorState(Value):
    """What the executor remembers of a job."""

    tick: Instant
    """Tick of the newest command taken; one that is not newer is a duplicate."""

    generation: int = Field(default=0, ge=0)
    """How many changes of the scale-out were seen, own and foreign ones."""

    scale_out: ScaleOut | None = None
    """Workers when last looked at; null before that."""

    pending: Intent | None = None
    """The command in hand; null when there is none."""

    waiting: ScaleCommand | None = None
    """The newest command that came while one was under way; null when none did."""

    last: ScaleOutcome | None = None
    """What became of the last command; null before the first."""

    set_back: SetBack | None = None
    """How often what was applied was undone; null where it held."""


def take(state: ExecutorState | None, command: ScaleCommand, source: str) -> Step[ExecutorState]:
    """Make a command the job's intent, or let it wait; a duplicate changes nothing."""
    if state is None:
        return Step(ExecutorState(tick=command.tick, pending=Intent(command=command)))
    if command.tick <= state.tick:
        return Step(state)
    change: dict[str, Any] = {"tick": command.tick}
    if state.pending is None or state.pending.started_at is None:
        dropped = state.pending.command if state.pending else None
        change["pending"] = Intent(command=command)
    else:
        dropped = state.waiting
        change["waiting"] = command
    taken = state.model_copy(update=change)
    if dropped is None:
        return Step(taken)
    why = f"the command of {command.tick.isoformat()} came before this one was begun"
    result = Result(status=Status.SUPERSEDED, why=why)
    return Step(taken, (_outcome(state, Intent(command=dropped), result, source, command.at),))


def in_hand(state: ExecutorState | None, command: ScaleCommand) -> Intent | None:
    """Return the intent of the command, or None where it is not the one in hand."""
    intent = state.pending if state else None
    return intent if intent and intent.command.id == command.id else None


def begin(
    state: ExecutorState | None, command: ScaleCommand, scale_out: int, now: datetime
) -> Step[ExecutorState]:
    """Note that a command is about to change something, unless it is begun or not in hand."""
    intent = in_hand(state, command)
    if state is None or intent is None or intent.started_at is not None:
        return Step(state)
    begun = Intent(command=command, started_at=now, found=scale_out)
    return Step(observe(state, scale_out).model_copy(update={"pending": begun}))


def conclude(
    state: ExecutorState | None, command: ScaleCommand, result: Result, source: str, now: datetime
) -> Step[ExecutorState]:
    """Give a command in hand its outcome, and take the one that waits for it in hand."""
    intent = in_hand(state, command)
    if state is None or intent is None:
        return Step(state)
    undone = state.set_back
    if result.before is not None:
        undone = noticed(state, result.before, command.tick)
    seen = observe(observe(state, result.before), result.after)
    outcome = _outcome(seen, intent, result, source, now)
    following = Intent(command=seen.waiting) if seen.waiting else None
    change = {"pending": following, "waiting": None, "last": outcome, "set_back": undone}
    return Step(seen.model_copy(update=change), (outcome,))


def noticed(state: ExecutorState, scale_out: int, at: datetime) -> SetBack | None:
    """Return whether what was applied last has been undone, given what is found now."""
    last = state.last
    if last is None or last.status is not Status.APPLIED or last.scale_out is None:
        return state.set_back  # nothing new can be told
    if scale_out != last.from_scale_out or scale_out == last.scale_out:
        return None  # it held, or somebody wants a third
    times = state.set_back.times if state.set_back else 0
    return SetBack(at=at, times=times + 1, set_from=last.scale_out, set_to=scale_out)


def observe(state: ExecutorState, scale_out: int | None) -> ExecutorState:
    """Return the state that knows of the scale-out found; None (unknown) changes nothing."""
    if scale_out is None or scale_out == state.scale_out:
        return state
    changes = 0 if state.scale_out is None else 1
    return state.model_copy(
        update={"scale_out": scale_out, "generation": state.generation + changes}
    )


def _outcome(
    state: ExecutorState, intent: Intent, result: Result, source: str, at: datetime
) -> ScaleOutcome:
    command = intent.command
    return ScaleOutcome(
        job=command.job,
        at=at,
        source=source,
        tick=command.tick,
        command=command.id,
        from_scale_out=result.before if intent.found is None else intent.found,
        to_scale_out=command.to_scale_out,
        scale_out=result.after,
        generation=state.generation,
        status=result.status,
        why=result.why,
        downtime=result.downtime,
        started_at=intent.started_at,
        converged_at=result.converged_at,
        promise=command.promise,
        dry_run=command.dry_run,
    )
