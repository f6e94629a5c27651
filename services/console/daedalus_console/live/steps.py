"""A number that changes now and then, as its steps: what holds between two changes is not kept."""

from collections import deque

KEPT = 300


class Steps:
    """Instants (seconds since the epoch) and the value from each on, oldest first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._steps: deque[tuple[float, float | None]] = deque(maxlen=kept)
        self._told: float | None = None

    def add(self, at: float, value: float | None) -> bool:
        """Take what holds at an instant; one before the newest changes nothing."""
        if self._told is not None and at <= self._told:
            return False
        self._told = at
        if self._steps and self._steps[-1][1] == value:
            return False
        self._steps.append((at, value))
        return True

    def drop_before(self, at: float) -> None:
        """Forget steps that had been followed by another before `at`."""
        while len(self._steps) > 1 and self._steps[1][0] <= at:
            self._steps.popleft()

    def since(self, at: float) -> list[tuple[float, float | None]]:
        """Return the steps from the one that holds at `at` on, to the newest instant told of."""
        found = list(self._steps)
        while len(found) > 1 and found[1][0] <= at:
            found.pop(0)
        if found and self._told is not None and self._told > found[-1][0]:
            found.append((self._told, found[-1][1]))
        return found
