"""Long readings of the topics, for whoever waits: few at once, shared, and kept for some seconds.

Each reads the topics anew, which takes a thread, a connection to Kafka and up to a minute. So two
who ask the same share one; who asks again soon gets the same; and one that nobody waits for any
more is ended.
"""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any, TypeVar

from daedalus_console.adapters.reading import Bounds, TooMuchError
from daedalus_console.errors import ConsoleError

KEPT = timedelta(seconds=10)
"""How long what was read is told again."""

LONGEST = timedelta(seconds=60)
"""After how long a reading is given up: proxies and people do not wait longer."""

MANY = 64
"""Results that are kept at once at most."""

T = TypeVar("T")


class BusyError(ConsoleError):
    """As many readings or writes as may are under way."""


class LeftError(ConsoleError):
    """Nobody waits for it any more."""


@dataclass(eq=False)
class _Reading:
    task: asyncio.Future[Any]
    left: Event = field(default_factory=Event)
    """Set when nobody waits any more: the thread looks at it between two batches."""
    waiting: int = 0


class Readings:
    """The readings of this process; its methods are for the one event loop."""

    def __init__(
        self, clock: Callable[[], datetime], at_once: int, records: int, *, kept: bool = True
    ) -> None:
        """Begin with none.

        Args:
            clock: The present.
            at_once: Readings that may be under way.
            records: What one reading may take.
            kept: Whether what was read is told again for a while.
        """
        self._clock = clock
        self._at_once = at_once
        self._records = records
        self._keeps = kept
        self._shared: dict[Hashable, _Reading] = {}
        self._under_way: set[_Reading] = set()
        self._kept: dict[Hashable, tuple[datetime, Any]] = {}

    async def get(self, key: Hashable, read: Callable[[Bounds], T]) -> T:
        """Return what `read` makes of the topics, in a thread; cancel it to leave.

        Args:
            key: Names what is asked for; the same key is the same answer.
            read: Reads within the bounds; called in a thread.

        Raises:
            BusyError: As many as may are under way.
            ConsoleError: What `read` raises.
        """
        self._drop_old()
        if key in self._kept:
            found: T = self._kept[key][1]
            return found
        reading = self._shared.get(key) or self._begin(key, read)
        reading.waiting += 1
        try:
            found = await asyncio.shield(reading.task)
        finally:
            reading.waiting -= 1
            if not reading.waiting and not reading.task.done():
                reading.left.set()
                self._shared.pop(key, None)  # who asks from now on needs one that goes on
        return found

    def _begin(self, key: Hashable, read: Callable[[Bounds], T]) -> _Reading:
        if len(self._under_way) >= self._at_once:
            raise BusyError(
                f"{self._at_once} readings of the topics are under way, as many as may "
                "(CONSOLE_READINGS); ask again in some seconds"
            )
        left, until = Event(), self._clock() + LONGEST

        def heed() -> None:
            if left.is_set():
                raise LeftError("nobody waits for it any more")
            if self._clock() > until:
                raise TooMuchError(f"reading it takes more than {LONGEST.total_seconds():g} s")

        bounds = Bounds(self._records, heed)
        task = asyncio.ensure_future(asyncio.to_thread(read, bounds))
        reading = _Reading(task, left)
        self._under_way.add(reading)
        self._shared[key] = reading

        def done(ended: asyncio.Future[Any]) -> None:
            self._under_way.discard(reading)
            if self._shared.get(key) is reading:
                del self._shared[key]
            if not ended.cancelled() and ended.exception() is None and self._keeps:
                self._keep(key, ended.result())

        task.add_done_callback(done)
        return reading

    def _keep(self, key: Hashable, found: Any) -> None:
        self._kept[key] = (self._clock(), found)
        while len(self._kept) > MANY:
            del self._kept[next(iter(self._kept))]

    def _drop_old(self) -> None:
        now = self._clock()
        # What was kept by a clock that was set back since would stay for as long.
        for key in [key for key, (at, _) in self._kept.items() if not at <= now <= at + KEPT]:
            del self._kept[key]
