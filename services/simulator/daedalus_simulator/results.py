"""Runs as figures, and many runs as the lines of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from daedalus_simulator.domain.score import ScoreCard

BEST = "oracle-J"
"""The policy whose price the others are held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run."""

    trace: str
    """The workload's name."""

    engine: str
    policy: str
    seed: int
    card: ScoreCard
    least: float | None = None
    """The least price of this workload, engine and seed: J of the oracle; None if not played."""

    steps: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """(second, scale-out): the begin, and each rescale."""

    elapsed: float = field(default=0.0, compare=False)
    """Seconds of this machine that the run took."""

    @property
    def ratio(self) -> float | None:
        """J / oracle-J; None if the oracle was not played."""
        return self.card.price / self.least if self.least else None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "trace": self.trace,
            "engine": self.engine,
            "policy": self.policy,
            "seed": self.seed,
            **asdict(self.card),
            "oracle_price": self.least,
            "price_of_oracle": self.ratio,
            "scale_outs": [list(step) for step in self.steps],
            "elapsed": round(self.elapsed, 2),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Runs of one policy, in the mean unless said otherwise."""

    policy: str
    runs: int
    workers: float
    of_static: float
    price: float
    """J, workers."""

    ratio: float | None
    """J / oracle-J."""

    worst: float | None
    """The same of the worst run."""

    rescales: float
    """In 6 h."""

    p95: float
    """Seconds."""

    late: float
    """Percent of records later than 1 s."""

    slow: int
    """Recoveries of more than 600 s in all runs together."""

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return asdict(self)


def line(results: Sequence[Result]) -> Line:
    """Return the line of one or more runs of a policy."""
    ratios = [result.ratio for result in results if result.ratio is not None]
    cards = [result.card for result in results]
    return Line(
        policy=results[0].policy,
        runs=len(results),
        workers=fmean(card.workers for card in cards),
        of_static=fmean(card.of_static for card in cards),
        price=fmean(card.price for card in cards),
        ratio=fmean(ratios) if ratios else None,
        worst=max(ratios, default=None),
        rescales=fmean(card.rescales_per_6h for card in cards),
        p95=fmean(card.latency_p95 for card in cards),
        late=fmean(card.above_1s for card in cards),
        slow=sum(card.slow_recoveries for card in cards),
    )


def lines(results: Iterable[Result]) -> tuple[Line, ...]:
    """Return a line a policy, in the order in which they first occur."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.policy, []).append(result)
    return tuple(line(group) for group in groups.values())


def groups(results: Iterable[Result]) -> dict[tuple[str, str], tuple[Result, ...]]:
    """Return the runs by (engine, trace), in the order in which these first occur."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        found.setdefault((result.engine, result.trace), []).append(result)
    return {key: tuple(group) for key, group in found.items()}
