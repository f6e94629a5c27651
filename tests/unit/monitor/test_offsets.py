"""Workload and lag from offsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_monitor.domain.offsets import Offsets, lag, partitions, summed, workload
from daedalus_monitor.domain.readings import Unknown

A, B, C = ("ads", 0), ("ads", 1), ("ads", 2)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param({A: 100, B: 200}, {A: 150, B: 400}, 50.0, id="the sum over partitions"),
        pytest.param({A: 100}, {A: 100}, 0.0, id="nothing arrives"),
        pytest.param({A: 100}, {A: 100, B: 50}, 10.0, id="a partition was added"),
        pytest.param(
            {A: 100, B: 9}, {A: 20, B: 9}, "ads-0 began anew", id="the topic was made anew"
        ),
        pytest.param({A: 100, B: 9}, {A: 120}, "ads-1 began anew", id="a partition is gone"),
        pytest.param(Unknown("first look"), {A: 1}, "first look", id="no earlier look"),
        pytest.param({A: 1}, Unknown("no broker"), "no broker", id="no broker now"),
    ],
)
def test_the_workload_is_what_the_topics_grew_by(
    before: object, now: object, expected: float | str
) -> None:
    found = workload(before, now, 5.0)  # type: ignore[arg-type]  # the table mixes readings

    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert found == expected


def test_the_workload_is_unknown_over_an_unbelieved_interval() -> None:
    assert workload({A: 1}, {A: 2}, Unknown("jumped")) == Unknown("jumped")


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        pytest.param(Offsets({A: 100, B: 50}, {A: 90, B: 50}, {}), 10.0, id="end minus committed"),
        pytest.param(Offsets({A: 100, B: 50}, {A: 90, B: None}, {B: 50}), 10.0, id="one is empty"),
        pytest.param(
            Offsets({A: 100, B: 50}, {A: 90, B: None}, {B: 0}), "nothing on ads-1", id="no commit"
        ),
        pytest.param(
            Offsets({A: 100, B: 50}, {A: 90, B: None}, {}), "nothing on ads-1", id="begin not told"
        ),
        pytest.param(
            Offsets({A: 100, B: 50}, {A: 90}, {}), "nothing on ads-1", id="partition just added"
        ),
        pytest.param(Offsets({A: 10}, {A: 90}, {}), "beyond the end of ads-0", id="made anew"),
        pytest.param(Offsets({A: 1}, Unknown("not authorised"), {}), "not authorised", id="denied"),
        pytest.param(Offsets.nothing("no broker"), "no broker", id="no broker"),
    ],
)
def test_the_lag_is_what_nobody_committed(offsets: Offsets, expected: float | str) -> None:
    found = lag(offsets)

    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert found == expected


@given(
    ends=st.dictionaries(st.tuples(st.just("t"), st.integers(0, 3)), st.integers(0, 9), max_size=3),
    committed=st.dictionaries(
        st.tuples(st.just("t"), st.integers(0, 3)), st.none() | st.integers(0, 9), max_size=3
    ),
)
def test_neither_is_ever_negative(
    ends: dict[tuple[str, int], int], committed: dict[tuple[str, int], int | None]
) -> None:
    offsets = Offsets(ends, committed, {})
    before = {part: offset or 0 for part, offset in committed.items()}

    for found in (lag(offsets), workload(before, ends, 5.0)):
        assert isinstance(found, Unknown) or found >= 0


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        pytest.param(None, 10.0, id="nothing between"),
        pytest.param(Offsets({B: 70}, {B: 30}, {}), 50.0, id="records between the steps wait too"),
        pytest.param(Offsets({B: 70}, {B: 70}, {}), 10.0, id="none of them waits"),
        pytest.param(Offsets({B: 70}, {B: None}, {}), "nothing on ads-1", id="no commit between"),
        pytest.param(Offsets.nothing("no such topic"), "no such topic", id="unknown between"),
    ],
)
def test_what_is_between_the_steps_counts_for_the_lag_alone(
    between: Offsets | None, expected: float | str
) -> None:
    offsets = Offsets({A: 100}, {A: 90}, {}, between)

    found = lag(offsets)

    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert found == expected
    assert partitions(offsets) == 1
    assert workload({A: 50}, offsets.ends, 5.0) == 10.0


def test_the_widest_topic_bounds_the_scale_out() -> None:
    assert partitions(Offsets({A: 1, B: 1, ("clicks", 0): 1}, {}, {})) == 2
    assert isinstance(partitions(Offsets({}, {}, {})), Unknown)
    assert partitions(Offsets.nothing("no broker")) == Unknown("no broker")


def test_many_partitions_are_not_all_named() -> None:
    ends = {("t", number): 5 for number in range(100)}

    found = lag(Offsets(ends, {}, {}))

    assert isinstance(found, Unknown)
    assert found.why == "the group has committed nothing on t-0, t-1, t-2 and 97 more"


def test_a_sum_moves_with_any_partition() -> None:
    assert summed({A: 1, B: None, C: 2}) == 3.0
    assert summed(Unknown("x")) == Unknown("x")
