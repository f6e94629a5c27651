"""When a job has caught up after a rescale, seen from arrivals against throughput.

An anomaly is |arrivals - throughput - mean| > 1 standard deviation, both over the last 30 min
outside rescales; normal stretches up to 30 s within it are bridged; it is over when the newest
point is normal (docs/method.md, "Execute"; reference code).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daedalus_analyzer.domain.balance import Balance, Point
from daedalus_analyzer.domain.samples import epoch
from daedalus_shared.events import ScaleOutcome
from daedalus_shared.job_spec import Policy

LEAST_BAND = 0.01
"""Share of the workload that is no anomaly in any case: a perfectly even job has a deviation of 0,
and rounding would make an anomaly of it."""

UNTAUGHT_BAND = 0.05
"""The same share where the past is too short to say what is normal; the mean is taken as 0 then,
since a job that keeps up processes what arrives."""


def began(outcome: ScaleOutcome) -> float:
    """Return when a rescale began, seconds since 1970."""
    return epoch(outcome.started_at or outcome.at)


@dataclass(frozen=True, slots=True)
class Watch:
    """An applied rescale whose recovery is awaited."""

    outcome: ScaleOutcome
    """What was done."""

    mean: float
    """What arrivals minus throughput is normally, records/s."""

    deviation: float | None
    """Its standard deviation, records/s; None when the past was too short."""

    calm_since: float | None = None
    """The first normal point after the newest anomaly, seconds since 1970."""

    calm: bool = False
    """Whether the newest point that could be judged is normal."""

    lasting: bool = False
    """Whether the calm has outlasted the gap that is bridged: a later anomaly is another one's."""

    worst_lag: float | None = None
    """Most records waiting until the job had caught up."""

    @property
    def started(self) -> float:
        """When the rescale began, seconds since 1970."""
        return began(self.outcome)

    @property
    def running(self) -> float:
        """From when on the job can have caught up: before that it was still being rescaled."""
        if self.outcome.converged_at is not None:
            return max(self.started, epoch(self.outcome.converged_at))
        return self.started + (self.outcome.downtime or 0.0)

    @property
    def recovery(self) -> float | None:
        """Seconds from the start until the job had caught up; None while it has not."""
        if self.calm_since is None or not (self.calm or self.lasting):
            return None
        return round(self.calm_since - self.started, 3)

    @property
    def span(self) -> tuple[float, float]:
        """From the start of the rescale to the end of what it disturbed, seconds since 1970."""
        over = self.calm_since if self.recovery is not None else None
        return self.started, math.inf if over is None else over

    def judged(self, points: Iterable[Point], gap: float) -> "Watch":
        """Return the watch with more points, in the order of time.

        Args:
            points: Those before the rescale began are left aside.
            gap: Normal seconds within an anomaly that do not end it.
        """
        now = self
        for point in points:
            if point.at >= self.started:
                now = now._with(point, gap)
        return now

    def _with(self, point: Point, gap: float) -> "Watch":
        if self.lasting:
            return self
        worst = self.worst_lag
        if point.lag is not None:
            worst = point.lag if worst is None else max(worst, point.lag)
        if point.residual is None or point.at < self.running:
            return replace(self, worst_lag=worst)
        if self._is_normal(point.residual, point.workload or 0.0):
            since = point.at if self.calm_since is None else self.calm_since
            lasting = point.at - since > gap
            return replace(self, worst_lag=worst, calm=True, calm_since=since, lasting=lasting)
        if self.calm_since is not None and point.at - self.calm_since > gap:
            return replace(self, worst_lag=worst, calm=False, lasting=True)
        return replace(self, worst_lag=worst, calm=False, calm_since=None)

    def _is_normal(self, residual: float, workload: float) -> bool:
        if self.deviation is None:
            return abs(residual) <= UNTAUGHT_BAND * workload
        return abs(residual - self.mean) <= max(self.deviation, LEAST_BAND * workload)


@dataclass(frozen=True, slots=True)
class Following:
    """What is watched after a tick, and what was concluded in it."""

    balance: Balance
    """The residuals."""

    watch: Watch | None
    """The rescale that is still watched."""

    pending: tuple[ScaleOutcome, ...]
    """Outcomes that do not take effect yet."""

    concluded: tuple[Watch, ...] = ()
    """Watches that ended, in the order of their rescales."""


def follow(
    before: Following, points: tuple[Point, ...], tick: datetime, policy: Policy
) -> Following:
    """Return what is watched at the end of a tick that brought `points`.

    An outcome takes effect at the first tick that ends at least the grace after it; the rescale
    began earlier, so the points since then are judged anew. A rescale that follows another ends
    the watch of the former.
    """
    grace = timedelta(seconds=policy.forecast_grace)
    balance = replace(before.balance, points=(*before.balance.points, *points))
    watch, concluded = before.watch, []
    pending = tuple(outcome for outcome in before.pending if outcome.at + grace > tick)
    unjudged = points
    for outcome in before.pending:
        if outcome in pending:
            continue
        if watch is not None:
            earlier = (point for point in unjudged if point.at < began(outcome))
            watch = watch.judged(earlier, policy.anomaly_gap)
            concluded.append(watch)
            balance = balance.without(*watch.span)
        normal = balance.normal(began(outcome), policy.recovery_watch, policy.least_samples)
        watch = Watch(outcome, *(normal or (0.0, None)))
        unjudged = balance.points
    if watch is not None:
        watch = watch.judged(unjudged, policy.anomaly_gap)
        if watch.recovery is not None or epoch(tick) - watch.started >= policy.recovery_watch:
            concluded.append(watch)
            balance = balance.without(*watch.span)
            watch = None
    recent = policy.converge_within + policy.forecast_grace + policy.loop + 2 * policy.report
    balance = balance.aged(
        epoch(tick) - recent, policy.recovery_watch, watch.started if watch else None
    )
    return Following(balance, watch, pending, tuple(concluded))
