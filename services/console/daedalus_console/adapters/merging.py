"""Several partitions as one stream in the order of time, without holding them whole."""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from daedalus_console.records import Raw

P = TypeVar("P", bound=Hashable)


class Merge(Generic[P]):
    """Holds what has been read of each partition until no earlier record can come."""

    def __init__(self, partitions: Iterable[P]) -> None:
        self._waiting: dict[P, deque[Raw]] = {partition: deque() for partition in partitions}
        self._ended: set[P] = set()

    def add(self, partition: P, record: Raw) -> None:
        """Take one more record of a partition."""
        self._waiting[partition].append(record)

    def end(self, partition: P) -> None:
        """Expect nothing more of a partition."""
        self._ended.add(partition)

    def held(self, partition: P) -> int:
        """Return how many records of a partition wait for the others."""
        return len(self._waiting[partition])

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected."""
        return len(self._ended) == len(self._waiting)

    def ready(self) -> Iterator[Raw]:
        """Yield the records that none still to come can precede, oldest first.

        Within a partition the order of its offsets stays, whatever its clocks said.
        """
        while True:
            if any(not held and at not in self._ended for at, held in self._waiting.items()):
                return
            heads = [held for held in self._waiting.values() if held]
            if not heads:
                return
            yield min(heads, key=lambda held: held[0].written_at).popleft()
