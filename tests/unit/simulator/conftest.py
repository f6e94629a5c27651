"""Worlds made by hand: every worker processes 100 records/s, and outages last as long as told."""

import numpy as np
import pytest

from daedalus_simulator.domain.engines import Engine
from daedalus_simulator.domain.world import Series, World

CAPACITY = 100.0
"""Records/s of each worker."""


class PlainWorld(World):
    """Without noise, skew or chance."""

    def __init__(self, arrivals: Series, engine: Engine, *, outage: float, replay: float) -> None:
        super().__init__(arrivals, engine, seed=0)
        self.noise = np.ones(self.seconds)
        self._outage = outage
        self._replay = replay

    def worker_capacity(self, scale_out: int) -> float:
        return CAPACITY

    def shares(self, scale_out: int) -> Series:
        return np.full(scale_out, 1 / scale_out)

    def outage(self, second: int, *, up: bool) -> float:
        return self._outage if up else self._outage / 2

    def replay(self, second: int) -> float:
        return self._replay


def plain(
    *arrivals: tuple[int, float], outage: float = 10.0, replay: float = 0.0, warm_up: float = 0.0
) -> PlainWorld:
    """Return a world from (seconds, records/s) stretches."""
    rates = np.concatenate([np.full(seconds, float(rate)) for seconds, rate in arrivals])
    engine = Engine(name="plain", outage_up=10.0, outage_down=5.0, warm_up=warm_up)
    return PlainWorld(rates, engine, outage=outage, replay=replay)


@pytest.fixture(name="plain")
def _plain() -> object:
    return plain
