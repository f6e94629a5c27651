"""A job's last hour in a few points."""

from daedalus_console.live.spark import BRIDGED, HOUR, LEAST, POINTS, spark
from daedalus_console.live.track import Track

NOW = 1_000_000.0


def tracks(
    workload: dict[float, float | None], capacity: dict[float, float | None]
) -> tuple[Track, Track]:
    """Return tracks of values so many seconds ago."""
    metrics, learned = Track(("workload",)), Track(("capacity",))
    for ago, value in workload.items():
        metrics.add(NOW - ago, {"workload": value})
    for ago, value in capacity.items():
        learned.add(NOW - ago, {"capacity": value})
    return metrics, learned


def every(seconds: float, span: float = HOUR) -> dict[float, float | None]:
    return {span - place * seconds: 5.0 for place in range(int(span / seconds) + 1)}


def test_a_line_spans_the_hour_and_the_capacity_holds_until_it_changes() -> None:
    found = spark(*tracks(every(15), {2 * HOUR: 8.0, HOUR / 2: 9.0}), NOW)

    assert found.workload == (5.0,) * POINTS
    assert found.capacity == (8.0,) * (POINTS // 2 - 1) + (9.0,) * (POINTS // 2 + 1)


def test_a_young_job_has_a_longer_line_than_its_age() -> None:
    found = spark(*tracks(every(15, LEAST / 2), {}), NOW)

    assert found.workload == (None,) * (POINTS // 2) + (5.0,) * (POINTS // 2)
    assert found.capacity == (None,) * POINTS


def test_an_unknown_stretch_is_a_gap_and_the_time_between_reports_is_none() -> None:
    away = {ago: value for ago, value in every(15).items() if not 600 < ago < 1_800}
    found = spark(*tracks(away, {}), NOW).workload

    # The first of the silent points has the last report at its begin.
    assert found.count(None) == 1_200 * POINTS / HOUR - 1
    assert found[-1] == 5.0
    young = spark(*tracks(every(BRIDGED - 15, 2 * LEAST), {}), NOW)
    assert None not in young.workload


def test_a_job_that_was_never_heard_of_has_no_line() -> None:
    assert set(spark(*tracks({}, {}), NOW).workload) == {None}
