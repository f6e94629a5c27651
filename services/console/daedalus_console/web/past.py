"""What lies on the topics beyond what is kept in memory, read a page at a time."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, lookups, records
from daedalus_console.brokers import Address
from daedalus_console.records import Record
from daedalus_console.rescales import Rescale, Story, story
from daedalus_console.rescales import rescales as of_events
from daedalus_console.runs.show import AFTER
from daedalus_shared.events import Decision, Event

NEAR = timedelta(hours=2)
"""How much is read at first; each further look reads four times as much."""

FAR = timedelta(days=32)
"""As long as decisions are kept."""

DAYS = timedelta(days=2)
"""How much is read at first of rescales, of which there are few."""

CAUSED = ("scale-commands", "scale-outcomes", "recoveries")

INPUTS = timedelta(minutes=15)
"""How long before a decision its inputs may lie."""


def decisions(
    address: Address, job: str, before: datetime, limit: int, planner: str | None
) -> list[Decision]:
    """Return the last decisions before an instant, newest first.

    Args:
        address: Of Kafka.
        job: Whose.
        before: Their ticks end before it.
        limit: At most so many.
        planner: Of this planner; None for those that are obeyed.
    """
    back = NEAR
    while True:
        window = Window(before - back, before + timedelta(minutes=5))
        newest: deque[Decision] = deque(maxlen=limit)
        for event in _events(address, ["decisions"], job, window):
            if (
                isinstance(event, Decision)
                and event.tick < before
                and (event.planner == planner if planner else not event.shadow)
            ):
                newest.append(event)
        if len(newest) == limit or back >= FAR:
            return sorted(newest, key=lambda event: event.tick, reverse=True)
        back = min(4 * back, FAR)


def decision(address: Address, job: str, wanted: str, tick: datetime) -> Decision | None:
    """Return the decision of an id, about a tick; None when it is not there any more."""
    window = Window(tick - timedelta(minutes=1), tick + timedelta(minutes=15))
    found = _events(address, ["decisions"], job, window)
    return next(
        (event for event in found if isinstance(event, Decision) and event.id == wanted), None
    )


def rescales(address: Address, job: str, before: datetime, limit: int) -> list[Rescale]:
    """Return the last rescales before an instant, newest first, each with its decision.

    Args:
        address: Of Kafka.
        job: Whose.
        before: Their ticks end before it.
        limit: At most so many.
    """
    kafka, back = Kafka(address), DAYS
    while True:
        window = Window(before - back, before + AFTER)
        events = [
            record.event
            for record in records(kafka, CAUSED, window, job=job)
            if record.event is not None
        ]
        found = [each for each in of_events(events) if each.tick < before][-limit:]
        if len(found) == limit or back >= FAR:
            return list(reversed(_with_decisions(kafka, job, found)))
        back = min(4 * back, FAR)


def _with_decisions(kafka: Kafka, job: str, found: Sequence[Rescale]) -> list[Rescale]:
    """Return rescales with their decisions, each looked up about its tick.

    In between lie thousands of others, and those of the jobs on the same partition.
    """
    if not found:
        return []
    with lookups(kafka, Decision.NAME, job) as look:
        whole = []
        for each in found:
            record = look(
                each.tick - timedelta(seconds=30),
                each.tick + timedelta(minutes=15),
                partial(_commands, each.command_id),
            )
            event = record.event if record else None
            whole.append(replace(each, decision=event) if isinstance(event, Decision) else each)
        return whole


def _commands(command: str, record: Record) -> bool:
    return isinstance(record.event, Decision) and record.event.command == command


def told(address: Address, found: Decision) -> Story:
    """Return a decision with what it was made from and what came of it."""
    topics = ["capacity-updates", "forecasts", *CAUSED]
    window = Window(found.tick - INPUTS, found.tick + AFTER)
    return story(found, _events(address, topics, found.job, window))


def _events(address: Address, topics: Sequence[str], job: str, window: Window) -> Iterator[Event]:
    """Yield what is an event; what is none was counted when it came in."""
    for record in records(Kafka(address), topics, window, job=job):
        if record.event is not None:
            yield record.event
