"""`tap` and `watch`."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.live import Live

from daedalus_console import output
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, following, records
from daedalus_console.board import Board, Entry, Kind
from daedalus_console.conditions import Condition, condition
from daedalus_console.errors import Exit, NotFoundError, UsageError
from daedalus_console.records import Record
from daedalus_console.runs.common import (
    CONTROL,
    cluster,
    control,
    events,
    now,
    reading,
    topic_name,
)
from daedalus_console.runs.show import FORGOTTEN
from daedalus_console.times import moment
from daedalus_console.views import tables
from daedalus_console.views.watch import Size, entry_line, screen, status_line
from daedalus_shared.events import Decision

WATCHED = (
    CONTROL,
    "metrics",
    "capacity-updates",
    "forecasts",
    "decisions",
    "scale-outcomes",
    "recoveries",
    "dead-letters",
)

REDRAW = 0.5
"""Seconds between two drawings of the live view."""

ROWS = 1000
"""Rows of a table that people may still read; all records are in the JSON."""

LOG = 500
"""Entries that the log keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapped:
    """Which records of which topics are wanted, as it was typed."""

    topics: Sequence[str]
    job: str | None = None
    since: str = "10m"
    until: str | None = None
    where: Sequence[str] = ()
    follow: bool = False
    headers: bool = False


def tap(wanted: Tapped, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Show the records of topics."""
    names = list(dict.fromkeys(topic_name(topic) for topic in wanted.topics))
    conditions = [condition(text, names) for text in wanted.where]
    present = now()
    start = None if wanted.since == "start" else moment(wanted.since, present, "past")
    end = None if wanted.until is None else moment(wanted.until, present, "past")
    if end is not None and wanted.follow:
        raise UsageError("--follow goes on for ever: it goes with no --until")
    if start is not None and end is not None and end <= start:
        raise UsageError(f"--until {wanted.until} is not after --since {wanted.since}")
    kafka = cluster(bootstrap)
    view = _Told(several=len(names) > 1, as_json=as_json, headers=wanted.headers)
    if wanted.follow:
        _stream(_meeting(following(kafka, names, start, job=wanted.job), conditions), view)
        return Exit.OK
    telling = as_json or wanted.headers
    read = reading(kafka, names, Window(start, end), job=wanted.job, telling=telling)
    found = (record for record in _meeting(read, conditions) if record is not None)
    if telling:
        for record in found:
            view.tell(record)
        return Exit.OK
    newest: deque[Record] = deque(maxlen=ROWS)
    count = 0
    for count, record in enumerate(found, start=1):  # noqa: B007 -- counted for the reader
        newest.append(record)
    if count > ROWS:
        output.line(f"{count - ROWS} earlier records are left out; --json prints all")
    if newest:
        console = output.console()
        console.print(tables.records(newest, present, several=view.several, width=console.width))
    else:
        such = f" where {' and '.join(wanted.where)}" if wanted.where else ""
        ends = f" until {wanted.until}" if wanted.until else ""
        output.line(
            f"nothing on {', '.join(names)}{such} since {wanted.since}{ends}; "
            "look further with --since 7d"
        )
    return Exit.OK


def _meeting(
    found: Iterable[Record | None], conditions: Sequence[Condition]
) -> Iterator[Record | None]:
    """Yield the records that meet all conditions; what is no event is counted then."""
    garbage = 0
    for record in found:
        if record is None or all(each.holds(record) for each in conditions):
            yield record
        elif record.event is None and not record.tombstone:
            garbage += 1
    if garbage:
        output.warn(f"{garbage} records are no event, and meet no condition")


def watch(job: str | None, since: str, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Show what happens, as it happens."""
    start = moment(since, now(), "past")
    kafka = cluster(bootstrap)
    if job is not None:
        _warn_of_undeclared(kafka, job)
    if as_json:
        told = _Told(several=True, as_json=True)
        _stream(following(kafka, WATCHED, start, job=job), told)
        return Exit.OK
    console = output.console()
    view = _View(console, job)
    try:
        for event in events(records(kafka, [CONTROL], Window(), job=job)):
            view.board.take(event)
        found = following(kafka, WATCHED, start, job=job)
        if console.is_terminal:
            view.draw(found)
        else:
            view.write(found)
    except KeyboardInterrupt:
        view.leave()
    return Exit.OK


def _warn_of_undeclared(kafka: Kafka, job: str) -> None:
    """Say that nothing may come; a job may well be watched before it is declared."""
    try:
        control(kafka, job)
    except NotFoundError as error:
        output.warn(f"{error}. Waiting for what comes of it, until Ctrl-C")


def _stream(records: Iterator[Record | None], told: "_Told") -> None:
    try:
        for record in records:
            if record is not None:
                told.tell(record)
    except KeyboardInterrupt:
        return


class _Told:
    """How records are printed one by one."""

    def __init__(self, *, several: bool, as_json: bool, headers: bool = False) -> None:
        self.several = several
        self._as_json = as_json
        self._headers = headers
        self._console = output.console()

    def tell(self, record: Record) -> None:
        """Print a record, with its headers below where they are wanted."""
        if self._as_json:
            output.line(record.as_json(headers=self._headers))
            return
        line = tables.record_line(record, several=self.several)
        self._console.print(line, soft_wrap=True)
        for name, value in record.headers if self._headers else ():
            self._console.print(tables.cell(f"    {name}: {value}", "dim"), soft_wrap=True)


class _View:
    """The live view while it is looked at."""

    def __init__(self, console: Console, job: str | None) -> None:
        self._console = console
        self._job = job
        self.board = Board(job)
        self._log: deque[Entry] = deque(maxlen=LOG)
        self._drawn = False

    def draw(self, records: Iterator[Record | None]) -> None:
        """Redraw the terminal as records come."""
        self._drawn = True
        due = 0.0
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            live.update(tables.cell("reading what has happened so far …", "dim"), refresh=True)
            for record in records:
                if record is not None:
                    self._take(record)
                    continue
                if time.monotonic() >= due:
                    live.update(self._screen(), refresh=True)
                    due = time.monotonic() + REDRAW

    def write(self, records: Iterator[Record | None]) -> None:
        """Write a line for each decision and for each thing that happens."""
        for record in records:
            if record is None:
                continue
            entry = self._take(record)
            state = self.board.jobs.get(record.job or "")
            if entry is not None:
                self._line(entry)
            elif isinstance(record.event, Decision) and state and state.decision is record.event:
                self._console.print(status_line(state), soft_wrap=True)

    def leave(self) -> None:
        """Leave the last view on the terminal."""
        if self._drawn:
            self._console.print(self._screen())

    def _take(self, record: Record) -> Entry | None:
        entry = self.board.take(record.event) if record.event else self._trouble(record)
        if entry is not None:
            self._log.append(entry)
        return entry

    def _trouble(self, record: Record) -> Entry | None:
        if record.tombstone:
            return None
        place = f"{record.name}[{record.partition}]@{record.offset}"
        text = f"{place} is no event: {record.why}"
        return Entry(record.written_at, record.job or "?", Kind.TROUBLE, text, good=False)

    def _line(self, entry: Entry) -> None:
        self._console.print(entry_line(entry), soft_wrap=True)

    def _screen(self) -> RenderableType:
        present = now()
        size = Size(self._console.size.width, self._console.size.height)
        return screen(self.board.shown(present, FORGOTTEN), list(self._log), present, size)
