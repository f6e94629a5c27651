"""The autoscaler of the Flink Kubernetes operator (after DS2, OSDI 2018), for a job of one vertex.

Followed: `flink-autoscaler` of release 1.12 (`ScalingMetricCollector`, `ScalingMetricEvaluator`,
`JobVertexScaler`, `AutoScalerUtils`) with its defaults, but without the alignment to key groups,
memory checks and the (default: off) ineffective-scaling and observed-scalability rules. Its busy
time is the hottest worker's CPU above idle (`busy-time.aggregator` MAX); its true processing rate
is the rate over busy time or, where that promises 15 % too much, the rate seen while lag was
above 30 s of input.
"""

import math
from dataclasses import dataclass

from daedalus_simulator.domain.job import Look
from daedalus_simulator.domain.policy import View
from daedalus_simulator.domain.world import IDLE_CPU, MOST

INTERVAL = 60
"""Seconds between two reconciliations (`kubernetes.operator.reconcile.interval`)."""

_BACKLOG = 300.0
"""Seconds of input in the lag from which it counts as a backlog being processed."""

_OBSERVED_LAG, _OBSERVED_ERROR, _OBSERVATIONS = 30.0, 0.15, 2
"""Seconds of lag from which the rate is the capacity; what busy time may exceed it by; readings
needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`job.autoscaler.*`; durations in seconds."""

    utilisation: float = 0.7
    """Target, in (0, 1]."""

    boundary: float = 0.3
    """Nothing is done while the utilisation is within target ± this."""

    window: int = 900
    """Metrics that are averaged, and must be there since the job is stable."""

    stabilisation: int = 300
    """After a restart, in which no metrics count."""

    catch_up: float = 1800.0
    """In which a backlog shall be gone."""

    restart: float = 300.0
    """That a restart is expected to take."""

    scale_down_interval: int = 3600
    """For which a scale-down must be wanted; the largest wish of it is obeyed."""

    scale_down_factor: float = 0.6
    """At most this part of the workers goes at once."""


DEFAULT = Options()
"""As the operator comes."""

TUNED = Options(
    utilisation=0.8,
    boundary=0.15,
    window=120,
    stabilisation=60,
    catch_up=300.0,
    restart=60.0,
    scale_down_interval=600,
)
"""For a job that restarts in half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One evaluation of a window; rates in records/s."""

    scale_out: int
    """Workers."""

    rate: float
    """That arrives."""

    lag: float
    """Records waiting at the end."""

    true_rate: float
    """That the workers could process."""


def capacity_wanted(
    metrics: Metrics, options: Options, utilisation: float, restart: float
) -> float:
    """Return the records/s to be able to process: backlog, what a restart adds, and the input."""
    utilisation = min(max(utilisation, 0.0), 1.0)
    if utilisation == 0.0:
        return math.inf
    backlog = metrics.lag + metrics.rate * restart
    return backlog / options.catch_up + metrics.rate / utilisation


def within_bounds(metrics: Metrics, options: Options) -> bool:
    """Return whether the utilisation is so near to its target that nothing is done."""
    upper, lower = options.utilisation + options.boundary, options.utilisation - options.boundary
    if metrics.lag > _BACKLOG * metrics.rate:
        upper, lower = 1.0, 0.0
    least = capacity_wanted(metrics, options, upper, 0.0)
    most = capacity_wanted(metrics, options, lower, options.restart)
    return least <= metrics.true_rate <= most


def wanted(metrics: Metrics, options: Options, most: int) -> int:
    """Return the scale-out for the target utilisation."""
    capacity = capacity_wanted(metrics, options, options.utilisation, options.restart)
    factor = max(capacity / metrics.true_rate, 1 - options.scale_down_factor)
    return min(max(math.ceil(factor * metrics.scale_out), 1), most)


@dataclass(frozen=True, slots=True)
class _Wish:
    second: int
    scale_out: int
    outside: bool


class FlinkOperator:
    """Scales so that the busy time is at its target."""

    interval = INTERVAL

    def __init__(
        self, options: Options = DEFAULT, name: str = "flink-operator", most: int = MOST
    ) -> None:
        """Make a policy with at most `most` workers."""
        self.name = name
        self._options = options
        self._most = most
        self._looks: list[Look] = []
        self._wishes: list[_Wish] = []
        self._first_wish = 0

    def decide(self, job: View) -> int | None:
        """Return the scale-out wanted, once a window of metrics of a stable job is full."""
        look = job.look(INTERVAL)
        if look.uptime <= 0:
            self._looks.clear()
            return None
        if self._looks and look.uptime < INTERVAL:  # it restarted since the last reconciliation
            self._looks.clear()
        if look.uptime < self._options.stabilisation:
            return None
        self._looks.append(look)
        if look.second - self._looks[0].second < self._options.window:
            return None
        oldest = look.second - self._options.window
        self._looks = [one for one in self._looks if one.second >= oldest]
        metrics = evaluated(self._looks)
        return self._decided(look.second, metrics) if metrics is not None else None

    def _decided(self, second: int, metrics: Metrics) -> int | None:
        chosen = wanted(metrics, self._options, self._most)
        outside = not within_bounds(metrics, self._options)
        if chosen >= metrics.scale_out:
            self._wishes.clear()
        if chosen < metrics.scale_out:
            wish = self._delayed(_Wish(second, chosen, outside))
            if wish is None:
                return None
            chosen, outside = wish.scale_out, wish.outside
        if chosen == metrics.scale_out or not outside:
            return None
        self._wishes.clear()
        self._looks.clear()
        return chosen

    def _delayed(self, wish: _Wish) -> _Wish | None:
        """Return the largest scale-out wished for lately; None until it was for long enough."""
        if not self._wishes:
            self._first_wish = wish.second
        begin = wish.second - self._options.scale_down_interval
        self._wishes = [one for one in self._wishes if one.second >= begin] + [wish]
        if begin < self._first_wish:
            return None
        return max(self._wishes, key=lambda one: (one.scale_out, one.second))


def evaluated(looks: list[Look]) -> Metrics | None:
    """Return the metrics of a window; None where nothing was processed."""
    last = looks[-1]
    covered = looks[1:]  # counters are compared: from the first reading to the last
    if not covered:
        return None
    processed = sum(float(look.throughput.sum()) * look.interval for look in covered)
    seconds = sum(look.interval for look in covered)
    rate = processed / seconds
    busy = sum(_busy(look) for look in covered) / len(covered)
    if rate <= 0 or busy <= 0:
        return None
    true_rate = rate / busy
    observed = [
        float(look.throughput.sum())
        for look in covered
        if look.lag > _OBSERVED_LAG * float(look.throughput.sum())
    ]
    if len(observed) >= _OBSERVATIONS:
        seen = sum(observed) / len(observed)
        if true_rate > seen * (1 + _OBSERVED_ERROR):
            true_rate = seen
    arrived = max(0.0, rate + (last.lag - looks[0].lag) / seconds)
    return Metrics(scale_out=last.scale_out, rate=arrived, lag=last.lag, true_rate=true_rate)


def _busy(look: Look) -> float:
    """Return the busy time of the hottest worker, in [0, 1]."""
    return max(0.0, (float(look.cpu.max()) - IDLE_CPU) / (1 - IDLE_CPU))
