"""The live read model, folded from events."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from daedalus_console.board import Health
from daedalus_console.errors import NotFoundError
from daedalus_console.live.live import MOST_JOBS, Live
from daedalus_console.live.views import JobView, State
from daedalus_console.records import Raw, Record, read
from daedalus_shared.events import (
    Decision,
    Event,
    Forget,
    JobMetrics,
    Override,
    OverrideKind,
    Sample,
    ScaleCommand,
    Worker,
    encode,
    headers,
)
from daedalus_shared.topics import topic_of


def record(event: Event, offset: int = 0) -> Record:
    found = read(
        Raw(
            topic=topic_of(type(event)),
            partition=0,
            offset=offset,
            written_at=event.at + timedelta(seconds=1),
            key=event.key.encode(),
            value=encode(event),
            headers=list(headers(event).items()),
        )
    )
    assert found.event == event, found.why
    return found


def folded(events: list[Event]) -> Live:
    live = Live()
    for event in events:
        live.fold(record(event))
    return live


def report(job: str, at: datetime, workload: float = 100.0, workers: int = 4) -> JobMetrics:
    sample = Sample(
        at=at,
        scale_out=workers,
        workload=workload,
        lag=0.0,
        workers=tuple(
            Worker(id=f"w{each}", cpu=0.5, throughput=workload / workers) for each in range(workers)
        ),
    )
    return JobMetrics(job=job, at=at, source="monitor/monitor", samples=(sample,))


def test_a_job_is_shown_as_its_events_tell(past: Any, noon: datetime) -> None:
    live = folded(past.events)

    (row,) = live.rows(noon + timedelta(seconds=20))
    assert (row.job, row.engine, row.mode, row.health) == ("ysb", "flink", "act", Health.OK)
    assert (row.scale_out, row.wanted, row.scale_min, row.scale_max) == (4, 6, 1, 8)
    assert (row.workload, row.capacity, row.lag) == (43_000, 52_300, 104_600)
    assert row.load == pytest.approx(43_000 / 52_300)
    assert row.throughput == 10_000
    assert row.unknown == {"latency": "no such metric"}
    assert row.move is not None
    assert (row.move.to, row.move.kind) == (6, "commanded")

    view = live.view("ysb", noon + timedelta(seconds=20))
    assert view.row == row
    assert view.metrics.values["workload"] == (42_000.0,)
    assert view.metrics.values["lag"] == (104_600.0,)
    assert view.metrics.values["latency"] == (None,)
    assert [step.value for step in view.scale_out] == [4, 4]
    assert [step.value for step in view.recommended] == [6]
    assert [step.value for step in view.capacity] == [52_300]
    assert view.expected is not None
    assert list(view.expected.mean) == [45_000, 50_000, 55_100]
    assert view.expected.at[0] == noon + timedelta(minutes=5)
    assert view.forecasts.at == (noon + timedelta(minutes=10),)
    assert view.forecasts.values["expected"] == (50_000.0,)
    assert [step.value for step in view.errors] == [0.04]
    assert view.curve is not None
    assert view.curve.points == past.update.table
    assert view.skew == past.update.skew


def test_a_rescale_stands_beside_its_promise(past: Any, noon: datetime) -> None:
    (told,) = folded(past.events).view("ysb", noon).rescales

    assert (told.before, told.after, told.reason) == (4, 6, "scale_up")
    assert told.decision == past.decision.id
    assert told.promise is not None
    assert (told.promise.downtime, told.downtime) == (30, 9.5)
    assert (told.promise.recovery, told.recovery, told.recovered) == (80, 95, True)
    assert told.worst_lag == 400_000


def test_a_decision_is_found_whole_by_its_id_and_by_the_moment(past: Any, noon: datetime) -> None:
    live = folded(past.events)

    assert live.decision("ysb", past.decision.id) == past.decision
    assert live.decision_at("ysb", noon + timedelta(seconds=59)) == past.decision
    assert live.decision_at("ysb", noon - timedelta(seconds=1)) is None
    with pytest.raises(NotFoundError):
        live.decision("nobody", past.decision.id)


def test_the_same_records_again_change_nothing(past: Any, noon: datetime) -> None:
    live = folded(past.events)
    before = live.view("ysb", noon)

    told = [live.fold(record(event)) for event in past.events if not isinstance(event, Override)]

    after = live.view("ysb", noon)
    assert after.row.revision >= before.row.revision
    assert without_revision(after) == without_revision(before)
    assert told[1] == frozenset()  # metrics


def without_revision(view: JobView) -> JobView:
    return view.model_copy(update={"row": view.row.model_copy(update={"revision": 0})})


def test_what_waits_is_named_in_a_word(past: Any, noon: datetime) -> None:
    live = folded([past.declaration, past.metrics])
    assert live.row("ysb", noon).state is State.STEADY

    live.fold(record(past.command))
    assert live.row("ysb", noon).state is State.RESCALING

    live.fold(record(past.outcome))
    assert live.row("ysb", noon).state is State.STEADY

    pause = Override(
        job="ysb",
        at=noon,
        source="console/ada",
        kind="pause",
        until=noon + timedelta(minutes=1),
        author="ada",
        why="<script>alert(1)</script>",
    )
    live.fold(record(pause))
    row = live.row("ysb", noon)
    assert row.state is State.PAUSED
    assert row.overrides == (pause,)
    assert live.row("ysb", noon + timedelta(minutes=1)).overrides == ()

    assert live.row("ysb", noon + timedelta(minutes=1)).state is State.LATE
    assert live.row("ysb", noon + timedelta(hours=1)).state is State.SILENT


WAIT = timedelta(seconds=120 + 120 + 30)
"""For which the planner waits for an outcome: expiry, converge_within, grace."""


def test_a_command_is_under_way_for_as_long_as_the_planner_waits(past: Any, noon: datetime) -> None:
    second = timedelta(seconds=1)
    live = folded([past.declaration, past.update, past.command])
    live.fold(record(report("ysb", noon + WAIT, workload=60_000)))

    within, after = live.view("ysb", noon + WAIT - second), live.view("ysb", noon + WAIT)
    assert (within.row.state, within.lost) == (State.RESCALING, None)
    assert after.row.state is State.OVERLOADED
    assert after.lost is not None
    assert after.lost.command == past.command.id


def test_a_new_command_hides_not_that_nothing_came_of_the_last(past: Any, noon: datetime) -> None:
    first: ScaleCommand = past.command

    def again(tick: datetime) -> ScaleCommand:
        return first.model_copy(
            update={"at": tick, "tick": tick, "expires_at": tick + timedelta(minutes=2)}
        )

    def seen(live: Live, tick: datetime) -> tuple[State, str | None]:
        live.fold(record(report("ysb", tick, workload=60_000)))
        view = live.view("ysb", tick)
        return view.row.state, view.lost.command if view.lost else None

    second = again(noon + WAIT + timedelta(seconds=30))
    live = folded([past.declaration, past.update, past.command, second])
    assert seen(live, second.tick) == (State.OVERLOADED, past.command.id)
    assert seen(live, second.tick + WAIT) == (State.OVERLOADED, second.id)

    came = past.outcome.model_copy(
        update={"at": second.tick, "tick": second.tick, "command": second.id}
    )
    live.fold(record(came))
    assert seen(live, second.tick + 2 * WAIT) == (State.OVERLOADED, None)

    later = again(noon + timedelta(hours=1))
    apart = folded([past.declaration, past.update, past.command, later])
    assert seen(apart, later.tick) == (State.RESCALING, None)


def test_the_forecast_says_when_more_workers_are_needed(past: Any, noon: datetime) -> None:
    move = (
        folded([past.declaration, past.metrics, past.update, past.forecast]).row("ysb", noon).move
    )

    assert move is not None
    assert (move.kind, move.to) == ("expected", None)  # one scale-out is known, and is too small
    assert move.at == noon + timedelta(minutes=15)


def test_what_is_no_event_is_counted_and_shown() -> None:
    live = Live()
    garbage = Raw(
        topic="daedalus.metrics",
        partition=3,
        offset=9,
        written_at=datetime(2026, 1, 1, tzinfo=UTC),
        key=b"<img src=x onerror=alert(1)>\x1b[2J",
        value=b"\xff\x00",
    )

    assert live.fold(read(garbage)) == frozenset()

    standing = live.standing()
    assert standing.unreadable == 1
    assert standing.unreadable_last is not None
    assert standing.unreadable_last.startswith("daedalus.metrics[3]@9: ")
    assert live.rows(datetime.now(UTC)) == []


def test_a_forgotten_job_is_gone_and_what_was_seen_of_it(past: Any, noon: datetime) -> None:
    live = folded(past.events)

    live.fold(
        record(Forget(job="ysb", at=noon + timedelta(hours=1), source="console/ada", author="ada"))
    )

    assert live.rows(noon) == []
    assert live.view("ysb", noon).decisions == ()


def test_worker_hours_stand_beside_those_of_the_most_workers(past: Any, noon: datetime) -> None:
    live = folded([past.declaration])
    for second in range(0, 3601, 15):
        live.fold(record(report("ysb", noon + timedelta(seconds=second))))

    today = live.row("ysb", noon + timedelta(hours=1)).today
    assert today is not None
    assert (today.hours, today.static, today.saved) == (4.0, 8.0, 4.0)

    # An hour without reports: nobody knows what ran.
    live.fold(record(report("ysb", noon + timedelta(hours=2))))
    assert live.row("ysb", noon + timedelta(hours=2)).today == today
    assert live.row("ysb", noon + timedelta(days=1)).today is None


def test_hours_count_of_a_job_that_is_seldom_reported(past: Any, noon: datetime) -> None:
    seldom = past.declaration.spec.policy.model_copy(update={"report": 600.0, "loop": 600.0})
    spec = past.declaration.spec.model_copy(update={"policy": seldom})
    live = folded([past.declaration.model_copy(update={"spec": spec})])
    for minute in range(0, 61, 10):
        live.fold(record(report("ysb", noon + timedelta(minutes=minute))))

    today = live.row("ysb", noon + timedelta(hours=1)).today
    assert today is not None
    assert (today.hours, today.static) == (4.0, 8.0)


def test_a_long_history_stays_small_and_keeps_its_peaks(past: Any, noon: datetime) -> None:
    live = folded([past.declaration])
    for place in range(40_000):  # a week at 15 s
        event = report("ysb", noon + timedelta(seconds=15 * place), workload=float(place))
        if place == 5_000:
            event = event.model_copy(
                update={"samples": (event.samples[0].model_copy(update={"lag": 9e6}),)}
            )
        live.fold(Record("daedalus.metrics", 0, place, event.at, "ysb", None, event))

    view = live.view("ysb", noon + timedelta(seconds=15 * 40_000))

    assert len(view.metrics.at) <= 1_440
    assert list(view.metrics.at) == sorted(view.metrics.at)
    assert view.metrics.at[0] < noon + timedelta(hours=1)
    assert view.metrics.values["workload"][-1] == 39_999
    assert max(lag or 0 for lag in view.metrics.values["lag"]) == 9e6
    newest = [
        (b - a).total_seconds()
        for a, b in zip(view.metrics.at[-200:], view.metrics.at[-199:], strict=False)
    ]
    assert set(newest) == {15.0}


def test_decisions_are_bounded_in_number(past: Any, noon: datetime) -> None:
    live = folded([past.declaration])
    for minute in range(1_500):
        at = noon + timedelta(minutes=minute)
        event = past.decision.model_copy(update={"at": at, "tick": at})
        live.fold(Record("daedalus.decisions", 0, minute, at, "ysb", None, event))

    newest = noon + timedelta(minutes=1_499)
    view = live.view("ysb", newest, listed=10_000)
    assert len(view.decisions) == 1_000
    assert view.decisions[0].tick == newest


def test_a_thousand_jobs_are_listed_quickly_in_bounded_memory(past: Any, noon: datetime) -> None:
    live = Live()
    for number in range(1_000):
        name = f"job-{number:04}"
        spec = past.declaration.spec.model_copy(update={"job": name})
        events: list[Event] = [
            past.declaration.model_copy(update={"job": name, "spec": spec}),
            *(report(name, noon + timedelta(seconds=15 * place)) for place in range(4)),
            past.update.model_copy(update={"job": name}),
            past.forecast.model_copy(update={"job": name}),
            past.decision.model_copy(update={"job": name}),
        ]
        for event in events:
            live.fold(Record(topic_of(type(event)), 0, 0, event.at, event.key, None, event))

    rows = live.rows(noon + timedelta(seconds=45))

    assert [row.job for row in rows] == [f"job-{number:04}" for number in range(1_000)]
    assert all(row.load for row in rows)


def test_made_up_names_do_not_fill_the_memory(noon: datetime) -> None:
    live = Live()
    for number in range(MOST_JOBS + 10):
        event = report(f"j{number}", noon)
        live.fold(Record("daedalus.metrics", 0, 0, event.at, event.key, None, event))

    assert live.standing().jobs == MOST_JOBS


def test_jobs_that_are_shown_no_more_make_room_for_others(past: Any, noon: datetime) -> None:
    live = folded([past.declaration])
    for number in range(MOST_JOBS):
        event = report(f"old{number}", noon)
        live.fold(Record("daedalus.metrics", 0, 0, event.at, event.key, None, event))
    later = noon + timedelta(minutes=10)

    live.fold(record(report("new", later)))

    assert [row.job for row in live.rows(later)] == ["new", "ysb"]
    assert live.standing().jobs == 2


def test_a_record_that_cannot_be_folded_is_left_aside_and_the_others_are_not(
    noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    sample = Sample.model_construct(at=noon, workload=1e308)  # as no decoder lets it pass
    bad = report("bad", noon).model_copy(update={"samples": (sample, sample)})
    first, last = record(report("first", noon), 1), record(report("last", noon), 3)
    live = Live()

    taken = live.take([first, replace(first, offset=2, event=bad), last])

    assert [row.job for row in live.rows(noon)] == ["first", "last"]
    assert [each.event is None for each in taken] == [False, True, False]
    assert live.standing().unreadable == 1
    assert (live.standing().unreadable_last or "").startswith(
        "daedalus.metrics[0]@2: cannot be folded: OverflowError"
    )
    assert "daedalus.metrics[0]@2 is left aside" in caplog.text


def test_none_are_listed_where_none_are_asked_for(past: Any, noon: datetime) -> None:
    live = folded(past.events)

    assert live.view("ysb", noon).decisions
    assert live.view("ysb", noon, listed=0).decisions == ()


def test_wishes_of_years_are_forgotten_but_for_the_last(past: Any, noon: datetime) -> None:
    live = folded([past.declaration])
    for minute in range(300):
        live.fold(
            record(
                Override(
                    job="ysb",
                    at=noon + timedelta(minutes=minute),
                    source="console/ada",
                    kind="floor" if minute else "pin",
                    scale_out=2,
                    until=noon + timedelta(days=1),
                    author="ada",
                )
            )
        )

    view = live.view("ysb", noon)
    assert len(view.asked) <= 52
    assert {override.kind.value for override in view.row.overrides} == {"floor", "pin"}


def test_what_ended_a_job_is_kept_however_often_its_learning_is_forgotten(
    past: Any, noon: datetime
) -> None:
    pin = Override(
        job="ysb",
        at=noon,
        source="console/ada",
        kind=OverrideKind.PIN,
        scale_out=2,
        until=noon + timedelta(days=1),
        author="ada",
    )
    live = folded([past.declaration, pin])
    for minute in range(1, 9):
        forgotten = Forget(
            job="ysb",
            at=noon + timedelta(minutes=minute),
            source="console/bob",
            author="bob",
            stays_declared=minute > 1,
        )
        live.fold(record(forgotten))

    assert live.row("ysb", noon + timedelta(hours=1)).overrides == ()


async def test_a_listener_hears_of_all_that_changed_since_it_asked(
    past: Any, noon: datetime
) -> None:
    live = Live()
    heard = live.feed.changes()
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)

    thread = Thread(target=live.take, args=([record(event) for event in past.events],))
    thread.start()
    first = await asyncio.wait_for(waiting, 5)
    thread.join()
    live.take([record(report("other", noon))])
    live.away(noon, "gone")
    second = await asyncio.wait_for(anext(heard), 5)
    await heard.aclose()

    assert first.jobs == {"ysb"}
    assert (second.jobs, second.standing) == (frozenset({"other"}), True)
    assert live.changed_since(live.row("ysb", noon).revision) == {"other"}


async def test_a_listener_is_told_up_to_which_revision_it_knows_all(noon: datetime) -> None:
    live = Live()
    heard = live.feed.changes(0.01)
    await anext(heard)
    live.take([record(report(job, noon)) for job in ("a", "b")])
    told = live.standing().revision
    live.rows(noon)

    live.fold(record(report("a", noon + timedelta(seconds=1))))  # of a batch that is not yet told
    live.age(noon + timedelta(hours=1))
    changed = await asyncio.wait_for(anext(heard), 5)
    await heard.aclose()

    assert (changed.jobs, changed.through) == (frozenset({"a", "b"}), told)


def test_what_time_alone_has_changed_is_a_change_once(past: Any, noon: datetime) -> None:
    live = folded([past.declaration, past.metrics])
    seen = live.row("ysb", noon).revision
    live.age(noon + timedelta(seconds=30))
    assert live.changed_since(seen) == frozenset()

    live.age(noon + timedelta(seconds=50))  # late
    late = live.row("ysb", noon + timedelta(seconds=50)).revision
    live.age(noon + timedelta(seconds=60))
    assert live.changed_since(seen) == {"ysb"}
    assert live.changed_since(late) == frozenset()


async def test_a_listener_hears_a_heartbeat_when_nothing_changes() -> None:
    heard = Live().feed.changes(heartbeat=0.01)

    changed = await asyncio.wait_for(anext(heard), 5)
    await heard.aclose()

    assert (changed.jobs, changed.standing) == (frozenset(), False)


def test_kafka_away_is_told_once_with_its_beginning(noon: datetime) -> None:
    live = Live()
    live.connected(noon)
    live.away(noon + timedelta(seconds=1), "no answer")
    live.away(noon + timedelta(seconds=9), "no answer")

    kafka = live.standing().kafka
    assert (kafka.connected, kafka.since, kafka.why) == (
        False,
        noon + timedelta(seconds=1),
        "no answer",
    )
    live.connected(noon + timedelta(seconds=20))
    assert live.standing().kafka.connected


def test_a_shadow_planner_is_not_taken_for_the_one_obeyed(past: Any, noon: datetime) -> None:
    shadow: Decision = past.decision.model_copy(
        update={"shadow": True, "planner": "other", "tick": noon + timedelta(minutes=1)}
    )
    live = folded([*past.events, shadow.model_copy(update={"at": shadow.tick})])

    assert live.row("ysb", noon).wanted == 6
    assert [each.planner for each in live.view("ysb", noon).decisions] == ["rules"]
