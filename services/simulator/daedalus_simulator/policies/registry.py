"""The policies that ours is compared with, by the name that a command calls them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from daedalus_simulator.domain.policy import Policy
from daedalus_simulator.domain.world import NEEDED, TYPICAL_SKEW, World, slowed
from daedalus_simulator.policies.flink_operator import DEFAULT, TUNED, FlinkOperator
from daedalus_simulator.policies.hpa import Hpa
from daedalus_simulator.policies.keda import KedaLag
from daedalus_simulator.policies.phoebe import Phoebe
from daedalus_simulator.policies.static import Static

Factory = Callable[[World], Policy]
"""Makes a fresh policy for a run. Of the world it may know what its users would have set up or
profiled beforehand; each policy's own text says what that is."""


def _keda_lag(world: World) -> Policy:
    """Return one whose user knows the peak: its threshold is a worker's share of it in 1 s."""
    return KedaLag(world.single / (TYPICAL_SKEW * slowed(NEEDED)), world.most)


def _phoebe(world: World) -> Policy:
    capacities = {workers: world.capacity(workers) for workers in range(1, world.most + 1)}
    return Phoebe(capacities, world.engine.outage_up)


BASELINES: Mapping[str, Factory] = MappingProxyType(
    {
        "static-12": lambda _: Static(12),
        "hpa-80": lambda world: Hpa(0.80, most=world.most),
        "hpa-80-300": lambda world: Hpa(0.80, up=300, most=world.most),
        "hpa-85": lambda world: Hpa(0.85, most=world.most),
        "hpa-85-300": lambda world: Hpa(0.85, up=300, most=world.most),
        "hpa-60": lambda world: Hpa(0.60, most=world.most),
        "flink-operator": lambda world: FlinkOperator(DEFAULT, most=world.most),
        "flink-operator-tuned": lambda world: FlinkOperator(
            TUNED, "flink-operator-tuned", world.most
        ),
        "keda-lag": _keda_lag,
        "phoebe": _phoebe,
    }
)
"""Name → factory."""
