"""What is known of each job, folded from events."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from daedalus_console.board import Board, Health, JobState, Kind, fold
from daedalus_shared.events import DeadLetter, Decision, Event, Forget, JobMetrics


def taken(events: list[Event], only: str | None = None) -> Board:
    board = Board(only)
    for event in events:
        board.take(event)
    return board


def test_the_newest_of_each_event_is_known(past: Any) -> None:
    state = taken(past.events).jobs["ysb"]

    assert state.spec == past.declaration.spec
    assert (state.scale_out, state.forecast_max) == (4, 55_100)
    assert (state.update, state.decision, state.outcome) == (
        past.update,
        past.decision,
        past.outcome,
    )
    assert [(point.workload, point.scale_out) for point in state.points] == [(42_000, 4)]


def test_an_older_event_changes_nothing(past: Any, noon: datetime) -> None:
    state = taken(past.events).jobs["ysb"]
    earlier = {"at": noon - timedelta(minutes=1), "tick": noon - timedelta(minutes=1)}

    for event in (past.metrics, past.update, past.forecast, past.decision):
        after, entry = fold(state, event.model_copy(update=earlier))
        assert after == state
        assert entry is None


def test_the_log_tells_what_changes_something(past: Any) -> None:
    board = Board()

    told = [entry for event in past.events if (entry := board.take(event))]

    assert [entry.kind for entry in told] == [
        Kind.CONTROL,
        Kind.DECISION,
        Kind.OUTCOME,
        Kind.RECOVERY,
    ]
    assert all(entry.good for entry in told)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, True, id="a change"),
        pytest.param({"chosen": 4}, False, id="stay"),
        pytest.param({"chosen": None, "scale_out": None}, False, id="unknown"),
        pytest.param({"shadow": True}, False, id="a shadow"),
    ],
)
def test_only_obeyed_decisions_to_move_are_told(
    past: Any, changes: dict[str, object], told: bool
) -> None:
    _, entry = fold(JobState("ysb"), past.decision.model_copy(update=changes))

    assert (entry is not None) is told


def test_the_same_advice_is_told_once(past: Any, noon: datetime) -> None:
    board = Board()
    advice = past.decision.model_copy(update={"dry_run": True})
    told = []
    for minute in range(3):
        at = noon + timedelta(minutes=minute)
        told.append(board.take(advice.model_copy(update={"at": at, "tick": at})))

    assert [entry is not None for entry in told] == [True, False, False]


def test_a_shadow_is_never_the_last_decision(past: Any, noon: datetime) -> None:
    later = {"at": noon + timedelta(minutes=1), "tick": noon + timedelta(minutes=1)}
    shadow = past.decision.model_copy(update={**later, "shadow": True, "planner": "other"})

    assert taken([past.decision, shadow]).jobs["ysb"].decision == past.decision


def test_another_forecaster_is_not_planned_with(past: Any) -> None:
    other = past.forecast.model_copy(update={"forecaster": "mine"})

    assert taken([past.declaration, past.forecast, other]).jobs["ysb"].forecast == past.forecast


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(0, Health.OK, id="just now"),
        pytest.param(-3, Health.OK, id="a clock ahead"),
        pytest.param(45, Health.OK, id="three intervals"),
        pytest.param(46, Health.LATE, id="late"),
        pytest.param(121, Health.SILENT, id="two loops"),
    ],
)
def test_health_is_the_age_of_the_last_report(
    past: Any, noon: datetime, seconds: float, expected: Health
) -> None:
    state = taken([past.declaration, past.metrics]).jobs["ysb"]

    assert state.health(noon + timedelta(seconds=seconds)) is expected


def test_a_job_without_metrics_is_silent(past: Any, noon: datetime) -> None:
    assert taken([past.declaration]).jobs["ysb"].health(noon) is Health.SILENT


def test_a_forgotten_job_is_not_shown(past: Any, noon: datetime) -> None:
    board = taken(past.events)
    assert [state.job for state in board.shown(noon, timedelta(minutes=5))] == ["ysb"]

    board.take(Forget(job="ysb", at=noon, source="console/ada", author="ada"))
    assert board.shown(noon, timedelta(minutes=5)) == []


def test_a_job_nobody_declared_is_shown_while_it_reports(past: Any, noon: datetime) -> None:
    board = taken([past.metrics])

    assert len(board.shown(noon, timedelta(minutes=5))) == 1
    assert board.shown(noon + timedelta(minutes=6), timedelta(minutes=5)) == []


def test_a_dead_letter_is_told_and_makes_no_job(noon: datetime) -> None:
    board = Board()
    letter = DeadLetter(
        job="unknown",
        at=noon,
        source="planner/rules",
        topic="daedalus.metrics",
        partition=1,
        offset=2,
        why="not JSON",
    )

    entry = board.take(letter)

    assert entry is not None
    assert not entry.good
    assert board.jobs == {}


def test_a_view_of_one_job_leaves_out_the_others(past: Any) -> None:
    assert taken(past.events, only="traffic").jobs == {}


def test_reports_without_samples_are_unknown(past: Any, noon: datetime) -> None:
    empty = JobMetrics(job="ysb", at=noon, source="monitor/monitor", samples=())
    state = taken([empty]).jobs["ysb"]

    assert state.scale_out is None
    assert state.points[0].workload is None


def test_an_unknown_present_is_no_change(past: Any) -> None:
    decision = Decision.model_validate(
        {**past.decision.model_dump(), "scale_out": None, "chosen": None}
    )

    assert taken([decision]).jobs["ysb"].scale_out is None
