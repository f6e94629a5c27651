"""Scale-outs that are known beforehand, such as an oracle's."""

from collections.abc import Sequence

from daedalus_simulator.domain.policy import View


class Scheduled:
    """Commands what its schedule says for the second."""

    def __init__(self, name: str, moves: Sequence[tuple[int, int]], interval: int = 10) -> None:
        """Make a policy.

        Args:
            name: What it is called in tables.
            moves: (second, scale-out) of each command; seconds are multiples of the interval.
            interval: Seconds between two looks at the schedule.
        """
        self.name = name
        self.interval = interval
        self._moves = dict(moves)

    def decide(self, job: View) -> int | None:
        """Return the scale-out that is due."""
        return self._moves.get(job.second)
