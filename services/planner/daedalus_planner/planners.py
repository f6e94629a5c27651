"""The planners by name, behind one contract."""

from collections.abc import Mapping
from types import MappingProxyType

from daedalus_planner.domain import horizon, rules
from daedalus_planner.domain.situation import PlanFunction

PLANNERS: Mapping[str, PlanFunction] = MappingProxyType(
    {"horizon": horizon.plan, "rules": rules.plan}
)
"""`horizon` is the default; `rules` is the reference's decision list."""


def planner(instance: str, plan: str | None = None) -> PlanFunction:
    """Return what an instance decides by: `plan`, else its name, else the default.

    Raises:
        KeyError: There is no such plan.
    """
    return PLANNERS[plan or (instance if instance in PLANNERS else "horizon")]
