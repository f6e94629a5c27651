"""No scaling: the same workers all the time."""

from daedalus_simulator.domain.policy import View
from daedalus_simulator.domain.world import START


class Static:
    """Keeps one scale-out."""

    interval = 60

    def __init__(self, scale_out: int = START) -> None:
        """Keep `scale_out` workers."""
        self.name = f"static-{scale_out}"
        self._scale_out = scale_out

    def decide(self, job: View) -> int | None:  # noqa: ARG002 - it needs no look
        """Return the scale-out that is kept."""
        return self._scale_out
