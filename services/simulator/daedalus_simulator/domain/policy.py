"""What a policy is to the backtest: it sees a job as a monitor does, and names a scale-out."""

from typing import Protocol

from daedalus_simulator.domain.job import Look


class View(Protocol):
    """All that a policy may know of a job; nothing of the world that it runs in."""

    @property
    def second(self) -> int:
        """Seconds since the start."""
        ...

    @property
    def outage(self) -> float | None:
        """Measured seconds of the latest rescale's outage; None before it is over, or any."""
        ...

    def look(self, interval: int) -> Look:
        """Return what is seen of the last `interval` seconds."""
        ...


class Policy(Protocol):
    """One way to scale a job. An instance plays one run: it may remember."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    @property
    def interval(self) -> int:
        """Seconds between two calls of `decide`."""
        ...

    def decide(self, job: View) -> int | None:
        """Return the scale-out wanted; None, or the present one, changes nothing."""
        ...
