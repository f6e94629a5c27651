"""KEDA's Kafka scaler: workers in proportion to the lag, through the HPA's rules.

Followed: `pkg/scalers/kafka_scaler.go` of KEDA 2.17 (lag is cut at partitions times threshold) and
the HPA's external metric of type AverageValue. The lag is read each 30 s (`pollingInterval` with
`useCachedMetrics`), the HPA looks each 15 s.
"""

from daedalus_shared.hpa import SYNC, Behavior, ceil, within_tolerance
from daedalus_simulator.domain.policy import View
from daedalus_simulator.domain.world import MOST

POLLING = 30
"""Seconds between two readings of the lag (`pollingInterval`'s default)."""

FETCHED = 0.5
"""Seconds of arrivals that are on their way through the fetch pipeline, not yet committed: even a
job that keeps up shows them as lag."""


def desired(scale_out: int, lag: float, threshold: float) -> int:
    """Return the pods for which the lag per pod is at the threshold.

    Args:
        scale_out: Pods now.
        lag: Records waiting.
        threshold: Records per pod (`lagThreshold`).
    """
    if within_tolerance(lag / (threshold * scale_out)):
        return scale_out
    return ceil(lag / threshold)


class KedaLag:
    """Holds the lag per worker at a threshold."""

    interval = SYNC
    name = "keda-lag"

    def __init__(self, threshold: float, most: int = MOST) -> None:
        """Make a policy.

        Args:
            threshold: Records of lag per worker (`lagThreshold`).
            most: Partitions of the input; more workers would have nothing to read.
        """
        self._threshold = threshold
        self._most = most
        self._behavior = Behavior(most=most)
        self._lag: float | None = None

    def decide(self, job: View) -> int | None:
        """Return the scale-out that the lag last read, and the rules, lead to."""
        look = job.look(SYNC)
        if self._lag is None or look.second % POLLING < SYNC:
            lag = look.lag + FETCHED * look.arrivals
            self._lag = min(lag, self._threshold * self._most)
        wanted = desired(look.scale_out, self._lag, self._threshold)
        return self._behavior.obey(look.second, look.scale_out, wanted)
