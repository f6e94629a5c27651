"""`export`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daedalus_console import output
from daedalus_console.adapters.exporting import writer
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, records
from daedalus_console.errors import Exit, NotFoundError, UsageError
from daedalus_console.records import Record
from daedalus_console.runs.common import CONTROL, TOPICS, cluster, now, reading, topic_name
from daedalus_console.times import moment
from daedalus_shared.events import Knowledge

KNOWLEDGE = Knowledge.NAME

NOT_BY_DEFAULT = {KNOWLEDGE, "dead-letters"}
"""What services remember, which is large, and what they could not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is exported, as it was typed."""

    file: str
    job: str | None = None
    topics: Sequence[str] = ()
    knowledge: bool = False
    since: str = "start"
    until: str | None = None


def export(wanted: Wanted, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Write the records of topics to a file, in the order of time."""
    names = [topic_name(topic) for topic in wanted.topics]
    names = names or [name for name in TOPICS if name not in NOT_BY_DEFAULT]
    names = list(dict.fromkeys([*names, KNOWLEDGE] if wanted.knowledge else names))
    present = now()
    start = None if wanted.since == "start" else moment(wanted.since, present, "past")
    end = None if wanted.until is None else moment(wanted.until, present, "past")
    if start is not None and end is not None and end <= start:
        raise UsageError(f"--until {wanted.until} is not after --since {wanted.since}")
    kafka = cluster(bootstrap)
    counts: Counter[str] = Counter()
    garbage = 0
    with writer(wanted.file) as file:
        for record in _read(kafka, names, Window(start, end), wanted):
            file.write(record)
            counts[record.name] += 1
            garbage += record.event is None and not record.tombstone
        if not counts:
            about = f" about {wanted.job}" if wanted.job else ""
            raise NotFoundError(f"nothing{about} on {', '.join(names)}; no file is written")
    if garbage:
        output.warn(f"{garbage} records are no event; they are in the file as they are")
    told = ", ".join(f"{counts[name]} {name}" for name in names if counts[name])
    if wanted.file == "-":
        return Exit.OK
    if as_json:
        output.document(
            {
                "file": wanted.file,
                "records": counts.total(),
                "topics": dict(counts),
                "no_event": garbage,
            }
        )
    else:
        output.line(f"wrote {counts.total()} records to {wanted.file}: {told}")
    return Exit.OK


def _read(kafka: Kafka, names: Sequence[str], window: Window, wanted: Wanted) -> Iterator[Record]:
    """Yield the records; with all that a replay needs control comes from its beginning on.

    A spec counts for long after it was written.
    """
    if window.since is not None and not wanted.topics:
        earlier = Window(None, window.since)
        yield from records(kafka, [CONTROL], earlier, job=wanted.job)
    yield from reading(kafka, names, window, job=wanted.job, telling=wanted.file == "-")
