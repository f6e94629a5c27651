"""The order in which a service handles, publishes, remembers and acknowledges.

Per message: handle → publish the results → await the broker's word → publish the state with the
offsets that it covers → await → acknowledge. A crash between any two of them repeats work, and
never loses it. Kafka is behind the port `Log`, so that tests need no broker.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Generic, Protocol

from pydantic import ValidationError

from daedalus_shared import telemetry
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, DeadLetter, DecodeError, Event, Knowledge, decode
from daedalus_shared.section import hidden
from daedalus_shared.service import S, Service, Step
from daedalus_shared.topics import partition_of, topic_of

log = logging.getLogger(__name__)

CONTROL = topic_of(ControlEvent)
KNOWLEDGE = topic_of(Knowledge)
_SHOWN_BYTES = 4096
_SHOWN_HEADERS = 32
_SHOWN_CHARACTERS = 1024
"""Of a header, and of what is wrong: a dead letter must fit where the message itself did."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka message as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    written_at: datetime
    """The broker's timestamp."""


@dataclass(frozen=True, slots=True)
class Write:
    """An event, or a tombstone, to be written to one partition."""

    partition: int
    topic: str
    key: str
    event: Event | None


class Log(Protocol):
    """Kafka, as the relay needs it."""

    async def ends(self, topics: Iterable[str], partition: int) -> Mapping[str, int]:
        """Return the present end offset of one partition of each topic."""
        ...

    def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        """Yield the records from `start` up to `end`, exclusive."""
        ...

    async def write(self, writes: Sequence[Write]) -> None:
        """Write all, in this order a partition, and return when the broker has them."""
        ...

    async def confirm(self) -> bool:
        """Ask the broker whether this member still belongs to its group."""
        ...


@dataclass(frozen=True, slots=True)
class Held(Generic[S]):
    """A job's state in memory, with what its next snapshot needs."""

    partition: int
    at: datetime
    """Event time of what the state was folded from last."""

    state: S | None = None
    revision: int = 0
    covers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a rebalance gave to this replica."""

    generation: int
    """The group's generation: a later owner has a higher one."""

    positions: Mapping[tuple[str, int], int]
    """(topic, partition) → offset at which reading resumes."""


class Hooks(Generic[S]):
    """What a service does beside its fold; each does nothing by default."""

    def stored(self, job: str, control: JobControl, state: S | None) -> None:
        """Called when a job's state was stored, its control changed, or it was assigned."""

    def dropped(self) -> None:
        """Called when the assignment is gone: whatever runs for a job must stop."""

    def published(self, event: Event) -> None:
        """Called for each event of the service's own that the broker has taken."""

    async def prepare(self, control: JobControl, state: S | None, event: Event) -> None:
        """Awaited before `event` is handled, to have background results at hand."""

    async def background(self, relay: "Relay[S]") -> None:
        """Run beside the fold as long as the service does."""


class Relay(Generic[S]):
    """Carries one service's events between Kafka and its fold."""

    def __init__(
        self,
        service: Service[S],
        log: Log,
        hooks: Hooks[S] | None = None,
        *,
        partitions: int = 1,
    ) -> None:
        """Make a relay on topics of so many partitions each."""
        self._service = service
        self._log = log
        self._partitions = partitions
        self._hooks = hooks or Hooks()
        self._lock = asyncio.Lock()
        self._held: dict[str, Held[S]] = {}
        self._controls: dict[str, JobControl] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._partition: dict[str, int] = {}
        self._epoch = 0
        self._assigned: frozenset[int] = frozenset()
        self._reading: set[str] = set()
        self._source = f"{service.name}/{service.instance}"
        self.restored = asyncio.Event()
        """Set while the states of the assigned partitions are in memory."""
        for topic in self.topics:
            telemetry.DEAD_LETTERS.labels(topic)  # from 0 on: an increase must show at the first

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that the service reads, without doubles."""
        return tuple(dict.fromkeys([*map(topic_of, self._service.SOURCES), CONTROL]))

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that this replica owns."""
        return self._assigned

    def owns(self, job: str) -> bool:
        """Whether the job lies on a partition that is assigned to this replica now."""
        return self.restored.is_set() and self._partition.get(job) in self._assigned

    def jobs(self) -> dict[str, tuple[JobControl, S | None]]:
        """Return the jobs of the owned partitions that a state or a control event is known of."""
        return {
            job: (self._controls.get(job, JobControl()), self._state(job))
            for job in self._partition
            if self.owns(job)
        }

    async def confirm(self, job: str) -> bool:
        """Ask the broker whether this replica still owns the job, however long it was stopped."""
        return self.owns(job) and await self._log.confirm() and self.owns(job)

    # -- assignment -----------------------------------------------------------------------------

    def revoke(self) -> None:
        """Forget the assignment: from here on nothing is owned."""
        self.restored.clear()
        self._assigned = frozenset()
        telemetry.JOBS.hide()
        self._hooks.dropped()

    async def restore(self, assignment: Assignment) -> None:
        """Drop all memory, and read what is known of the assigned partitions' jobs.

        Waits for a message that is being handled, whose snapshot would otherwise be missed.
        """
        self.revoke()
        async with self._lock:
            self._held, self._controls, self._partition = {}, {}, {}
            self._positions = dict(assignment.positions)
            partitions = frozenset(partition for _, partition in assignment.positions)
            newest: dict[str, tuple[int, Knowledge]] = {}
            for partition in sorted(partitions):
                await self._restore_control(partition)
                newest |= await self._restore_knowledge(partition)
            highest = max((known.epoch for _, known in newest.values()), default=0)
            self._epoch = max(assignment.generation, highest + 1)
            for job, (partition, known) in newest.items():
                self._hold(job, partition, known)
            self._assigned = partitions
            telemetry.JOBS.show(lambda job: partition_of(job, self._partitions) in partitions)
            self.restored.set()
        log.info("restored %d jobs on %d partitions", len(self._held), len(partitions))
        for job, (control, state) in self.jobs().items():
            self._hooks.stored(job, control, state)

    async def _restore_control(self, partition: int) -> None:
        ends = await self._log.ends([CONTROL], partition)
        async for record in self._log.read(CONTROL, partition, 0, ends[CONTROL]):
            try:
                event = self._decode(record)
            except DecodeError:
                continue  # becomes a dead letter when it is delivered
            if isinstance(event, ControlEvent):
                self._fold_control(event, partition)

    async def _restore_knowledge(self, partition: int) -> dict[str, tuple[int, Knowledge]]:
        newest: dict[str, tuple[int, Knowledge]] = {}
        aside: dict[int, int] = {}
        ours = f"/{self._service.KIND}/{self._service.instance}"
        ends = await self._log.ends([KNOWLEDGE], partition)
        async for record in self._log.read(KNOWLEDGE, partition, 0, ends[KNOWLEDGE]):
            key = (record.key or b"").decode(errors="replace")
            if not key.endswith(ours):
                continue
            job = key.removesuffix(ours)
            if record.value is None:
                newest.pop(job, None)
                continue
            try:
                known = decode(record.value, record.headers, topic=KNOWLEDGE, key=record.key)
            except DecodeError as error:
                log.warning("knowledge of %s is unreadable and left aside: %s", job, error)
                continue
            if not isinstance(known, Knowledge):
                continue
            if known.version != self._service.VERSION:
                aside[known.version] = aside.get(known.version, 0) + 1
            else:
                before = newest.get(job)
                if before is None or known.rank >= before[1].rank:
                    newest[job] = (partition, known)
        for version, count in sorted(aside.items()):
            log.warning(
                "left aside on partition %d: %d snapshots of version %d, not %d: learned anew",
                partition,
                count,
                version,
                self._service.VERSION,
            )
        return newest

    def _hold(self, job: str, partition: int, known: Knowledge) -> None:
        try:
            state = self._service.STATE.model_validate(known.state)
        except ValidationError as error:
            log.warning("state of %s is unreadable and left aside: %s", job, error)
            return
        self._partition[job] = partition
        self._held[job] = Held(partition, known.at, state, known.revision, known.covers)  # type: ignore[arg-type]  # STATE is the class of S

    # -- events ---------------------------------------------------------------------------------

    async def process(self, record: Record) -> None:
        """Handle one message to the end; the caller acknowledges it then."""
        async with self._lock:
            await self._process(record)

    async def _process(self, record: Record) -> None:
        place = (record.topic, record.partition)
        if record.offset < self._positions.get(place, 0):
            telemetry.SKIPPED.labels(record.topic).inc()
            return
        try:
            event = self._decode(record)
        except DecodeError as error:
            await self._bury(record, error)
        else:
            if event is not None:
                self._reading.add(record.topic)
                try:
                    with telemetry.handling(event):
                        await self._fold(event, record)
                finally:
                    self._reading.discard(record.topic)
        self._positions[place] = record.offset + 1

    def _decode(self, record: Record) -> Event | None:
        """Read a record; None for a tombstone."""
        if record.value is None and record.topic in (CONTROL, KNOWLEDGE):
            return None
        event = decode(
            record.value,
            record.headers,
            topic=record.topic,
            key=record.key,
            written_at=record.written_at,
        )
        # One owner a job: folded elsewhere it would get a second state, and second results.
        belongs = partition_of(event.key, self._partitions)
        if belongs != record.partition:
            raise DecodeError(
                f"{event.job} belongs on partition {belongs}, not on {record.partition}: "
                "the partitioner is murmur2 of the job (librdkafka: murmur2_random)"
            )
        return event

    async def _fold(self, event: Event, record: Record) -> None:
        job = event.job
        self._partition.setdefault(job, record.partition)
        if isinstance(event, ControlEvent):
            self._fold_control(event, record.partition)
        held = self._held.get(job)
        if held is not None and record.offset <= held.covers.get(record.topic, -1):
            telemetry.SKIPPED.labels(record.topic).inc()
            return
        control = self._controls.get(job, JobControl())
        needed = {
            topic_of(other) for other in self._service.needs(control, self._state(job), event)
        }
        if needed := needed - self._reading:
            await self._catch_up(needed, record.partition)
        control, state = self._controls.get(job, JobControl()), self._state(job)
        await self._hooks.prepare(control, state, event)
        step = self._service.handle(control, state, event)
        before = self._held.get(job) or Held(record.partition, event.at)
        await self._store(job, replace(before, at=event.at), step, {record.topic: record.offset})
        if isinstance(event, ControlEvent):
            self._hooks.stored(job, control, self._state(job))
        telemetry.HANDLED.labels(record.topic).inc()

    async def _catch_up(self, topics: set[str], partition: int) -> None:
        """Handle what lies on `topics` now, ahead of its delivery, which is then skipped.

        What is read here may itself need other topics first, and then reads them as deep again.
        """
        behind = await self._log.ends(sorted(topics), partition)
        for topic, end in behind.items():
            start = self._positions.get((topic, partition), 0)
            # Read to the end before the first is handled: it may lead to another read.
            found = [each async for each in self._log.read(topic, partition, start, end)]
            for record in found:
                await self._process(record)

    async def apply(self, job: str, change: Callable[[S | None], Step[S]]) -> bool:
        """Fold a change that comes from outside the events; False when the job is not ours.

        The broker is asked who owns it. An event that two replicas handle gives the same twice, but
        what each saw of the outside differs: one that was stopped past its session stays silent.
        """
        async with self._lock:
            if not await self.confirm(job):
                return False
            step = change(self._state(job))
            newest = [event.at for event in step.events]
            before = self._held.get(job) or Held(self._partition[job], _NEVER)
            await self._store(job, replace(before, at=max([before.at, *newest])), step, {})
            return True

    async def _store(
        self, job: str, before: Held[S], step: Step[S], covered: Mapping[str, int]
    ) -> None:
        """Publish a step's events, then its state, each with the broker's word."""
        strange = {type(event) for event in step.events} - set(self._service.RESULTS)
        if strange:  # its principal may not write them: better a bug told by its name
            names = ", ".join(sorted(kind.__name__ for kind in strange))
            raise TypeError(f"{self._source} publishes {names}, which it does not declare")
        writes = [
            Write(before.partition, topic_of(type(event)), event.key, event)
            for event in step.events
        ]
        if writes:
            await self._log.write(writes)
            for event in step.events:
                telemetry.PUBLISHED.labels(topic_of(type(event))).inc()
                telemetry.published(event)
                self._hooks.published(event)
        if step.state is before.state:
            return
        after = replace(
            before,
            state=step.state,
            revision=before.revision + 1,
            covers={**before.covers, **covered},
        )
        await self._log.write([self._snapshot(job, after)])
        self._held[job] = after
        if step.state is None:
            telemetry.JOBS.forget(job)
        self._hooks.stored(job, self._controls.get(job, JobControl()), step.state)

    def _snapshot(self, job: str, held: Held[S]) -> Write:
        key = f"{job}/{self._service.KIND}/{self._service.instance}"
        if held.state is None:
            return Write(held.partition, KNOWLEDGE, key, None)
        known = Knowledge(
            job=job,
            at=held.at,
            source=self._source,
            kind=self._service.KIND,
            instance=self._service.instance,
            version=self._service.VERSION,
            epoch=self._epoch,
            revision=held.revision,
            covers=dict(held.covers),
            state=held.state.model_dump(mode="json"),
        )
        return Write(held.partition, KNOWLEDGE, key, known)

    async def _bury(self, record: Record, error: DecodeError) -> None:
        telemetry.DEAD_LETTERS.labels(record.topic).inc()
        log.warning(
            "dead letter: %s[%d]@%d: %s", record.topic, record.partition, record.offset, error
        )
        letter = DeadLetter(
            job="unknown",
            at=record.written_at,
            source=self._source,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            why=str(error)[:_SHOWN_CHARACTERS],
            headers={
                name[:_SHOWN_CHARACTERS]: value[:_SHOWN_CHARACTERS].decode(errors="replace")
                for name, value in islice(record.headers.items(), _SHOWN_HEADERS)
            },
            value=None
            if record.value is None
            else hidden(record.value[:_SHOWN_BYTES].decode(errors="replace")),
        )
        topic = topic_of(DeadLetter)
        await self._log.write([Write(record.partition, topic, letter.key, letter)])

    def _fold_control(self, event: ControlEvent, partition: int) -> None:
        self._partition[event.job] = partition
        self._controls[event.job] = self._controls.get(event.job, JobControl()).fold(event)

    def _state(self, job: str) -> S | None:
        held = self._held.get(job)
        return held.state if held else None
