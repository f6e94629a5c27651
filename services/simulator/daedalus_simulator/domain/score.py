"""The score card of a run (docs/method.md, Price of a run)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from daedalus_simulator.domain.job import Played, delays
from daedalus_simulator.domain.world import START, Series

BASE_LATENCY = 0.2
"""Seconds that a record takes which does not wait."""

TOLERATED = 1.0
"""Seconds of latency that cost nothing."""

PRICE_DELAY = 0.2
"""Worker-seconds for a second of delay of a second's records."""

PRICE_RESCALE = 300.0
"""Worker-seconds for a rescale."""

PERIOD = 6 * 3600.0
"""Seconds by which rescales are counted."""

SLOW_RECOVERY = 600.0
"""Seconds from which on a recovery counts as slow."""

_SMOOTH = 10
"""Seconds over which arrivals are averaged where a lag is held against them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCard:
    """How a run went, in figures. Latencies are over all records."""

    workers: float
    """Mean of the workers paid."""

    of_static: float
    """The same as a part of twelve workers all the time."""

    rescales: int
    """How many."""

    rescales_per_6h: float
    """The same in 6 h."""

    latency_mean: float
    """Seconds."""

    latency_p50: float
    """Seconds."""

    latency_p95: float
    """Seconds."""

    latency_p99: float
    """Seconds."""

    above_1s: float
    """Percent of records with a latency above 1 s."""

    above_10s: float
    """Percent of records with a latency above 10 s."""

    above_60s: float
    """Percent of records with a latency above 60 s."""

    downtime: float
    """Seconds of all outages together."""

    largest_lag: float
    """Most records waiting."""

    slow_recoveries: int
    """Rescales after which the job had not caught up within 600 s."""

    longest_recovery: float
    """Seconds until caught up after a rescale, at most; 0 without any."""

    price: float
    """J, in workers."""

    @classmethod
    def of(cls, run: Played) -> Self:
        """Score a run."""
        arrivals = run.world.arrivals
        seconds = len(arrivals)
        latency = delays(run) + BASE_LATENCY
        records = float(arrivals.sum())
        workers = float(run.workers.mean())
        late = float((np.maximum(latency - TOLERATED, 0.0) * arrivals).sum())
        rescales = len(run.rescales)
        cost = PRICE_RESCALE * rescales
        if records > 0:
            cost += PRICE_DELAY * late / (records / seconds)
        p50, p95, p99 = _quantiles(latency, arrivals, (0.5, 0.95, 0.99))
        recovered = recoveries(run)
        return cls(
            workers=workers,
            of_static=workers / START,
            rescales=rescales,
            rescales_per_6h=rescales * PERIOD / seconds,
            latency_mean=float((latency * arrivals).sum() / records) if records else 0.0,
            latency_p50=p50,
            latency_p95=p95,
            latency_p99=p99,
            above_1s=_share(latency > 1.0, arrivals),
            above_10s=_share(latency > 10.0, arrivals),
            above_60s=_share(latency > 60.0, arrivals),
            downtime=sum(_outages(run)),
            largest_lag=float(run.lags.max()),
            slow_recoveries=sum(found > SLOW_RECOVERY for found in recovered),
            longest_recovery=max(recovered, default=0.0),
            price=workers + cost / seconds,
        )

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def recoveries(run: Played) -> tuple[float, ...]:
    """Return the seconds from each rescale's command until the job had caught up.

    It has caught up at the first second after the outage at whose end no more waits than arrives in
    a second. A rescale before that delays the recovery of both. What had not caught up when the run
    ended counts until then.
    """
    arrivals = run.world.arrivals
    caught_up = run.lags <= small_lags(arrivals)
    found = []
    for rescale in run.rescales:
        first = min(int(np.ceil(rescale.second + rescale.outage)), len(arrivals))
        after = np.flatnonzero(caught_up[first:])
        end = first + int(after[0]) + 1 if len(after) else len(arrivals)
        found.append(float(end - rescale.second))
    return tuple(found)


def small_lags(arrivals: Series) -> Series:
    """Return the records that may wait in each second of a job that has caught up."""
    sums = np.concatenate([[0.0], arrivals.cumsum()])
    ends = np.arange(1, len(arrivals) + 1)
    begins = np.maximum(ends - _SMOOTH, 0)
    return np.asarray(np.maximum((sums[ends] - sums[begins]) / (ends - begins), 1.0))


def _outages(run: Played) -> list[float]:
    """Return the seconds of each outage, cut where the next rescale or the end comes first."""
    found = []
    for number, rescale in enumerate(run.rescales):
        later = run.rescales[number + 1 :]
        end = later[0].second if later else len(run.workers)
        found.append(min(rescale.outage, float(end - rescale.second)))
    return found


def _quantiles(latency: Series, records: Series, parts: Sequence[float]) -> tuple[float, ...]:
    """Return the latencies below which these parts of the records lie; 0 without records."""
    order = np.argsort(latency, kind="stable")
    sums = records[order].cumsum()
    if not len(sums) or sums[-1] <= 0:
        return (0.0,) * len(parts)
    places = np.searchsorted(sums, np.asarray(parts) * sums[-1])
    return tuple(float(latency[order[place]]) for place in np.minimum(places, len(order) - 1))


def _share(of: "np.typing.NDArray[np.bool_]", records: Series) -> float:
    total = float(records.sum())
    return 100.0 * float(records[of].sum()) / total if total > 0 else 0.0
