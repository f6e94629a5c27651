"""What holds for every policy that ours is compared with."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from daedalus_simulator.backtest import play
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.policy import Policy, View
from daedalus_simulator.domain.world import Series, World
from daedalus_simulator.policies.registry import BASELINES
from daedalus_simulator.policies.static import Static

CHANGE = 5400
"""From this second on the two loads differ."""


@dataclass
class Recorded:
    """Another policy, and what it said."""

    policy: Policy
    said: list[tuple[int, int | None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.policy.name

    @property
    def interval(self) -> int:
        return self.policy.interval

    def decide(self, job: View) -> int | None:
        wanted = self.policy.decide(job)
        self.said.append((job.second, wanted))
        return wanted


def load() -> Series:
    """A load with its highest minute at the begin, and a swing."""
    at = np.arange(9000)
    noise = np.random.default_rng(0).normal(1.0, 0.03, len(at))
    swing = 1000 * (0.55 - 0.35 * np.cos(2 * np.pi * at / 2400)) * noise
    swing[:120] = 1200
    return swing


@pytest.mark.parametrize("name", BASELINES)
def test_no_policy_sees_the_future(name: str) -> None:
    said = []
    for later in (1.0, 0.3):
        arrivals = load()
        arrivals[CHANGE:] *= later
        world = World(arrivals, ENGINES["flink"], seed=0)
        recorded = Recorded(BASELINES[name](world))
        play(world, recorded)
        said.append([one for one in recorded.said if one[0] <= CHANGE])

    assert said[0] == said[1]
    assert said[0]


@pytest.mark.parametrize("name", BASELINES)
def test_a_policy_is_called_as_it_is_registered(name: str) -> None:
    assert BASELINES[name](World(load(), ENGINES["flink"], seed=0)).name == name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", [name for name in BASELINES if name != "static-12"])
def test_a_policy_scales_within_bounds(name: str, engine: str) -> None:
    world = World(load(), ENGINES[engine], seed=1, most=14)
    run = play(world, BASELINES[name](world))

    assert run.workers.min() >= 1
    assert run.workers.max() <= 14
    assert run.rescales or name == "flink-operator"


@pytest.mark.parametrize("name", BASELINES)
def test_a_policy_remembers_no_other_run(name: str) -> None:
    world = World(load(), ENGINES["flink"], seed=2)
    first, again = (play(world, BASELINES[name](world)) for _ in range(2))

    assert first.rescales == again.rescales


def test_static_keeps_what_it_was_given() -> None:
    world = World(load()[:600], ENGINES["flink"], seed=0)
    assert play(world, Static(9)).workers[-1] == 9
    assert not play(world, Static(12)).rescales
