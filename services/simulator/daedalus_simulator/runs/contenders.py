"""All policies that can be played, by the names that tables and options use."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from daedalus_shared.job_spec import JobSpec
from daedalus_simulator.domain.policy import Policy
from daedalus_simulator.domain.world import World
from daedalus_simulator.errors import UsageError
from daedalus_simulator.oracle import ORACLES, oracle
from daedalus_simulator.policies.daedalus import DaedalusPolicy
from daedalus_simulator.policies.registry import BASELINES
from daedalus_simulator.policies.scheduled import Scheduled

Make = Callable[[World, JobSpec], Policy]
"""(what the job meets, how it is scaled) → a fresh policy. Oracles alone look at the world."""

DIALS = ("thrift", "balanced", "steady")


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy that can be played."""

    name: str
    kind: str
    """`daedalus`, `baseline` or `oracle`."""

    make: Make
    weight: float
    """Seconds that six hours take, about: for the progress bar."""


def daedalus(planner: str, dial: str | None = None, model: str | None = None) -> Make:
    """Return how to make Daedalus with a planner.

    Args:
        planner: A name of the planner's.
        dial: Of its prices, for `horizon`; None for the job's.
        model: How the workload is forecast; None for the job's.
    """

    def make(_: World, spec: JobSpec) -> Policy:
        policy = spec.policy.model_copy(update={"planner": planner})
        if model is not None:
            policy = policy.model_copy(update={"model": model})
        if dial is not None:
            prices = policy.prices.model_copy(update={"dial": dial})
            policy = policy.model_copy(update={"prices": prices})
        return DaedalusPolicy(spec.model_copy(update={"policy": policy}), keep=True)

    return make


def horizon(dial: str) -> str:
    """Return the name of the horizon planner at a dial."""
    return f"horizon-{dial}"


def _baseline(factory: Callable[[World], Policy]) -> Make:
    return lambda world, _: factory(world)


def _oracle(name: str) -> Make:
    return lambda world, _: Scheduled(name, oracle(name, world).moves)


def _all() -> dict[str, Contender]:
    found = [
        Contender("rules", "daedalus", daedalus("rules"), 7.0),
        Contender("rules-arima", "daedalus", daedalus("rules", model="arima"), 30.0),
    ]
    found += [
        Contender(horizon(dial), "daedalus", daedalus("horizon", dial), 10.0) for dial in DIALS
    ]
    found += [
        Contender(name, "baseline", _baseline(factory), 0.5) for name, factory in BASELINES.items()
    ]
    found += [Contender(name, "oracle", _oracle(name), 1.0) for name in ORACLES]
    return {one.name: one for one in found}


CONTENDERS: Mapping[str, Contender] = MappingProxyType(_all())
"""By name, in the order of tables."""

ALIASES = {"horizon": "horizon-balanced"}


def chosen(text: str) -> tuple[Contender, ...]:
    """Return the policies of a list such as `rules,horizon-steady`, or `all`.

    Raises:
        UsageError: One does not exist.
    """
    if text == "all":
        return tuple(CONTENDERS.values())
    found: dict[str, Contender] = {}
    for part in text.split(","):
        name = ALIASES.get(part.strip(), part.strip())
        if name not in CONTENDERS:
            close = difflib.get_close_matches(name, CONTENDERS, n=1)
            hint = f"did you mean {close[0]}? " if close and name != "?" else ""
            raise UsageError(f"no policy {name!r}; {hint}these exist: {', '.join(CONTENDERS)}")
        found[name] = CONTENDERS[name]
    return tuple(found.values())
