"""How far a job was reported: no report twice, none that overlaps, whoever made the last."""

from datetime import UTC, datetime, timedelta

from daedalus_monitor.monitor import Draft, Monitor, MonitorState
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Forget, JobMetrics, Sample
from daedalus_shared.job_spec import read_spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MONITOR = Monitor("monitor")
DECLARED = Declaration(
    job="ysb",
    at=NOON,
    source="console/x",
    spec=read_spec("""
job: ysb
engine: {kind: flink, rest: http://jm:8081}
input: {bootstrap: "kafka:9092", topics: [ads], group: ysb}
workers: {kind: none}
scale: {max: 4}
"""),
)


def second(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def draft(*samples: float, at: float, tick: bool = False) -> Draft:
    return Draft(
        job="ysb",
        at=second(at),
        tick=second(at) if tick else None,
        samples=tuple(Sample(at=second(number)) for number in samples),
        input_partitions=24,
    )


def test_the_first_report_holds_all_samples() -> None:
    step = MONITOR.report(None, draft(5, 10, 15, at=15, tick=True), now=second(15.3))

    assert step.state == MonitorState(at=second(15), tick=second(15))
    (event,) = step.events
    assert isinstance(event, JobMetrics)
    assert (event.at, event.tick, event.source) == (second(15), second(15), "monitor/monitor")
    assert [sample.at for sample in event.samples] == [second(5), second(10), second(15)]
    assert event.input_partitions == 24


def test_a_report_that_somebody_else_has_made_is_none() -> None:
    state = MonitorState(at=second(15), tick=second(15))

    step = MONITOR.report(state, draft(5, 10, 15, at=15, tick=True), now=second(15.3))

    assert step.state is state
    assert step.events == ()


def test_samples_that_were_reported_are_left_out() -> None:
    state = MonitorState(at=second(10), tick=second(0))

    step = MONITOR.report(state, draft(5, 10, 15, at=15), now=second(15.3))

    (event,) = step.events
    assert isinstance(event, JobMetrics)
    assert [sample.at for sample in event.samples] == [second(15)]
    assert step.state == MonitorState(at=second(15), tick=second(0))


def test_a_tick_is_closed_without_samples_too_but_nothing_else_is_reported_empty() -> None:
    assert len(MONITOR.report(None, draft(at=15, tick=True), now=second(15)).events) == 1
    assert MONITOR.report(None, draft(at=15), now=second(15)).events == ()


def test_a_report_stamped_by_a_wrong_clock_does_not_mute_the_job() -> None:
    state = MonitorState(at=second(3600))

    step = MONITOR.report(state, draft(5, at=15), now=second(15))

    assert step.state == MonitorState(at=second(15))
    assert len(step.events) == 1


def test_samples_ahead_of_the_report_wait_for_nothing() -> None:
    step = MONITOR.report(None, draft(5, 3600, at=15), now=second(15))

    (event,) = step.events
    assert isinstance(event, JobMetrics)
    assert [sample.at for sample in event.samples] == [second(5)]


def test_a_job_that_is_forgotten_leaves_no_state() -> None:
    state = MonitorState(at=second(15))
    control = JobControl().fold(DECLARED)
    forget = Forget(job="ysb", at=second(20), source="console/x", author="me")

    assert MONITOR.handle(control, state, DECLARED).state is state
    assert MONITOR.handle(control.fold(forget), state, forget).state is None
    assert MONITOR.needs(control, state, DECLARED) == frozenset()
