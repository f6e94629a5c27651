"""The samples of a loop in a compact form, kept until the tick closes.

They are folded only then, with the spec of that tick: what a declaration changes must not depend
on when it was read. Numbers are kept to six significant digits, far below their noise.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from daedalus_shared.events import Sample

MOST_LOOKS = 720
"""Samples kept without any tick that closes: an hour of them at the default interval."""


class Look(NamedTuple):
    """One sample; None is unknown."""

    at: float
    """Seconds since 1970."""

    scale_out: int | None
    """Workers."""

    workload: float | None
    """Records/s."""

    lag: float | None
    """Records."""

    uptime: float | None
    """Seconds."""

    cpu: tuple[float | None, ...]
    """Per worker of the stretch, in [0, 1]."""

    throughput: tuple[float | None, ...]
    """Per worker of the stretch, records/s."""

    @property
    def processed(self) -> float | None:
        """Throughput of the job, records/s; None unless each worker's is known."""
        known = [rate for rate in self.throughput if rate is not None]
        complete = len(known) == len(self.throughput) and self.scale_out in (None, len(known))
        return sum(known) if known and complete else None

    @property
    def residual(self) -> float | None:
        """Arrivals minus throughput, records/s; None unless both are known."""
        processed = self.processed
        if processed is None or self.workload is None:
            return None
        return brief(self.workload - processed)


class Stretch(NamedTuple):
    """Consecutive samples with the same workers."""

    workers: tuple[str, ...]
    """Their ids."""

    since: tuple[float | None, ...]
    """When each began to work on the job, seconds since 1970; None when unknown."""

    looks: tuple[Look, ...]
    """The samples, in the order of time."""


def epoch(instant: datetime) -> float:
    """Return the seconds since 1970, to the millisecond."""
    return round(instant.timestamp(), 3)


def moment(seconds: float) -> datetime:
    """Return the instant of some seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def brief(value: float) -> float:
    """Return a number to six significant digits.

    >>> brief(0.123456789), brief(54321.98765)
    (0.123457, 54322.0)
    """
    return float(f"{value:.6g}")


def _brief(value: float | None) -> float | None:
    return None if value is None else brief(value)


def extended(
    stretches: tuple[Stretch, ...], samples: Iterable[Sample], after: float, until: float
) -> tuple[Stretch, ...]:
    """Return the stretches with the samples taken later than `after` and not later than `until`.

    A sample that is not newer than the one before it is a repetition, or a clock set back.
    """
    grown = list(stretches)
    for sample in samples:
        at = epoch(sample.at)
        if not after < at <= until:
            continue
        after = at
        workers = tuple(worker.id for worker in sample.workers)
        since = tuple(epoch(worker.since) if worker.since else None for worker in sample.workers)
        look = Look(
            at,
            sample.scale_out,
            _brief(sample.workload),
            _brief(sample.lag),
            _brief(sample.uptime),
            tuple(_brief(worker.cpu) for worker in sample.workers),
            tuple(_brief(worker.throughput) for worker in sample.workers),
        )
        if grown and grown[-1].workers == workers and grown[-1].since == since:
            grown[-1] = grown[-1]._replace(looks=(*grown[-1].looks, look))
        else:
            grown.append(Stretch(workers, since, (look,)))
    return _newest(grown)


def _newest(stretches: list[Stretch]) -> tuple[Stretch, ...]:
    spare = sum(len(stretch.looks) for stretch in stretches) - MOST_LOOKS
    while spare > 0:
        first = stretches[0]
        kept = first.looks[spare:]
        spare -= len(first.looks) - len(kept)
        stretches[:1] = [first._replace(looks=kept)] if kept else []
    return tuple(stretches)
