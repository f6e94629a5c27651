"""Readings from scrapes: gaps, resets, twins and nonsense."""

import pytest

from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.domain.series import Series, alive, increase, last, mean_load, only

NOW = 1_000_000.0


def series(*points: tuple[float, object], **labels: str) -> Series:
    """Points as (seconds ago, value), oldest first."""
    return Series(labels, [(NOW - ago, str(value)) for ago, value in points])


@pytest.mark.parametrize(
    ("found", "goes_on"),
    [
        pytest.param(series((10, 1), (5, 1), (0, 1)), True, id="fresh"),
        pytest.param(series((17, 1), (12, 1)), True, id="one scrape failed"),
        pytest.param(series((20, 1), (15, 1)), False, id="three are missing at 5 s"),
        pytest.param(series((90, 1), (30, 1)), True, id="none is missing at a minute"),
        pytest.param(series((50, 1)), True, id="one point, not overdue yet"),
        pytest.param(series((61, 1)), False, id="one old point"),
        pytest.param(series(), False, id="no point"),
        pytest.param(
            series((110, 1), (105, 1), (100, 1), (20, 1)), False, id="ended right after a gap"
        ),
        pytest.param(series((100, 1), (5, 1), (0, 1)), True, id="goes on after a gap"),
    ],
)
def test_a_series_has_ended_when_its_next_point_is_overdue(found: Series, goes_on: bool) -> None:
    assert (alive([found], NOW) == [found]) == goes_on


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([series((5, 1), (0, 60_000))], 60_000.0, id="one"),
        pytest.param([], "has no uptime", id="none"),
        pytest.param(
            [series((5, 1), (0, 1)), series((5, 1), (0, 1))], "2 series of uptime", id="two"
        ),
        pytest.param(
            [series((30, 5), (25, 6)), series((5, 1), (0, 2))], 2.0, id="an old one has ended"
        ),
        pytest.param([series((45, 5), (40, 6))], "newest uptime is 40 s old", id="stale"),
        pytest.param([series((5, 1), (0, "NaN"))], "not a number", id="NaN"),
        pytest.param([series((5, 1), (0, "-1"))], "negative", id="negative"),
    ],
)
def test_the_last_value_of_the_one_series(found: list[Series], expected: float | str) -> None:
    value = last(found, NOW, "uptime")

    if isinstance(expected, str):
        assert isinstance(value, Unknown)
        assert expected in value.why
    else:
        assert value == expected


def test_a_share_is_averaged_over_the_sample() -> None:
    found = [series((12, 0.9), (7, 0.8), (4, 0.2), (2, 0.4))]

    assert mean_load(found, NOW, 5.0, "CPU") == pytest.approx(0.3)
    assert mean_load(found, NOW, 1.0, "CPU") == 0.4, "the last one at least"


def test_one_nonsense_share_spoils_the_mean() -> None:
    found = [series((4, "NaN"), (2, 0.4))]

    assert isinstance(mean_load(found, NOW, 5.0, "CPU"), Unknown)
    assert mean_load([], NOW, 5.0, "CPU") == Unknown("Prometheus has no CPU")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(series((15, 0), (10, 5000), (5, 9000), (0, 10_000)), 200.0, id="one sample"),
        pytest.param(series((30, 0), (15, 3000), (0, 9000)), 400.0, id="one scrape, if longer"),
        pytest.param(series((2, 100), (0, 500)), 200.0, id="as far as there is"),
        pytest.param(series((5, 100), (0, 100)), 0.0, id="nothing was read"),
        pytest.param(
            series((110, 0), (105, 1000), (100, 2000), (0, 9000)), "gap of 100 s", id="a gap"
        ),
        pytest.param(series((100, 0), (5, 8000), (0, 9000)), 200.0, id="a gap that is over"),
        pytest.param(series((15, 0), (10, 1000), (0, 3000)), 200.0, id="one scrape failed"),
        pytest.param(series((0, 100)), "one point", id="one point"),
        pytest.param(series((5, 100), (0, 20)), "began anew", id="reset"),
        pytest.param(
            series((5, 100), (3, 20), (0, 500)), "began anew", id="reset that was caught up"
        ),
        pytest.param(series((5, "NaN"), (0, 20)), "not a number", id="NaN"),
    ],
)
def test_a_counter_increases_over_a_sample_interval(found: Series, expected: float | str) -> None:
    value = increase(found, 5.0, "the count")

    if isinstance(expected, str):
        assert isinstance(value, Unknown)
        assert expected in value.why
    else:
        assert value == pytest.approx(expected)


def test_a_load_of_exactly_zero_is_a_double_reading_and_left_out() -> None:
    assert mean_load([series((4, "0.0"), (2, 0.4))], NOW, 5.0, "CPU") == 0.4
    alone = mean_load([series((4, "0.0"), (2, "0.0"))], NOW, 5.0, "CPU")
    assert isinstance(alone, Unknown)
    assert "read by somebody else" in alone.why


def test_the_one_series_is_returned_whole() -> None:
    found = series((5, 1), (0, 2), tm_id="a")

    assert only([found], NOW, "CPU") is found
