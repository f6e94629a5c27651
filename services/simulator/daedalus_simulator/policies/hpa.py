"""Kubernetes' HorizontalPodAutoscaler on CPU, at its documented defaults."""

from daedalus_shared.hpa import (
    STABILISATION_DOWN,
    STABILISATION_UP,
    SYNC,
    WINDOW,
    Behavior,
    desired,
)
from daedalus_simulator.domain.policy import View
from daedalus_simulator.domain.world import MOST


class Hpa:
    """Holds the mean CPU of the workers at a target."""

    interval = SYNC

    def __init__(
        self,
        target: float,
        up: int = STABILISATION_UP,
        down: int = STABILISATION_DOWN,
        most: int = MOST,
    ) -> None:
        """Make a policy; see `Behavior` for the windows.

        Args:
            target: Mean CPU, as a part of what a worker may use.
            up: Seconds of stabilisation upwards.
            down: Seconds of stabilisation downwards.
            most: Workers at most.
        """
        self.name = f"hpa-{round(target * 100)}" + (f"-{up}" if up else "")
        self._target = target
        self._behavior = Behavior(up, down, most=most)

    def decide(self, job: View) -> int | None:
        """Return the scale-out that the last reading of CPU, and the rules, lead to."""
        look = job.look(WINDOW)
        wanted = desired(look.scale_out, float(look.cpu.mean()), self._target)
        return self._behavior.obey(look.second, look.scale_out, wanted)
