"""How many records are due: exact rates, catching up, and its limit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_local.load import records, shapes
from daedalus_local.load.player import Player, Score, shares


def test_sends_the_integral_of_the_rate_however_it_is_asked() -> None:
    score = Score([100.0] * 11)
    regular, irregular = Player(score), Player(score)

    for tick in range(1, 101):
        regular.due(tick * 0.1)
    sent = sum(irregular.due(at) for at in (0.03, 0.9, 1.0, 4.2, 7.7, 9.99, 10.0))

    assert sent == 1000


def test_speed_shortens_the_trace_and_keeps_the_rates() -> None:
    score = Score([100.0] * 60, speed=10.0)
    player = Player(score)

    assert score.length == 6.0
    assert sum(player.due(tick / 4) for tick in range(1, 25)) == 600


def test_makes_up_for_a_delay_but_not_for_an_hour() -> None:
    player = Player(Score([100.0] * 7200), patience=5.0)

    assert player.due(4.0) == 400
    assert player.due(3600.0) == 500
    assert player.skipped == pytest.approx(100.0 * (3600 - 4 - 5))


def test_nothing_is_due_after_the_end() -> None:
    player = Player(Score([100.0] * 2))
    player.due(2.0)

    assert player.due(50.0) == 0


def test_rates_between_two_values_lie_on_the_line() -> None:
    assert Score([0.0, 10.0, 10.0]).rate(0.5) == 5.0


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 59))
def test_shares_are_even_and_complete(count: int, partitions: int, first: int) -> None:
    split = shares(count, partitions, first % partitions)

    sizes = dict.fromkeys(range(partitions), 0) | dict(split)
    assert sum(sizes.values()) == count
    assert max(sizes.values()) - min(sizes.values()) <= 1


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_a_shape_is_the_same_for_the_same_seed(name: str) -> None:
    shape = shapes.SHAPES[name]

    assert shape(shapes.Shape(minutes=5, seed=3)) == shape(shapes.Shape(minutes=5, seed=3))
    assert shape(shapes.Shape(minutes=5, seed=3)) != shape(shapes.Shape(minutes=5, seed=4))
    assert all(share >= 0 for share in shape(shapes.Shape(minutes=5, noise=2.0)))


def test_rise_and_fall_starts_low_peaks_past_the_middle_and_ends_low() -> None:
    clean = shapes.rise_and_fall(shapes.Shape(minutes=80, noise=0.0, low=0.15))

    assert len(clean) == 4800
    quiet = clean[: round(4800 * shapes.QUIET)]
    assert min(quiet) == pytest.approx(0.1275, abs=0.001)
    assert max(quiet) == pytest.approx(0.1725, abs=0.001)
    assert clean[-1] < 0.2
    assert max(clean) == pytest.approx(1.0, abs=1e-4)
    assert clean.index(max(clean)) / 4800 == pytest.approx(shapes.TOP, abs=0.001)


@pytest.mark.parametrize("kind", records.KINDS)
def test_a_stamped_record_is_json_with_its_event_time(kind: str) -> None:
    found = records.prefixes(kind, seed=1)

    assert len(found) == records.COUNT
    assert json.loads(found[0] + records.stamp(1234))["event_time"] == 1234
    assert found == records.prefixes(kind, seed=1)
