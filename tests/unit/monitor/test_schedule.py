"""When a job is looked at, and when its reports and ticks end."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from daedalus_monitor.domain.schedule import Due, covered, next_due, present, too_early, too_late
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Forget
from daedalus_shared.job_spec import JobSpec, Policy, read_spec
from daedalus_shared.ticks import next_end, offset

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPEC = read_spec("""
job: ysb
engine: {kind: flink, rest: http://jm:8081}
input: {bootstrap: "kafka:9092", topics: [ads], group: ysb}
workers: {kind: none}
scale: {max: 4}
""")


def declared(spec: JobSpec = SPEC, at: datetime = NOON - timedelta(hours=1)) -> JobControl:
    return JobControl().fold(Declaration(job="ysb", at=at, source="console/x", spec=spec))


def dues(control: JobControl, spec: JobSpec, after: datetime, until: datetime) -> list[Due]:
    found = []
    while (due := next_due(control, spec, after)).at <= until:
        found.append(due)
        after = due.at
    return found


def test_samples_reports_and_ticks_lie_on_grids_that_meet_at_each_end_of_a_tick() -> None:
    end = next_end("ysb", 60.0, NOON)

    found = dues(declared(), SPEC, end, end + timedelta(seconds=60))

    assert [due.at for due in found] == [end + timedelta(seconds=5 * n) for n in range(1, 13)]
    assert all(due.look for due in found)
    assert [due.at for due in found if due.report] == [
        end + timedelta(seconds=15 * n) for n in range(1, 5)
    ]
    assert [due.tick for due in found if due.tick] == [end + timedelta(seconds=60)]
    assert found[-1].report


def test_a_report_closes_exactly_at_a_tick_that_is_no_multiple_of_the_sample() -> None:
    spec = SPEC.model_copy(update={"policy": Policy(sample=7.0, report=20.0, loop=60.0)})
    end = next_end("ysb", 60.0, NOON)

    found = dues(declared(spec), spec, end - timedelta(seconds=60), end)

    assert found[-1].at == found[-1].tick == end
    assert found[-1].report
    looks = [due.at for due in found if due.look]
    assert {later - earlier for earlier, later in pairwise(looks)} == {timedelta(seconds=7)}


def test_a_tick_before_the_declaration_takes_effect_is_not_stamped() -> None:
    end = next_end("ysb", 60.0, NOON)
    late = declared(at=end - timedelta(seconds=29))

    assert next_due(late, SPEC, end - timedelta(seconds=1)).tick is None
    in_time = declared(at=end - timedelta(seconds=30))
    assert next_due(in_time, SPEC, end - timedelta(seconds=1)).tick == end


def test_missed_ticks_are_not_made_up_for() -> None:
    end = next_end("ysb", 60.0, NOON)

    due = next_due(declared(), SPEC, end + timedelta(minutes=10, seconds=59))

    assert due.tick == end + timedelta(minutes=11)


def test_a_job_is_watched_from_its_declaration_until_it_is_forgotten() -> None:
    control = declared(at=NOON)

    assert present(JobControl(), NOON) is None
    assert present(control, NOON + timedelta(seconds=1)) == SPEC
    gone = control.fold(
        Forget(job="ysb", at=NOON + timedelta(seconds=5), source="c/x", author="me")
    )
    assert present(gone, NOON + timedelta(seconds=6)) is None


def test_a_changed_spec_takes_over_when_it_takes_effect() -> None:
    faster = SPEC.model_copy(update={"policy": Policy(loop=30.0)})
    control = declared().fold(Declaration(job="ysb", at=NOON, source="console/x", spec=faster))

    assert present(control, NOON + timedelta(seconds=29)) == SPEC
    assert present(control, NOON + timedelta(seconds=30)) == faster


@pytest.mark.parametrize(
    ("woke", "early", "late"),
    [
        pytest.param(0.0, False, False, id="in time"),
        pytest.param(4.9, False, False, id="a busy machine"),
        pytest.param(5.1, False, True, id="after the next sample was due"),
        pytest.param(3600.0, False, True, id="the clock was set forward"),
        pytest.param(-3600.0, True, False, id="the clock was set back"),
        pytest.param(-0.01, False, False, id="the timer fired a little early"),
    ],
)
def test_an_instant_is_missed_or_not_there_yet(woke: float, early: bool, late: bool) -> None:
    due = next_due(declared(), SPEC, NOON)
    now = due.at + timedelta(seconds=woke)

    assert (too_early(due, now, 5.0), too_late(due, now, 5.0)) == (early, late)


def test_what_was_reported_is_covered_unless_a_wrong_clock_stamped_it() -> None:
    assert not covered(None, NOON, NOON)
    assert covered(NOON, NOON, NOON)
    assert covered(NOON + timedelta(seconds=29), NOON, NOON)
    assert not covered(NOON + timedelta(hours=1), NOON, NOON)
    assert not covered(NOON - timedelta(seconds=1), NOON, NOON)


def test_jobs_are_spread_over_the_loop() -> None:
    assert len({round(offset(f"job-{number}", 60.0)) for number in range(50)}) > 20
