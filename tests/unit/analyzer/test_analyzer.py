"""The analyzer's fold: what each event leads to."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daedalus_analyzer.analyzer import Analyzer
from daedalus_analyzer.state import AnalyzerState
from daedalus_shared.control import JobControl
from daedalus_shared.durations import LONGEST
from daedalus_shared.events import (
    Basis,
    ControlEvent,
    Event,
    Forget,
    JobMetrics,
    Sample,
    ScaleOutcome,
    Status,
)
from daedalus_shared.events.base import LARGEST

Kit = Any


def test_a_loop_of_two_skewed_workers_worked_by_hand(kit: Kit) -> None:
    play = kit.play()
    found = play.loop(
        1,
        lambda second: kit.even(second, a=0.5, b=0.4),
        input_partitions=8,
        max_parallelism=12,
        checkpoint_interval=10.0,
    )

    assert found.tick == found.at == kit.at(60)
    assert (found.loop, found.scale_out, found.source) == (1, 2, "analyzer/analyzer")
    # 700 records/s at an idle CPU of 0.09 ± 0.05: 700 · 0.91 / (0.5 - 0.09), about
    assert found.capacity == pytest.approx(1554.0, rel=0.02)
    assert found.capacity_error == pytest.approx(0.08 * 1554.0, rel=0.3)
    assert found.fit == pytest.approx(1.0) or found.fit is None
    assert (found.caution, found.why_unknown) == (None, None)
    assert found.skew is not None
    assert found.skew.hottest == "a"
    assert found.skew.gap == pytest.approx(0.05)
    assert found.skew.capacity_without == pytest.approx(700 * 0.91 / 0.36, rel=0.01)
    assert found.skew.gain_of_one_more == pytest.approx(0.53 * 1554.0, rel=0.1)
    assert found.report is not None
    assert found.report.startswith("worker a is the bottleneck: it has 1.1")
    assert [(p.scale_out, p.basis, p.at, p.at_least) for p in found.table] == [
        (1, Basis.ESTIMATED, None, False),
        (2, Basis.OBSERVED, kit.at(60), False),
        (3, Basis.ESTIMATED, None, False),
        (4, Basis.ESTIMATED, None, False),
    ]
    assert found.table[1].capacity == found.capacity
    assert found.table[1].error == found.capacity_error
    errors = [p.error for p in found.table if p.error is not None]
    assert len(errors) == 4
    assert min(errors) > 0
    assert found.workload is not None
    assert found.workload.mean == pytest.approx(700.0)
    assert (found.workload.minimum, found.workload.maximum) == pytest.approx((500.0, 900.0))
    assert (found.lag, found.uptime) == (100.0, 10_060.0)
    assert (found.input_partitions, found.max_parallelism) == (8, 12)
    assert found.checkpoint_interval == 10.0
    assert found.scale_out_since is None
    assert (found.downtime_up.mean, found.downtime_up.seen) == (30.0, 0)
    assert (found.downtime_down.mean, found.downtime_down.seen) == (15.0, 0)


def test_an_idle_loop_tells_the_idle_cpu_and_no_capacity(kit: Kit) -> None:
    play = kit.play()
    play.loop(1, lambda second: kit.even(second, a=0.5, b=0.4))
    idle = play.loop(2, lambda second: kit.sample(second, {"a": (0.1, 0.0), "b": (0.1, 0.0)}))

    assert idle.why_unknown == "idle: no worker processed a record in this loop"
    # now that the idle CPU is known to be 0.1: 700 · 0.9 / (0.5 - 0.1)
    assert idle.capacity == pytest.approx(1575.0, rel=0.01)
    assert idle.table[1].at == kit.at(120)
    assert idle.workload is not None
    assert idle.workload.mean == 0.0


def test_scale_outs_observed_bend_the_curve_of_the_others(kit: Kit) -> None:
    play = kit.play({"warm_up": 0.0}, max=6)
    names = "abcd"
    for loop, count in enumerate((1, 2, 4), start=1):
        cpus = dict.fromkeys(names[:count], 0.5)
        found = play.loop(loop, lambda second, cpus=cpus: kit.even(second, **cpus))

    assert [p.basis for p in found.table] == [
        Basis.OBSERVED, Basis.OBSERVED, Basis.FITTED, Basis.OBSERVED, Basis.FITTED, Basis.FITTED
    ]  # fmt: skip
    capacities = [p.capacity for p in found.table]
    assert capacities == sorted(capacities)
    for p in found.table:
        assert p.capacity == pytest.approx(900.0 * p.scale_out, rel=0.1)
        assert p.error is not None
    assert (found.table[4].error or 0) > (found.table[3].error or 0)


def test_one_more_worker_than_partitions_gains_nothing(kit: Kit) -> None:
    found = kit.play().loop(1, lambda second: kit.even(second, a=0.5, b=0.4), input_partitions=2)

    assert found.skew is not None
    assert found.skew.gain_of_one_more == 0.0


def test_one_worker_has_no_skew(kit: Kit) -> None:
    found = kit.play().loop(1, lambda second: kit.even(second, a=0.5))

    assert found.capacity == pytest.approx(900.0, rel=0.02)
    assert found.skew is None


def shaped(kit: Kit, second: float, why: str) -> Sample:
    """Samples from which no capacity can be learned, for one reason each."""
    good: Sample = kit.even(second, a=0.5, b=0.4)
    blind = [w.model_copy(update={"cpu": None}) for w in good.workers]
    changes: dict[str, dict[str, Any]] = {
        "no workers": {"workers": (), "unknown": {"workers": "Flink answered 500"}},
        "no scale-out": {"scale_out": None, "unknown": {"scale_out": "job not found"}},
        "a worker missing": {"scale_out": 3},
        "no CPU": {
            "workers": tuple(blind),
            "unknown": {"worker.b.cpu": "no answer within 2 s"},
        },
    }
    return good.model_copy(update=changes[why])


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        ("no workers", "no worker was seen in this loop: Flink answered 500"),
        ("no scale-out", "the scale-out is unknown: job not found"),
        ("a worker missing", "metrics of 2 workers at a scale-out of 3"),
        ("no CPU", "no usable sample in this loop: cpu of worker b: no answer within 2 s"),
    ],
)
def test_unknown_is_said_with_its_reason(kit: Kit, why: str, sentence: str) -> None:
    play = kit.play()
    found = play.loop(1, lambda second: shaped(kit, second, why))

    assert found.capacity is None
    assert found.capacity_error is None
    assert found.skew is None
    assert found.table == ()
    assert found.why_unknown == sentence


def test_a_job_that_has_just_started_has_a_lower_bound(kit: Kit) -> None:
    play = kit.play()
    found = play.loop(
        1, lambda second: kit.even(second, a=0.5, b=0.4).model_copy(update={"uptime": 50 + second})
    )

    assert found.why_unknown is not None
    assert found.why_unknown.startswith("warm-up: nothing is learned for 120 s after a restart")
    assert [p.at_least for p in found.table] == [True] * 4
    assert found.capacity is not None
    assert 700.0 < found.capacity < 1575.0
    assert found.capacity_error is None
    assert found.caution is not None
    assert found.caution.startswith("a lower bound only")


def scaled_up(kit: Kit, second: float) -> Sample:
    """Two workers; two more from 600 s on, which get their partitions 180 s later."""
    found: Sample
    if second <= 600:
        found = kit.even(second, a=0.6, b=0.5)
    elif second <= 780:
        idle = dict.fromkeys("cd", (0.1, 0.0))
        found = kit.sample(second, {"a": kit.line(0.6), "b": kit.line(0.5)} | idle)
    else:
        found = kit.even(second, a=0.4, b=0.3, c=0.35, d=0.3)
    return found


def test_workers_without_work_are_no_capacity_and_their_warm_up_is_learned(kit: Kit) -> None:
    play = kit.play()
    updates = [play.loop(number, lambda second: scaled_up(kit, second)) for number in range(1, 18)]

    before, warming, after = updates[9], updates[12], updates[16]
    assert (before.warming, before.warm_up) == (0, None)
    assert (warming.scale_out, warming.warming) == (4, 2)
    assert warming.why_unknown == "2 of 4 workers have no work yet"
    # now: what the two old ones do; in the table: what all four will
    assert warming.capacity == pytest.approx(before.capacity, rel=0.03)
    assert warming.table[1].capacity == warming.capacity
    assert warming.table[3].capacity > 1.6 * (before.capacity or 0)
    assert after.warming == 0
    assert after.warm_up is not None
    assert after.warm_up.mean == pytest.approx(180.0, abs=6.0)
    assert after.warm_up.seen == 1
    assert after.why_unknown is None


def test_a_scale_down_while_workers_warm_up_leaves_the_rest_without_work(kit: Kit) -> None:
    def fewer(second: float) -> Sample:
        found = scaled_up(kit, second)
        if 660 < second <= 780:
            busy = {"a": kit.line(0.6), "b": kit.line(0.5)}
            found = kit.sample(second, {**busy, "c": (0.1, 0.0)})
        elif second > 780:
            found = kit.even(second, a=0.45, b=0.4, c=0.4)
        return found

    play = kit.play()
    updates = [play.loop(number, fewer) for number in range(1, 18)]

    before, warming, after = updates[9], updates[11], updates[16]
    assert (warming.scale_out, warming.warming) == (3, 1)
    assert warming.table[2].capacity > 1.3 * (before.capacity or 0)
    assert (after.warming, after.warm_up) == (0, None)


def test_a_slow_way_up_makes_the_way_down_slow_before_it_was_seen(kit: Kit) -> None:
    play = kit.play()
    play.feed(kit.outcome(10.0, from_scale_out=1, to_scale_out=2, downtime=90.0))
    found = play.loop(1, lambda second: kit.even(second, a=0.5, b=0.4))

    assert (found.downtime_up.mean, found.downtime_up.seen) == (90.0, 1)
    assert (found.downtime_down.mean, found.downtime_down.seen) == (45.0, 0)


def test_a_tick_without_a_sample_still_yields_an_update(kit: Kit) -> None:
    play = kit.play()
    play.feed(JobMetrics(job="ysb", at=kit.at(60), source="m/m", samples=(), tick=kit.at(60)))

    (found,) = play.updates
    assert found.why_unknown == "no worker was seen in this loop"
    assert (found.capacity, found.workload, found.lag, found.scale_out) == (None,) * 4
    assert found.table == ()


def test_unknown_signals_are_never_zero(kit: Kit) -> None:
    found = kit.play().loop(
        1, lambda second: kit.even(second, a=0.5).model_copy(
            update={"workload": None, "lag": None, "uptime": None}
        )
    )  # fmt: skip

    assert (found.workload, found.lag, found.uptime) == (None, None, None)
    assert found.capacity == pytest.approx(900.0, rel=0.02)


def test_a_change_of_the_scale_out_is_noticed_and_warms_up(kit: Kit) -> None:
    play = kit.play()
    play.loop(1, lambda second: kit.even(second, a=0.5, b=0.4))
    later = [play.loop(n, lambda second: kit.even(second, a=0.4, b=0.4, c=0.3)) for n in (2, 3, 4)]

    assert [found.scale_out for found in later] == [3, 3, 3]
    assert {found.scale_out_since for found in later} == {kit.at(65)}
    assert later[0].why_unknown is not None
    assert later[0].why_unknown.startswith("warm-up")
    # its shares are known at once, its readings count when the warm-up ends 120 s after 65 s
    assert later[0].capacity == pytest.approx(2400.0, rel=0.1)
    assert later[2].why_unknown is None
    assert (later[2].capacity_error or 0) < (later[0].capacity_error or 0)


def test_a_worker_that_is_gone_ends_its_model_and_one_that_blinks_does_not(kit: Kit) -> None:
    play = kit.play()
    play.loop(1, lambda second: kit.even(second, a=0.5, b=0.4))
    play.loop(
        2, lambda second: kit.even(second, **({"a": 0.5} | ({"b": 0.4} if second > 100 else {})))
    )
    assert [model.id for model in play.state.workers] == ["a", "b"]

    for number in (3, 4, 5):
        play.loop(number, lambda second: kit.even(second, a=0.5))
    assert [model.id for model in play.state.workers] == ["a"]


def test_a_new_worker_warms_up_from_its_own_start(kit: Kit) -> None:
    born = kit.at(-30)

    def shape(second: float) -> Sample:
        seen: Sample = kit.even(second, a=0.5, b=0.4)
        young = seen.workers[1].model_copy(update={"since": born})
        return seen.model_copy(update={"workers": (seen.workers[0], young)})

    play = kit.play()
    assert play.loop(1, shape).capacity_error is None
    play.loop(2, shape)
    assert play.loop(3, shape).capacity == pytest.approx(1575.0, rel=0.03)


def test_between_ticks_nothing_is_said(kit: Kit) -> None:
    play = kit.play()
    samples = [kit.even(5.0 * i, a=0.5) for i in range(1, 10)]

    assert play.feed(*kit.reports(samples)) == []
    assert play.state.loop == 0


def test_a_duplicate_changes_nothing(kit: Kit) -> None:
    play = kit.play()
    events: list[Event] = [kit.outcome(30.0, started_at=kit.at(5))]
    for number in (1, 2, 3):
        samples = [kit.even(60.0 * number - 55 + 5 * i, a=0.5, b=0.4) for i in range(12)]
        events += kit.reports(samples, tick=60.0 * number)
    play.feed(*events)
    state, sent = play.state, list(play.sent)

    for event in events:
        step = play.analyzer.handle(play.control, play.state, event)
        assert step.state is play.state
        assert step.events == ()

    play.feed(*events)
    assert (play.state, play.sent) == (state, sent)


def test_samples_repeated_in_a_newer_report_count_once(kit: Kit) -> None:
    once, twice = kit.play(), kit.play()
    samples = [kit.even(5.0 * i, a=0.5, b=0.4) for i in range(1, 13)]
    once.feed(*kit.reports(samples, tick=60.0))
    for report in kit.reports(samples, tick=60.0):
        known = [sample for sample in samples if sample.at <= report.at]
        twice.feed(report.model_copy(update={"samples": tuple(known)}))

    assert twice.updates == once.updates
    assert twice.state == once.state


def test_a_clock_set_back_is_ignored_until_it_has_caught_up(kit: Kit) -> None:
    play = kit.play()
    play.loop(1, lambda second: kit.even(second, a=0.5))
    back = [kit.even(second, a=0.9) for second in (10.0, 20.0, 70.0)]
    play.feed(JobMetrics(job="ysb", at=kit.at(75), source="m/m", samples=tuple(back)))

    assert [look.at for part in play.state.open for look in part.looks] == [kit.at(70).timestamp()]


def test_an_undeclared_job_is_left_alone(kit: Kit) -> None:
    play = replace(kit.play(), control=JobControl())
    samples = [kit.even(5.0 * i, a=0.5) for i in range(1, 13)]

    assert play.feed(*kit.reports(samples, tick=60.0)) == []
    assert play.state is None


def test_a_declaration_counts_from_its_grace_on(kit: Kit) -> None:
    late = kit.declared(kit.spec())
    young = late.declarations[0].model_copy(update={"at": kit.at(100)})
    play = replace(kit.play(), control=JobControl().fold(young))
    for number in (1, 2, 3):
        samples = [kit.even(60.0 * number - 55 + 5 * i, a=0.5) for i in range(12)]
        play.feed(*kit.reports(samples, tick=60.0 * number))

    assert [found.tick for found in play.updates] == [kit.at(180)]


def test_a_job_that_is_forgotten_leaves_nothing(kit: Kit) -> None:
    play = kit.play()
    play.loop(1, lambda second: kit.even(second, a=0.5))
    forget = Forget(job="ysb", at=kit.at(61), source="console/cli", author="ann")
    play.control = play.control.fold(forget)

    assert play.feed(forget) == []
    assert play.state is None
    assert play.feed(*kit.reports([kit.even(120, a=0.5)], tick=120.0)) == []
    assert play.state is None


def test_a_job_declared_anew_survives_the_old_wish_to_forget_it(kit: Kit) -> None:
    play = kit.play()
    forget = Forget(job="ysb", at=kit.at(-60), source="console/cli", author="ann")
    declared = play.control.declarations[0].model_copy(update={"at": kit.at(-40)})
    play.control = play.control.fold(forget).fold(declared)
    play.loop(1, lambda second: kit.even(second, a=0.5))
    state = play.state
    play.feed(forget)

    assert play.state == state


@pytest.mark.parametrize("late", [False, True], ids=["read at once", "read late"])
def test_a_job_that_goes_on_is_learned_anew(kit: Kit, late: bool) -> None:
    play = kit.play()
    play.loop(1, lambda second: kit.even(second, a=0.5))
    play.loop(2, lambda second: kit.even(second, a=0.5))
    assert [found.loop for found in play.updates] == [1, 2]
    forget = Forget(
        job="ysb", at=kit.at(140), source="console/cli", author="ann", stays_declared=True
    )
    play.control = play.control.fold(forget)

    play.feed(*([] if late else [forget]))
    play.loop(3, lambda second: kit.even(second, a=0.9))
    play.feed(*([forget] if late else []))
    play.loop(4, lambda second: kit.even(second, a=0.9))

    assert [found.loop for found in play.updates] == [1, 2, 1, 2]
    assert play.updates[2].capacity == pytest.approx(900.0, rel=0.02)
    assert play.state.downtimes_up == ()


def test_only_a_report_that_closes_a_tick_needs_the_side_topics(kit: Kit) -> None:
    analyzer, control = Analyzer(), JobControl()
    early, closing = kit.reports([kit.even(5.0 * i, a=0.5) for i in range(1, 7)], tick=30.0)

    assert analyzer.needs(control, None, early) == frozenset()
    assert analyzer.needs(control, None, closing) == {ScaleOutcome, ControlEvent}
    assert analyzer.needs(control, None, kit.outcome(0.0)) == frozenset()
    assert (JobMetrics, ScaleOutcome) == analyzer.SOURCES
    assert analyzer.KIND == "AnalyzerState"


def rescaled(kit: Kit, second: float) -> Sample:
    """Two workers; a rescale at 600 s stops them for 20 s; three catch up until 700 s."""
    arrivals = 800.0
    found: Sample
    if second < 600:
        found = kit.even(second, a=0.5, b=0.5)
    elif second < 620:
        stopped = dict.fromkeys("ab", (0.0, 0.0))
        found = kit.sample(second, stopped, workload=arrivals, lag=arrivals * (second - 600))
    elif second < 700:
        busy = {w: kit.line(0.433) for w in "abc"}
        lag = 16_000.0 - 200.0 * (second - 620)
        found = kit.sample(second, busy, workload=arrivals, lag=lag, uptime=second - 620)
    else:
        calm = dict.fromkeys("abc", (0.36, arrivals / 3))
        found = kit.sample(second, calm, workload=arrivals, lag=60.0, uptime=second - 620)
    return found


def test_a_recovery_is_concluded_and_its_downtime_learned(kit: Kit) -> None:
    play = kit.play()
    for number in range(1, 11):
        play.loop(number, lambda second: rescaled(kit, second))
    play.feed(
        kit.outcome(
            625.0, tick=kit.at(590), started_at=kit.at(600), converged_at=kit.at(622), downtime=20.0
        )
    )
    for number in (11, 12, 13):
        play.loop(number, lambda second: rescaled(kit, second))

    (found,) = play.recoveries
    assert found.tick == kit.at(590)
    assert found.at == kit.at(720)
    assert (found.command, found.from_scale_out, found.to_scale_out) == ("command-1", 2, 3)
    assert found.recovery == 100.0
    assert found.downtime == 20.0
    assert found.worst_lag == 16_000.0
    assert found.correlation == f"ysb@{kit.at(590).isoformat()}"
    assert play.sent.index(found) < play.sent.index(play.updates[-2])
    before, after = play.updates[-4], play.updates[-3]
    assert (before.downtime_up.mean, before.downtime_up.seen) == (30.0, 0)
    assert (after.downtime_up.mean, after.downtime_up.seen) == (20.0, 1)
    assert after.downtime_down.seen == 0
    assert play.state.watch is None


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"dry_run": True}, id="a dry run"),
        *(
            pytest.param({"status": status}, id=status)
            for status in Status
            if status is not Status.APPLIED
        ),
    ],
)
def test_what_was_not_applied_is_not_watched(kit: Kit, known: dict[str, Any]) -> None:
    play = kit.play()
    play.feed(kit.outcome(30.0, **known))
    play.loop(1, lambda second: kit.even(second, a=0.5))
    play.loop(2, lambda second: kit.even(second, a=0.5))

    assert play.state.watch is None
    assert play.recoveries == []


def test_a_downtime_that_was_not_measured_teaches_nothing(kit: Kit) -> None:
    play = kit.play()
    play.feed(kit.outcome(10.0, started_at=kit.at(0), converged_at=kit.at(5)))
    found = play.loop(1, lambda second: kit.even(second, a=0.5, b=0.4))

    assert [recovery.downtime for recovery in play.recoveries] == [None]
    assert found.downtime_up.seen == 0


def test_fewer_workers_teach_the_downtime_down(kit: Kit) -> None:
    play = kit.play()
    play.feed(kit.outcome(10.0, from_scale_out=4, to_scale_out=2, downtime=7.0))
    found = play.loop(1, lambda second: kit.even(second, a=0.5, b=0.4))

    assert (found.downtime_down.mean, found.downtime_down.seen) == (7.0, 1)
    assert found.downtime_up.seen == 0


def history(kit: Kit) -> tuple[list[Event], list[Event]]:
    metrics: list[Event] = []
    for number in range(1, 16):
        samples = [rescaled(kit, 60.0 * number - 55 + 5 * i) for i in range(12)]
        metrics += kit.reports(samples, tick=60.0 * number)
    times = {"started_at": kit.at(600), "converged_at": kit.at(622)}
    outcomes: list[Event] = [
        kit.outcome(300.0, command="refused", status=Status.REFUSED),
        kit.outcome(625.0, downtime=20.0, **times),
        kit.outcome(760.0, command="next", downtime=10.0, started_at=kit.at(750)),
    ]
    return metrics, outcomes


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15
)
@given(delays=st.lists(st.integers(0, 80), min_size=3, max_size=3))
def test_the_order_between_topics_never_shows(kit: Kit, delays: list[int]) -> None:
    """An outcome may be read at any time, if before the tick in which it takes effect."""
    metrics, outcomes = history(kit)
    grace = timedelta(seconds=30)
    expected = kit.play()
    expected.feed(*outcomes[:1], *outcomes[1:], *metrics)

    waiting = list(zip(outcomes, delays, strict=True))
    played, analyzer, state = kit.play(), Analyzer(), None
    sent: list[Event] = []
    for index, report in enumerate(metrics):
        while waiting and (
            index >= waiting[0][1]
            or (
                analyzer.needs(played.control, state, report)
                and waiting[0][0].at + grace <= report.at
            )
        ):
            step = analyzer.handle(played.control, state, waiting.pop(0)[0])
            state = step.state
        step = analyzer.handle(played.control, state, report)
        state, sent = step.state, [*sent, *step.events]
    for event, _ in waiting:
        state = analyzer.handle(played.control, state, event).state

    assert sent == expected.sent
    assert state == expected.state
    assert [event.id for event in sent] == [event.id for event in expected.sent]


Wild = st.one_of(st.none(), st.floats(0, LARGEST))
Long = st.one_of(st.none(), st.floats(0, LONGEST))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
@given(data=st.data())
def test_whatever_is_seen_no_number_is_nan(kit: Kit, data: st.DataObject) -> None:
    """The play asserts that each state survives JSON without NaN; the events refuse it."""
    play = kit.play({"least_samples": 3, "warm_up": 0.0})
    cpu = st.one_of(st.none(), st.floats(0, 1))
    for number in (1, 2, 3):
        if number == 2:
            play.feed(kit.outcome(65.0, downtime=data.draw(Long), started_at=kit.at(62)))
        names = data.draw(st.sets(st.sampled_from("abc")))
        samples = [
            kit.sample(
                60.0 * number - 55 + 5 * i,
                {name: (data.draw(cpu), data.draw(Wild)) for name in sorted(names)},
                workload=data.draw(Wild),
                lag=data.draw(Wild),
                uptime=data.draw(Long),
            )
            for i in range(4)
        ]
        play.feed(*kit.reports(samples, tick=60.0 * number))

    assert len(play.updates) == 3


def test_a_capacity_beyond_all_bounds_is_told_as_the_bound(kit: Kit) -> None:
    play = kit.play()
    full = {"a": (0.5, LARGEST), "b": (0.5, LARGEST)}

    found = play.loop(1, lambda second: kit.sample(second, full, workload=1.0))

    assert found.capacity == LARGEST
    assert {point.capacity for point in found.table if point.scale_out > 1} == {LARGEST}


def test_the_state_of_twelve_workers_stays_small(kit: Kit) -> None:
    play = kit.play(max=18)
    largest = 0
    names = [f"10.0.0.{i}:34567-a1b2c{i:02d}" for i in range(12)]
    for number in range(1, 46):
        for part in range(4):
            samples = [
                kit.sample(
                    60.0 * number - 60 + 15 * part + 5 * k,
                    {
                        name: (0.5 + 0.001 * ((37 * i + 11 * k + number) % 97), 31_234.567 + i + k)
                        for i, name in enumerate(names)
                    },
                    lag=12_345.678,
                )
                for k in (1, 2, 3)
            ]
            closes = 60.0 * number if part == 3 else None
            play.feed(*kit.reports(samples, tick=closes))
            largest = max(largest, len(play.state.model_dump_json()))
            play.sent.clear()

    assert largest <= 10_000


def test_a_state_of_old_is_read(kit: Kit) -> None:
    assert AnalyzerState.model_validate({"loop": 3, "later": 1}).loop == 3


def test_what_a_restart_shows_is_not_learned_from(kit: Kit) -> None:
    """After a restart the CPU is busy with starting, and says nothing of what a record costs."""

    def shape(second: float) -> Sample:
        if second <= 60 or second > 180:
            found: Sample = kit.even(second, a=0.5, b=0.4)
            return found
        starting: Sample = kit.sample(
            second, {"a": (0.9, 10.0), "b": (0.9, 10.0)}, uptime=second - 61
        )
        return starting

    play = kit.play()
    calm = [play.loop(number, shape) for number in (1, 2, 3, 4)]

    assert [update.why_unknown is None for update in calm] == [True, False, False, True]
    assert calm[3].capacity == pytest.approx(calm[0].capacity, rel=0.01)


def test_loads_before_a_change_of_the_scale_out_do_not_count(kit: Kit) -> None:
    """Without a warm-up, half of the loop ran at another scale-out with another skew."""
    play = kit.play({"warm_up": 0.0})
    play.loop(1, lambda second: kit.even(second, a=0.5, b=0.5, c=0.5))
    found = play.loop(
        2,
        lambda second: (
            kit.even(second, a=0.6, b=0.2) if second > 90 else kit.even(second, a=0.2, b=0.6, c=0.5)
        ),
    )

    # at two workers the hottest has 500 of 600 records/s: 600 · 0.9 / (0.6 - 0.1)
    assert found.capacity == pytest.approx(1080.0, rel=0.05)
    assert found.skew is not None
    assert found.skew.hottest == "a"
