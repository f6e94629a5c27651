"""How long an engine stands still when it is rescaled (docs/method.md, The simulated job)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The costs of a rescale."""

    name: str
    """Such as `flink`."""

    outage_up: float
    """Seconds without processing after a scale-up, on average."""

    outage_down: float
    """Seconds without processing after a scale-down, on average."""

    warm_up: float = 0.0
    """Seconds after a scale-up's outage in which only the old workers work."""

    replay: float = 10.0
    """Seconds of processed records that are processed again after an outage, at most."""


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {
        engine.name: engine
        for engine in (
            Engine(name="flink", outage_up=30.0, outage_down=20.0),
            Engine(name="flink-slow", outage_up=90.0, outage_down=60.0),
            Engine(name="kafka-streams", outage_up=6.0, outage_down=10.0, warm_up=180.0),
        )
    }
)
"""By name."""
