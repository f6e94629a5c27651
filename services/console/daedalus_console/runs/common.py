"""What several commands need: the cluster, the time, the person, and what is declared."""

import getpass
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr
from datetime import UTC, datetime
from pathlib import Path

from daedalus_console import output
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Bounds, Window, records
from daedalus_console.brokers import address
from daedalus_console.errors import ConsoleError, UsageError
from daedalus_console.output import warn
from daedalus_console.overrides import Author, undeclared
from daedalus_console.records import Record
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, Event
from daedalus_shared.events.codec import EVENTS

TOPICS = tuple(dict.fromkeys(event.NAME for event in EVENTS))
"""The topics without prefix, in the order of the loop."""

CONTROL = ControlEvent.NAME

SOON = 1.5
"""Seconds that Kafka is given to answer somebody who pressed Tab."""


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def cluster(bootstrap: str | None) -> Kafka:
    """Return the cluster that the command talks to."""
    return Kafka(address(bootstrap, Path.cwd()))


def author() -> Author:
    """Return who asks, now."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"uid-{os.getuid()}"
    return Author(name, now())


def controls(
    kafka: Kafka, job: str | None = None, bounds: Bounds | None = None
) -> dict[str, JobControl]:
    """Return what people want of each job, or of one."""
    found: dict[str, JobControl] = {}
    for event in events(records(kafka, [CONTROL], Window(), job=job, bounds=bounds)):
        if isinstance(event, ControlEvent):
            found[event.job] = found.get(event.job, JobControl()).fold(event)
    return found


def control(kafka: Kafka, job: str) -> JobControl:
    """Return what people want of a declared job.

    Raises:
        NotFoundError: It is not declared; a name like it is told.
    """
    found = controls(kafka, job).get(job)
    if found is None or found.newest is None:
        raise undeclared(job, declared_jobs(kafka))
    return found


def named(bootstrap: str | None, beginning: str) -> list[str]:
    """Return the declared jobs whose names begin so; none where Kafka does not answer."""
    try:
        kafka = Kafka(address(bootstrap, Path.cwd()), patience=SOON)
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            return [job for job in declared_jobs(kafka) if job.startswith(beginning)]
    except (ConsoleError, OSError):
        return []


def declared_jobs(kafka: Kafka) -> list[str]:
    """Return the names of the jobs that are declared."""
    return sorted(job for job, known in controls(kafka).items() if known.newest is not None)


def reading(
    kafka: Kafka,
    names: Sequence[str],
    window: Window,
    *,
    job: str | None = None,
    telling: bool = False,
) -> Iterator[Record]:
    """Yield records as `records` does, and show people how far it is.

    Args:
        kafka: Where.
        names: Topics without prefix.
        window: Which records.
        job: Only what is about this job.
        telling: Whether the records are printed as they come.
    """
    what = names[0] if len(names) == 1 else f"{len(names)} topics"
    with output.working(f"reading {what}", telling=telling) as shown:
        yield from records(kafka, names, window, job=job, progress=shown)


def events(found: Iterable[Record]) -> Iterator[Event]:
    """Yield the records that are events; the others are counted on standard error."""
    skipped: list[Record] = []
    for record in found:
        if record.event is not None:
            yield record.event
        elif not record.tombstone:
            skipped.append(record)
    if skipped:
        last = skipped[-1]
        place = f"{last.topic}[{last.partition}]@{last.offset}"
        count = "a record is" if len(skipped) == 1 else f"{len(skipped)} records are"
        warn(f"{count} no event and skipped, the last at {place}: {last.why}")


def topic_name(text: str) -> str:
    """Return a topic's name without prefix, or raise `UsageError`."""
    name = text.removeprefix("daedalus.")
    if name not in TOPICS:
        raise UsageError(f"no topic {text!r}; there are {', '.join(TOPICS)}")
    return name
