"""What lies on the topics beyond what is kept in memory, read a page at a time.

As with accounts, few are read at once, each within bounds, and for as long as somebody waits. What
was read is not kept: the next who asks gets what came meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import TypeVar

from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Bounds, TooMuchError, Window, lookups, records
from daedalus_console.brokers import Address
from daedalus_console.errors import UsageError
from daedalus_console.records import Record
from daedalus_console.rescales import Rescale, Story, story
from daedalus_console.rescales import rescales as of_events
from daedalus_console.runs.show import AFTER
from daedalus_console.web.readings import Readings
from daedalus_shared.events import Decision, Event

NEAR = timedelta(hours=2)
"""How much is read at first; each further look reads four times as much."""

FAR = timedelta(days=32)
"""As long as decisions are kept."""

LATEST = timedelta(days=1)
"""How long after their tick decisions are looked for at most, when others are sought far back."""

DAYS = timedelta(days=2)
"""How much is read at first of rescales, of which there are few."""

CAUSED = ("scale-commands", "scale-outcomes", "recoveries")

INPUTS = timedelta(minutes=15)
"""How long before a decision its inputs may lie."""

T = TypeVar("T")


class Past:
    """What lies on the topics, for whoever waits."""

    def __init__(self, address: Address, readings: Readings) -> None:
        """Read nothing yet.

        Args:
            address: Of Kafka.
            readings: Bound what is read, and by how many at once.
        """
        self._address = address
        self._readings = readings

    async def decisions(
        self, job: str, before: datetime, limit: int, planner: str | None = None
    ) -> tuple[list[Decision], bool]:
        """Return the last decisions before an instant, newest first, and whether there may be more.

        Args:
            job: Whose.
            before: Their ticks end before it.
            limit: At most so many.
            planner: Of this planner; None for those that are obeyed.

        Raises:
            ConsoleError: They cannot be read, in a sentence.
        """

        def read(bounds: Bounds) -> tuple[list[Decision], bool]:
            kafka = Kafka(self._address)

            def look(back: timedelta) -> list[Decision]:
                # By when they were written: a planner that was away decides all it missed at once.
                window = Window(before - back, before + min(max(back, AFTER), LATEST))
                events = _events(kafka, ["decisions"], job, window, bounds)
                return newest(events, before, limit, planner)

            return further(look, NEAR, limit)

        with _mended("before", f"daedalus tap decisions --job {job} --since 32d"):
            return await self._readings.get(("decisions", job, before, limit, planner), read)

    async def decision(self, job: str, wanted: str, tick: datetime) -> Decision | None:
        """Return the decision of an id, about a tick; None when it is not there any more."""

        def read(bounds: Bounds) -> Decision | None:
            window = Window(tick - timedelta(minutes=1), tick + AFTER)
            found = _events(Kafka(self._address), ["decisions"], job, window, bounds)
            return next(
                (each for each in found if isinstance(each, Decision) and each.id == wanted), None
            )

        with _mended("tick", f"daedalus explain {job} --decision {wanted}"):
            return await self._readings.get(("decision", job, wanted, tick), read)

    async def rescales(self, job: str, before: datetime, limit: int) -> tuple[list[Rescale], bool]:
        """Return the last rescales before an instant, newest first, and whether there may be more.

        Each has its decision.

        Args:
            job: Whose.
            before: Their ticks end before it.
            limit: At most so many.

        Raises:
            ConsoleError: They cannot be read, in a sentence.
        """

        def read(bounds: Bounds) -> tuple[list[Rescale], bool]:
            kafka = Kafka(self._address)

            def look(back: timedelta) -> list[Rescale]:
                window = Window(before - back, before + AFTER)
                events = _events(kafka, CAUSED, job, window, bounds)
                found = [each for each in of_events(events) if each.tick < before][-limit:]
                return list(reversed(found))

            found, more = further(look, DAYS, limit)
            return _with_decisions(kafka, job, found, bounds), more

        with _mended("before", f"daedalus history {job} --since 32d"):
            return await self._readings.get(("rescales", job, before, limit), read)

    async def told(self, found: Decision) -> Story:
        """Return a decision with what it was made from and what came of it."""

        def read(bounds: Bounds) -> Story:
            topics = ["capacity-updates", "forecasts", *CAUSED]
            window = Window(found.tick - INPUTS, found.tick + AFTER)
            return story(found, _events(Kafka(self._address), topics, found.job, window, bounds))

        return await self._readings.get(("told", found.job, found.id), read)


def newest(
    events: Iterable[Event], before: datetime, limit: int, planner: str | None
) -> list[Decision]:
    """Return the last decisions before an instant, newest first; one that lies twice counts once.

    Args:
        events: In any order.
        before: Their ticks end before it.
        limit: At most so many; no more are held.
        planner: Of this planner; None for those that are obeyed.
    """
    found: dict[str, Decision] = {}
    order: list[tuple[datetime, str]] = []
    for event in events:
        if (
            isinstance(event, Decision)
            and event.tick < before
            and (event.planner == planner if planner else not event.shadow)
            and event.id not in found
        ):
            found[event.id] = event
            heappush(order, (event.tick, event.id))
            if len(order) > limit:
                del found[heappop(order)[1]]
    return sorted(found.values(), key=lambda event: event.tick, reverse=True)


def further(
    look: Callable[[timedelta], list[T]], first: timedelta, limit: int
) -> tuple[list[T], bool]:
    """Look further and further back until a page is full; return it, and whether there may be more.

    Raises:
        TooMuchError: Nothing was found as far back as may be read.
    """
    back, found = first, list[T]()
    while True:
        try:
            found = look(back)
        except TooMuchError:
            if not found:
                raise
            return found, True
        if len(found) == limit or back >= FAR:
            return found, len(found) == limit
        back = min(4 * back, FAR)


def _with_decisions(
    kafka: Kafka, job: str, found: Sequence[Rescale], bounds: Bounds
) -> list[Rescale]:
    """Return rescales with their decisions, each looked up about its tick.

    In between lie thousands of others, and those of the jobs on the same partition. One that is
    not there any more is looked for among the decisions of hours: meanwhile the bounds are heeded.
    """
    if not found:
        return []
    with lookups(kafka, Decision.NAME, job) as look:
        whole = []
        for each in found:
            bounds.heed()
            record = look(
                each.tick - timedelta(seconds=30),
                each.tick + AFTER,
                partial(_commands, each.command_id, bounds),
            )
            event = record.event if record else None
            whole.append(replace(each, decision=event) if isinstance(event, Decision) else each)
        return whole


def _commands(command: str, bounds: Bounds, record: Record) -> bool:
    bounds.heed()
    return isinstance(record.event, Decision) and record.event.command == command


def _events(
    kafka: Kafka, topics: Sequence[str], job: str, window: Window, bounds: Bounds
) -> Iterator[Event]:
    """Yield what is an event; what is none was counted when it came in."""
    for record in records(kafka, topics, window, job=job, bounds=bounds):
        if record.event is not None:
            yield record.event


@contextmanager
def _mended(field: str, command: str) -> Iterator[None]:
    """Say what can be done where too much would have to be read."""
    try:
        yield
    except TooMuchError as error:
        raise UsageError(f"{field}: {error}; in a terminal: {command}") from error
