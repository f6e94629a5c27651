"""What a world draws, and that it draws the same for every policy."""

import numpy as np
import pytest

from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.world import NOISE, World

RATES = 1000 + 900 * np.sin(np.arange(7200) / 600)


@pytest.fixture(name="world")
def _world() -> World:
    return World(RATES, ENGINES["flink"], seed=1)


def test_the_highest_minute_needs_eight_and_a_half_workers_at_a_typical_skew(world: World) -> None:
    peak = np.convolve(RATES, np.ones(60) / 60, "valid").max()
    typical = [q * world.worker_capacity(q) / 1.12 for q in (8, 9)]

    assert typical[0] < peak < typical[1]
    assert np.mean(typical) == pytest.approx(peak, rel=0.01)


def test_each_further_worker_adds_less(world: World) -> None:
    each = [world.worker_capacity(q) for q in range(1, 19)]

    assert np.diff(each).max() < 0
    assert each[0] / each[11] == pytest.approx(1 + 0.0055 * 11 + 0.0002 * 12 * 11)


def test_shares_sum_to_one_and_the_hottest_stops_all(world: World) -> None:
    for q in (1, 7, 18):
        shares = world.shares(q)
        assert shares.sum() == pytest.approx(1)
        assert shares.max() / shares.min() <= 1.15 / 0.85
        assert world.capacity(q) * shares.max() == pytest.approx(world.worker_capacity(q))


def test_noise_is_around_one_with_its_deviation() -> None:
    world = World(np.ones(200_000), ENGINES["flink"], seed=4)

    assert world.noise.mean() == pytest.approx(1, abs=0.003)
    assert world.noise.std() == pytest.approx(NOISE, rel=0.1)
    lagged = np.corrcoef(world.noise[:-120], world.noise[120:])[0, 1]
    assert lagged == pytest.approx(np.exp(-1), abs=0.1)


@pytest.mark.parametrize(
    ("engine", "up", "down"), [("flink", 30, 20), ("flink-slow", 90, 60), ("kafka-streams", 6, 10)]
)
def test_outages_are_within_a_third_of_the_nominal_and_hold_for_a_block(
    engine: str, up: float, down: float
) -> None:
    world = World(RATES, ENGINES[engine], seed=1)

    for nominal, found in (
        (up, [world.outage(s, up=True) for s in range(0, 7200, 300)]),
        (down, [world.outage(s, up=False) for s in range(0, 7200, 300)]),
    ):
        assert min(found) >= 0.7 * nominal
        assert max(found) <= 1.3 * nominal
        assert len(set(found)) > 10
    assert world.outage(300, up=True) == world.outage(599, up=True)
    assert 0 <= world.replay(0) <= 10


def test_a_seed_gives_one_world(world: World) -> None:
    again, other = World(RATES, ENGINES["flink"], 1), World(RATES, ENGINES["flink"], 2)

    assert again.noise.tolist() == world.noise.tolist()
    assert again.shares(9).tolist() == world.shares(9).tolist()
    assert other.noise.tolist() != world.noise.tolist()
    assert other.shares(9).tolist() != world.shares(9).tolist()
