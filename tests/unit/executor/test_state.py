"""What the executor remembers, on plain values."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daedalus_executor.domain.checks import Result
from daedalus_executor.domain.state import (
    ExecutorState,
    Intent,
    SetBack,
    begin,
    conclude,
    observe,
    take,
)
from daedalus_executor.executor import Executor
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, Forget, Promise, ScaleCommand, ScaleOutcome, Status

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOURCE = "executor/executor"


def command(minute: int = 0, **changes: Any) -> ScaleCommand:
    """The command of a minute: from 4 to 6 workers."""
    tick = NOON + timedelta(minutes=minute)
    fields: dict[str, Any] = {
        "job": "ysb",
        "at": tick,
        "tick": tick,
        "source": "planner/rules",
        "from_scale_out": 4,
        "to_scale_out": 6,
        "expires_at": tick + timedelta(minutes=2),
        "decision": "d",
        "promise": Promise(capacity=100.0),
    }
    return ScaleCommand(**fields | changes)


def taken(*commands: ScaleCommand) -> ExecutorState:
    state = None
    for each in commands:
        state = take(state, each, SOURCE).state
    assert state is not None
    return state


def begun(first: ScaleCommand) -> ExecutorState:
    state = begin(taken(first), first, 4, NOON).state
    assert state is not None
    return state


def outcome(events: tuple[object, ...]) -> ScaleOutcome:
    (found,) = events
    assert isinstance(found, ScaleOutcome)
    return found


def test_a_command_becomes_the_intent() -> None:
    step = take(None, command(), SOURCE)

    assert step.state == ExecutorState(tick=NOON, pending=Intent(command=command()))
    assert step.events == ()


def test_a_command_that_is_not_newer_changes_nothing() -> None:
    state = taken(command(1))

    for duplicate in (command(1), command(0)):
        step = take(state, duplicate, SOURCE)
        assert step.state is state
        assert step.events == ()


def test_a_newer_command_takes_the_place_of_one_not_begun() -> None:
    step = take(taken(command(0)), command(1), SOURCE)

    superseded = outcome(step.events)
    assert superseded.status is Status.SUPERSEDED
    assert superseded.command == command(0).id
    assert superseded.tick == NOON
    assert step.state is not None
    assert step.state.pending == Intent(command=command(1))


def test_a_newer_command_waits_for_one_that_was_begun() -> None:
    step = take(begun(command(0)), command(1), SOURCE)

    assert step.events == ()
    assert step.state is not None
    assert step.state.pending is not None
    assert step.state.pending.command == command(0)

    last = take(step.state, command(2), SOURCE)
    assert outcome(last.events).command == command(1).id

    assert last.state is not None
    done = conclude(last.state, command(0), Result(status=Status.APPLIED, after=6), SOURCE, NOON)
    assert done.state is not None
    assert done.state.pending == Intent(command=command(2))
    assert done.state.waiting is None


def test_an_applied_command_raises_the_generation_once() -> None:
    converged = NOON + timedelta(seconds=9)
    result = Result(status=Status.APPLIED, after=6, downtime=3.5, converged_at=converged)

    step = conclude(begun(command()), command(), result, SOURCE, converged)

    assert step.state is not None
    assert (step.state.generation, step.state.scale_out, step.state.pending) == (1, 6, None)
    assert outcome(step.events) == ScaleOutcome(
        job="ysb",
        at=converged,
        source=SOURCE,
        tick=NOON,
        command=command().id,
        from_scale_out=4,
        to_scale_out=6,
        scale_out=6,
        generation=1,
        status=Status.APPLIED,
        downtime=3.5,
        started_at=NOON,
        converged_at=converged,
        promise=Promise(capacity=100.0),
    )
    again = conclude(step.state, command(), result, SOURCE, converged)
    assert again.state is step.state
    assert again.events == ()


def test_the_outcome_of_a_command_has_the_same_id_whenever_it_is_known() -> None:
    result = Result(status=Status.FAILED)

    ids = {
        outcome(conclude(begun(command()), command(), result, SOURCE, at).events).id
        for at in (NOON, NOON + timedelta(hours=1))
    }

    assert len(ids) == 1


def test_a_refused_command_that_met_a_foreign_change_reports_it() -> None:
    known = observe(taken(command()), 4)

    result = Result(status=Status.REFUSED, before=5, after=5)
    step = conclude(known, command(), result, SOURCE, NOON)

    assert outcome(step.events).generation == 1
    assert step.state is not None
    assert step.state.scale_out == 5


def test_begins_only_what_is_in_hand_and_only_once() -> None:
    state = begun(command(0))

    assert begin(state, command(0), 5, NOON + timedelta(minutes=1)).state is state
    assert begin(state, command(1), 4, NOON).state is state
    assert begin(None, command(0), 4, NOON).state is None


@given(found=st.lists(st.none() | st.integers(1, 5)))
def test_the_generation_counts_the_changes_of_what_is_known(found: list[int | None]) -> None:
    state = taken(command())
    for scale_out in found:
        state = observe(state, scale_out)

    known = [scale_out for scale_out in found if scale_out is not None]
    changes = sum(before != after for before, after in pairwise(known))
    assert state.generation == changes
    assert state.scale_out == (known[-1] if known else None)


def test_the_state_survives_its_json() -> None:
    state = take(begun(command(0)), command(1), SOURCE).state
    assert state is not None

    assert ExecutorState.model_validate_json(state.model_dump_json()) == state


def test_a_command_asks_for_control_first_and_nothing_else_does() -> None:
    forget = Forget(job="ysb", at=NOON, source="console/cli", author="me")

    assert Executor().needs(JobControl(), None, command()) == {ControlEvent}
    assert Executor().needs(JobControl(), None, forget) == frozenset()


def test_a_forgotten_job_is_forgotten_unless_a_command_is_in_hand() -> None:
    forget = Forget(job="ysb", at=NOON, source="console/cli", author="me")
    control = JobControl().fold(forget)
    busy = begun(command())
    result = Result(status=Status.APPLIED, after=6)
    idle = conclude(busy, command(), result, SOURCE, NOON).state

    assert Executor().handle(control, idle, forget).state is None
    assert Executor().handle(control, busy, forget).state is busy


def test_the_executor_folds_commands_under_its_own_name() -> None:
    executor = Executor("shadow")
    state = executor.handle(JobControl(), None, command(0)).state

    step = executor.handle(JobControl(), state, command(1))

    assert outcome(step.events).source == "executor/shadow"


def applied(state: ExecutorState, each: ScaleCommand) -> ExecutorState:
    """Take a command and carry it out."""
    took = take(state, each, SOURCE).state
    assert took is not None
    started = begin(took, each, each.from_scale_out, each.at).state
    result = Result(status=Status.APPLIED, after=each.to_scale_out, converged_at=each.at)
    ended = conclude(started, each, result, SOURCE, each.at).state
    assert ended is not None
    return ended


def refused(state: ExecutorState, each: ScaleCommand, found: int) -> ExecutorState:
    """Take a command that is refused, since so many workers were found."""
    took = take(state, each, SOURCE).state
    result = Result(status=Status.REFUSED, before=found, after=found)
    ended = conclude(took, each, result, SOURCE, each.at).state
    assert ended is not None
    return ended


def test_what_is_set_back_is_left_so_for_longer_each_time() -> None:
    state = applied(taken(command(0)), command(1))

    for minute, times, pause in [(10, 1, 10), (30, 2, 20), (60, 3, 40)]:
        state = refused(state, command(minute), 4)
        assert state.set_back is not None
        assert (state.set_back.times, state.set_back.set_from, state.set_back.set_to) == (
            times,
            6,
            4,
        )
        assert state.set_back.until == NOON + timedelta(minutes=minute + pause)
        state = applied(state, command(minute + 1))


def test_a_change_that_holds_ends_the_pause() -> None:
    state = applied(refused(applied(taken(command(0)), command(1)), command(2), 4), command(30))
    assert state.set_back is not None

    held = refused(state, command(40, from_scale_out=6, to_scale_out=8), 6)

    assert held.set_back is None


def test_somebody_who_wants_a_third_number_sets_nothing_back() -> None:
    state = refused(applied(taken(command(0)), command(1)), command(2), 9)

    assert state.set_back is None


def test_a_pause_ends_at_six_hours() -> None:
    at = NOON
    often = SetBack(at=at, times=500, set_from=6, set_to=4)

    assert often.until == at + timedelta(hours=6)
    assert "(500 times in a row): it is left so until 2026-01-01T18:00" in often.sentence()
