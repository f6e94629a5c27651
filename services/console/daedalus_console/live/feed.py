"""Who wants to hear of changes: the reader's thread tells, each listener's event loop hears.

A listener that is slow misses nothing: changes of a job are gathered until it asks again.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Changed:
    """What has changed since a listener was told last."""

    jobs: frozenset[str]
    standing: bool
    """Whether Kafka's state or a counter has."""

    through: int
    """The revision up to which a listener has then been told of every change."""


@dataclass(eq=False)
class _Listener:
    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event
    jobs: set[str] = field(default_factory=set)
    standing: bool = False


class Feed:
    """Tells listeners of changes, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: set[_Listener] = set()
        self._through = 0

    @property
    def through(self) -> int:
        """The revision up to which every change was told."""
        with self._lock:
            return self._through

    def tell(
        self, jobs: Iterable[str] = (), *, standing: bool = False, through: int | None = None
    ) -> None:
        """Tell all listeners; returns at once.

        Args:
            jobs: Those that have changed.
            standing: Whether Kafka's state or a counter has.
            through: The revision up to which every change is told with these; None where others
                may be under way.
        """
        told = set(jobs)
        with self._lock:
            if through is not None:
                self._through = through
            if not told and not standing:
                return
            for listener in self._listeners:
                asleep = not listener.jobs and not listener.standing
                listener.jobs |= told
                listener.standing |= standing
                if asleep:
                    with suppress(RuntimeError):  # its loop has ended
                        listener.loop.call_soon_threadsafe(listener.woken.set)

    async def changes(self, heartbeat: float | None = None) -> AsyncGenerator[Changed, None]:
        """Yield what changes from now on; with a heartbeat (seconds) also that nothing did."""
        listener = _Listener(asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._listeners.add(listener)
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(listener.woken.wait(), heartbeat)
                with self._lock:
                    listener.woken.clear()
                    jobs = frozenset(listener.jobs)
                    changed = Changed(jobs, listener.standing, self._through)
                    listener.jobs.clear()
                    listener.standing = False
                yield changed
        finally:
            with self._lock:
                self._listeners.discard(listener)
