"""What is drawn of one run: plain series, cheap to send between processes."""

from dataclasses import dataclass, field

from daedalus_simulator.domain.world import Series


@dataclass(frozen=True, slots=True)
class Move:
    """A rescale, and why."""

    second: int
    """When it was commanded, seconds since the start."""

    before: int
    """Workers before."""

    after: int
    """Workers after."""

    outage: float
    """Seconds without processing."""

    why: str
    """The decision's sentence; empty where the policy gives none."""


@dataclass(frozen=True, slots=True)
class Known:
    """The capacity of one scale-out: the truth, and what was learned by the end of the run."""

    scale_out: int
    true: float
    """Records/s."""

    learned: float | None
    """Records/s; None when unknown."""

    error: float | None
    """Standard error, records/s; None when unknown."""

    basis: str
    """Where the learned figure comes from: `observed`, `fitted`, `estimated`; `` if unknown."""

    at_least: bool = False
    """Whether the learned figure is a lower bound only."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What was expected of the workload, always `ahead` seconds before: shapes (ticks,)."""

    ahead: float
    seconds: Series
    """The moments that were forecast, seconds since the start."""

    low: Series
    """Quantile 0.1, records/s; the mean where a forecast has no quantiles."""

    mean: Series
    """Records/s."""

    high: Series
    """Quantile 0.9, records/s."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detail:
    """One run, second by second: series of shape (seconds,) unless said otherwise."""

    trace: str
    policy: str
    engine: str
    seed: int
    arrivals: Series
    """Records/s."""

    workers: Series
    """Workers paid."""

    capacity: Series
    """True capacity of the workers that work, or will after an outage; without noise, records/s."""

    lags: Series
    """Records waiting."""

    latencies: Series
    """Seconds that the records of each second take."""

    moves: tuple[Move, ...] = ()
    learned: tuple[tuple[float, float], ...] = ()
    """(second, records/s): the capacity of the present scale-out as the analyzer told it."""

    expected: Expected | None = None
    """None where the policy does not forecast."""

    curve: tuple[Known, ...] = field(default=())
    """Ascending scale-outs; empty where the policy does not learn."""
