"""Counters to rates."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_monitor.domain.counters import Count, Moment, elapsed, per_worker, rate
from daedalus_monitor.domain.readings import Reading, Unknown

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def moment(wall: float, steady: float) -> Moment:
    return Moment(NOON + timedelta(seconds=wall), 1000 + steady)


def count(
    records: Reading[float], ran: float | None = None, began: str = "0@1", worker: str = "tm-1"
) -> Count:
    return Count(worker=worker, began=began, records=records, ran=ran)


@pytest.mark.parametrize(
    ("wall", "steady", "expected"),
    [
        pytest.param(5.0, 5.0, 5.0, id="as it should be"),
        pytest.param(5.2, 5.0, 5.0, id="the wall clock is slewed"),
        pytest.param(14.9, 14.9, 14.9, id="two looks were missed"),
        pytest.param(3605.0, 5.0, "jumped by +3600.0 s", id="set forward"),
        pytest.param(-55.0, 5.0, "jumped by -60.0 s", id="set back"),
        pytest.param(0.0, 0.0, "no time has passed", id="twice at once"),
        pytest.param(60.0, 60.0, "the last look is 60 s ago", id="stopped for a minute"),
    ],
)
def test_an_interval_is_believed_if_both_clocks_agree(
    wall: float, steady: float, expected: float | str
) -> None:
    found = elapsed(moment(0, 0), moment(wall, steady), sample=5.0)

    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert found == pytest.approx(expected)


def test_the_first_look_has_no_interval() -> None:
    found = elapsed(None, moment(0, 0), sample=5.0)

    assert isinstance(found, Unknown)
    assert "first look" in found.why


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(count(1000), count(6000), 1000.0, id="by the time between looks"),
        pytest.param(
            count(1000, ran=10), count(6000, ran=14), 1250.0, id="by the counter's own time"
        ),
        pytest.param(count(6000), count(6000), 0.0, id="nothing was read"),
        pytest.param(None, count(6000), "first look", id="no earlier look"),
        pytest.param(count(6000), count(100), "began anew", id="the count was reset"),
        pytest.param(
            count(6000, ran=60), count(7000, ran=5), "began anew", id="the owner was restarted"
        ),
        pytest.param(
            count(6000), count(9000, began="1@2"), "restarted", id="another attempt counts on"
        ),
        pytest.param(
            count(6000, ran=60), count(6000, ran=60), "not refreshed", id="the same answer again"
        ),
        pytest.param(count(1), count(Unknown("HTML")), "HTML", id="unknown now"),
        pytest.param(count(Unknown("HTML")), count(1), "first look", id="unknown before"),
    ],
)
def test_a_rate_is_the_increase_unless_something_began_anew(
    before: Count | None, now: Count, expected: float | str
) -> None:
    found = rate(before, now, 5.0)

    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert found == pytest.approx(expected)


def test_an_unbelieved_interval_makes_no_rate() -> None:
    assert rate(count(1), count(2), Unknown("jumped")) == Unknown("jumped")


@given(before=st.floats(0, 1e12), now=st.floats(0, 1e12), seconds=st.floats(0.1, 1e4))
def test_a_rate_is_never_negative(before: float, now: float, seconds: float) -> None:
    found = rate(count(before), count(now), seconds)

    assert isinstance(found, Unknown) or found >= 0


def test_a_worker_is_the_sum_of_its_subtasks_and_unknown_if_one_is() -> None:
    before = {
        "0": count(0, worker="a"),
        "1": count(0, worker="a"),
        "2": count(0, worker="b"),
        "3": count(9, worker="b"),
    }
    now = {
        "0": count(500, worker="a"),
        "1": count(1000, worker="a"),
        "2": count(500, worker="b"),
        "3": count(3, worker="b"),
    }

    found = per_worker(before, now, 5.0)

    assert found["a"] == 300.0
    assert isinstance(found["b"], Unknown)
