"""The arithmetic of Kubernetes' HorizontalPodAutoscaler: what everybody's autoscaler would do.

It is what Daedalus is compared with, in a backtest and on what really came.

Followed: `pkg/controller/podautoscaler` of Kubernetes 1.33 (`replica_calculator.go`,
`horizontal.go`) with the documented defaults of `autoscaling/v2`'s `behavior`. All pods count as
ready: in an outage they stand idle, as TaskManagers do that wait for their job.
"""

import math
import sys

SYNC = 15
"""Seconds between two looks (`--horizontal-pod-autoscaler-sync-period`)."""

WINDOW = 60
"""Seconds that a reading of CPU is the mean of (metrics-server's `--metric-resolution`)."""

TOLERANCE = 0.1
"""Part by which usage may differ from the target (`--horizontal-pod-autoscaler-tolerance`)."""

STABILISATION_UP, STABILISATION_DOWN = 0, 300
"""Seconds of recommendations that must agree, by default."""

_ADDED, _FACTOR = 4, 2
"""At most so many pods more, or so many times as many, in 15 s: whatever is more."""


def desired(scale_out: int, utilisation: float, target: float) -> int:
    """Return the pods that bring the mean utilisation to the target.

    Args:
        scale_out: Pods now.
        utilisation: Their mean, as a part of what they requested; whole percents count.
        target: The same, wanted.
    """
    # Rounded first, so that 29 % is not cut to 28 because of its float.
    ratio = math.floor(round(utilisation * 100, 6)) / (target * 100)
    return scale_out if within_tolerance(ratio) else ceil(ratio * scale_out)


def within_tolerance(ratio: float) -> bool:
    """Return whether usage over target is near enough to 1 to change nothing."""
    return 1.0 - TOLERANCE <= ratio <= 1.0 + TOLERANCE


def ceil(pods: float) -> int:
    """Return the pods, rounded up, but not because of a float's last digit."""
    return math.ceil(round(pods, 9))


class Behavior:
    """From what a metric recommends to what is done: stabilisation, limits, bounds."""

    def __init__(
        self,
        up: int = STABILISATION_UP,
        down: int = STABILISATION_DOWN,
        least: int = 1,
        most: int = sys.maxsize,
    ) -> None:
        """Begin without recommendations.

        Args:
            up: Seconds; the lowest recommendation within them is scaled up to.
            down: Seconds; the highest recommendation within them is scaled down to.
            least: Pods at least.
            most: Pods at most.
        """
        self._up, self._down = up, down
        self._least, self._most = least, most
        self._seen: list[tuple[int, int]] = []

    def obey(self, second: int, scale_out: int, recommended: int) -> int:
        """Return the pods to have now; `recommended` is remembered as it came."""
        if not self._seen:  # what runs at first counts as recommended before
            self._seen.append((second - 1, scale_out))
        self._seen.append((second, recommended))
        kept = second - max(self._up, self._down)
        self._seen = [one for one in self._seen if one[0] > kept or one[0] == second]
        lowest = min(pods for at, pods in self._seen if at > second - self._up or at == second)
        highest = max(pods for at, pods in self._seen if at > second - self._down or at == second)
        found = min(max(scale_out, lowest), highest)
        found = min(found, max(scale_out + _ADDED, scale_out * _FACTOR))
        return min(max(found, self._least), self._most)
