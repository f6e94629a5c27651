"""The figures of a run, from plain values: workers paid, latency, promises and outcomes.

The price of a run, J, is that of docs/method.md in the job's time: a second of a run that is played
f times as fast counts f seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

TOLERATED = 2.0
"""Seconds of ours of latency that cost nothing: the sample jobs take about one without a backlog,
their windows and watermarks included, and a busy machine adds to that."""

PRICE_DELAY, PRICE_RESCALE = 0.2, 300.0
"""Worker-seconds of the job's time for a second of delay of a second's records, and a rescale."""

SETTLED = 2.0
"""Seconds after convergence that still count as the rescale's where no recovery was seen."""


@dataclass(frozen=True, slots=True)
class Look:
    """The job at one instant."""

    at: float
    """Unix time, seconds."""

    workers: int | None
    """Workers that work on the job; None when unknown."""

    workload: float | None
    """Records/s that arrive; None when unknown."""

    lag: float | None
    """Records that wait; None when unknown."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How late a row of the output was."""

    at: float
    """Unix time at which the broker took it, seconds."""

    seconds: float
    """From the newest event in it to that time."""

    records: int
    """Input records that it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescale:
    """A command and what came of it; times are Unix seconds, durations seconds."""

    decided: float
    start: float | None
    converged: float | None
    before: int
    after: int
    status: str
    why: str = ""
    capacity_before: float | None = None
    """Records/s that the workers before were thought to carry when it was decided."""

    promised_downtime: float | None = None
    downtime: float | None = None
    promised_recovery: float | None = None
    recovery: float | None = None

    @property
    def applied(self) -> bool:
        """Return whether the job runs as wanted because of it."""
        return self.start is not None and self.converged is not None

    @property
    def end(self) -> float | None:
        """Return when the job had caught up, as far as that was seen."""
        if self.start is None:
            return None
        if self.recovery is not None:
            return max(self.start + self.recovery, self.converged or 0.0)
        return None if self.converged is None else self.converged + SETTLED


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latency over records, seconds."""

    p50: float
    p95: float
    records: int


@dataclass(frozen=True, slots=True)
class Price:
    """J of a run, in workers, by what it is made of."""

    workers: float
    """Mean of the workers paid."""

    lateness: float
    """What delay costs."""

    rescales: float
    """What the rescales cost beside the delay that they leave."""

    @property
    def total(self) -> float:
        """J."""
        return self.workers + self.lateness + self.rescales


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """What a run amounts to."""

    seconds: float
    """Length of the run."""

    worker_seconds: float
    """Workers paid, over time; a new worker counts from the command on."""

    mean_workers: float
    most_workers: int
    """Most workers at a time."""

    share_of_static: float
    """Worker-seconds / those of the most workers allowed, all the time."""

    latency: Percentiles | None
    calm_latency: Percentiles | None
    """Outside rescales."""

    worst_lag: float | None

    late: float | None
    """Part of the records whose latency was above what is tolerated; None without output."""

    rescales: int
    """How many were begun."""

    price: Price | None
    """None without output: nobody knows how late it was."""


def score(
    looks: Sequence[Look],
    delays: Sequence[Delay],
    rescales: Sequence[Rescale],
    *,
    allowed: int,
    factor: float,
) -> ScoreCard | None:
    """Return the figures, or None without two looks at the job.

    Args:
        looks: The job over time.
        delays: How late its output was.
        rescales: The commands and what came of them.
        allowed: Most workers.
        factor: How many times as fast the run was played.
    """
    known = [look for look in looks if look.workers is not None]
    if len(known) < 2:
        return None
    seconds = known[-1].at - known[0].at
    paid = sum((later.at - now.at) * _paid(now, rescales) for now, later in pairwise(known))
    begun = sum(rescale.start is not None for rescale in rescales)
    beyond = _mean_beyond(delays)
    calm = [delay for delay in delays if not _within(delay.at, rescales)]
    return ScoreCard(
        seconds=seconds,
        worker_seconds=paid,
        mean_workers=paid / seconds,
        most_workers=max(look.workers or 0 for look in known),
        share_of_static=paid / (seconds * allowed),
        latency=percentiles(delays),
        calm_latency=percentiles(calm),
        worst_lag=max((look.lag for look in looks if look.lag is not None), default=None),
        late=_late(delays),
        rescales=begun,
        price=None
        if beyond is None
        else Price(
            workers=paid / seconds,
            lateness=PRICE_DELAY * beyond * factor,
            rescales=PRICE_RESCALE * begun / (seconds * factor),
        ),
    )


def percentiles(delays: Iterable[Delay]) -> Percentiles | None:
    """Return the latency over records, not rows; None without any."""
    ordered = sorted((delay.seconds, delay.records) for delay in delays)
    total = sum(records for _, records in ordered)
    if total == 0:
        return None

    def quantile(share: float) -> float:
        passed = 0
        for seconds, records in ordered:
            passed += records
            if passed >= share * total:
                return seconds
        return ordered[-1][0]

    return Percentiles(quantile(0.5), quantile(0.95), total)


def _mean_beyond(delays: Iterable[Delay]) -> float | None:
    """Return the mean over records of the seconds beyond what is tolerated; None without any."""
    found = [(max(0.0, delay.seconds - TOLERATED), delay.records) for delay in delays]
    total = sum(records for _, records in found)
    return sum(seconds * records for seconds, records in found) / total if total else None


def _late(delays: Iterable[Delay]) -> float | None:
    found = [(delay.seconds > TOLERATED, delay.records) for delay in delays]
    total = sum(records for _, records in found)
    return sum(records for late, records in found if late) / total if total else None


def lead(rescale: Rescale, looks: Sequence[Look]) -> float | None:
    """Return how long before the load outgrew the old workers a scale-up had converged, seconds.

    Negative: it came late by so much. None: it was no scale-up that was applied, or the load never
    outgrew the old workers, or nobody knew what they carry.
    """
    if rescale.after <= rescale.before or rescale.converged is None:
        return None
    limit = rescale.capacity_before
    if limit is None:
        return None
    since = rescale.decided
    outgrown = next(
        (
            look.at
            for look in looks
            if look.at >= since and look.workload is not None and look.workload > limit
        ),
        None,
    )
    return None if outgrown is None else outgrown - rescale.converged


def _paid(look: Look, rescales: Sequence[Rescale]) -> int:
    """Return the workers paid at an instant: those that work, and those on their way."""
    workers = look.workers or 0
    coming = [
        rescale.after
        for rescale in rescales
        if rescale.start is not None
        and rescale.start <= look.at < (rescale.converged or rescale.start)
    ]
    return max([workers, *coming])


def _within(at: float, rescales: Sequence[Rescale]) -> bool:
    return any(
        rescale.start is not None and rescale.end is not None and rescale.start <= at < rescale.end
        for rescale in rescales
    )
