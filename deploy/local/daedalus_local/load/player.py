"""When to send how many records: follows a rate exactly, and catches up when it was held up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """What to play and how fast."""

    rates: Sequence[float]
    """Records/s, one value a second of the job's time."""

    speed: float = 1.0
    """Seconds of the job's time in one second of ours; rates are not multiplied by it."""

    @property
    def length(self) -> float:
        """Return how long it takes to play, in our seconds."""
        return len(self.rates) / self.speed

    def rate(self, elapsed: float) -> float:
        """Return the records/s to send `elapsed` seconds after the start, between two values."""
        position = min(max(elapsed * self.speed, 0.0), len(self.rates) - 1.0)
        before = math.floor(position)
        after = min(before + 1, len(self.rates) - 1)
        return self.rates[before] + (position - before) * (self.rates[after] - self.rates[before])


class Player:
    """Counts what is due; the caller says what time it is."""

    def __init__(self, score: Score, patience: float = 5.0) -> None:
        self._score = score
        self._patience = patience
        self._elapsed = 0.0
        self._owed = 0.0
        self.skipped = 0.0
        """Records never sent because the sender was held up for longer than its patience."""

    def due(self, elapsed: float) -> int:
        """Return how many records to send now, `elapsed` seconds after the start.

        A delay is made up for at once, but no more than `patience` seconds of it: a machine that
        slept for an hour must not answer with an hour of records.
        """
        elapsed = min(elapsed, self._score.length)
        held_up = elapsed - self._elapsed
        if held_up > self._patience:
            self.skipped += self._between(self._elapsed, elapsed - self._patience)
            self._elapsed = elapsed - self._patience
        self._owed += self._between(self._elapsed, elapsed)
        self._elapsed = elapsed
        count = math.floor(self._owed)
        self._owed -= count
        return count

    def _between(self, start: float, end: float) -> float:
        """Return the records due between two instants, by the rate half-way of short pieces."""
        pieces = max(1, math.ceil((end - start) / 0.5))
        piece = (end - start) / pieces
        middles = (start + (index + 0.5) * piece for index in range(pieces))
        return sum(self._score.rate(middle) for middle in middles) * piece


def shares(count: int, partitions: int, first: int) -> list[tuple[int, int]]:
    """Split `count` records evenly over the partitions, the remainder from partition `first` on.

    >>> shares(5, 3, 2)
    [(2, 2), (0, 2), (1, 1)]
    """
    each, rest = divmod(count, partitions)
    order = ((first + index) % partitions for index in range(partitions))
    split = [(partition, each + (index < rest)) for index, partition in enumerate(order)]
    return [(partition, size) for partition, size in split if size]
