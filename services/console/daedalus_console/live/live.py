"""All jobs, folded from records as they come; asked for views from any thread."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import RLock

from daedalus_console.errors import NotFoundError
from daedalus_console.live.feed import Feed
from daedalus_console.live.job import Bounds, Job
from daedalus_console.live.packed import Packed
from daedalus_console.live.spark import Spark
from daedalus_console.live.views import JobRow, JobView, KafkaState, Standing
from daedalus_console.records import Record, printable
from daedalus_shared.control import JobControl
from daedalus_shared.events import DeadLetter, Decision, Forget

log = logging.getLogger(__name__)

DECISIONS = 20_000
"""Decisions that are kept of all jobs together, about 1.5 kB each."""

RESCALES = 10_000
"""Rescales that are kept of all jobs together."""

MOST_JOBS = 5_000
"""Jobs beyond which no further one is taken up until some are shown no more: who writes made-up
names fills no memory."""

SPAN = timedelta(days=7)
"""How far the past reaches that is kept of a job."""

FORGOTTEN = timedelta(minutes=5)
"""A job that is not declared is listed while its reports are no older than this."""


class Live:
    """What is known right now; `feed` tells who listens of changes."""

    def __init__(self) -> None:
        self.feed = Feed()
        self._lock = RLock()
        self._jobs: dict[str, Job] = {}
        self._bounds = _bounds(0)
        self._swept = datetime.min.replace(tzinfo=UTC)
        self._revision = 0
        self._unreadable = 0
        self._unreadable_last: str | None = None
        self._dead_letters = 0
        self._reading = True
        self._kafka = KafkaState(connected=False, since=datetime.now(UTC), why="not asked yet")

    def fold(self, record: Record) -> frozenset[str]:
        """Take one record and return the jobs that changed by it; never raises for its content."""
        event = record.event
        if event is None:
            if not record.tombstone:
                self._trouble(record)
            return frozenset()
        if isinstance(event, DeadLetter):
            with self._lock:
                self._dead_letters += 1
                self._revision += 1
            return frozenset()
        with self._lock:
            job = self._jobs.get(event.job)
            if job is None:
                if len(self._jobs) >= MOST_JOBS and not self._room(record.written_at):
                    return frozenset()
                job = self._jobs[event.job] = Job(event.job)
                self._bounds = _bounds(len(self._jobs))
            if not job.fold(event, self._bounds, record.value):
                return frozenset()
            if isinstance(event, Forget) and job.state.spec is None:
                # What was seen of it ends with it; the wishes stay, by which later ones are judged.
                control: JobControl = job.state.control
                job = self._jobs[event.job] = Job(event.job)
                job.restore(control)
            self._revision += 1
            job.revision = self._revision
        return frozenset({event.job})

    def take(self, records: Iterable[Record]) -> list[Record]:
        """Fold records, and tell the listeners what changed.

        One that cannot be folded is a bug. It is left aside and comes back as unreadable: the
        others, of all jobs, must not wait for its mend.
        """
        changed: set[str] = set()
        before = self._troubles
        taken = []
        for record in records:
            try:
                changed |= self.fold(record)
            except Exception as error:
                log.exception("%s is left aside: it cannot be folded", _place(record))
                why = f"cannot be folded: {type(error).__name__}: {error}"
                taken.append(replace(record, event=None, why=why))
                self._trouble(taken[-1])
            else:
                taken.append(record)
        with self._lock:
            through = self._revision
        self.feed.tell(changed, standing=self._troubles != before, through=through)
        return taken

    def age(self, now: datetime) -> None:
        """Tell the listeners of jobs that have changed by time alone: grown silent, say.

        They get a new revision, so that who comes back is told of them, too.
        """
        with self._lock:
            aged = [name for name, job in self._jobs.items() if job.has_aged(now)]
            for name in aged:
                self._revision += 1
                self._jobs[name].revision = self._revision
            # Told before the lock is free, for `take` says that all up to its revision is told;
            # of what it folds right now, this may not say so.
            self.feed.tell(aged)

    def become(self, other: "Live") -> None:
        """Take over the jobs that another has folded, and tell of all of them."""
        standing = other.standing()
        with self._lock:
            self._jobs = other._jobs  # noqa: SLF001 -- of its own class, which nobody folds any more
            self._bounds = _bounds(len(self._jobs))
            self._unreadable, self._dead_letters = standing.unreadable, standing.dead_letters
            self._unreadable_last = standing.unreadable_last
            for job in self._jobs.values():
                self._revision += 1
                job.revision = self._revision
            names, through = frozenset(self._jobs), self._revision
        self.feed.tell(names, standing=True, through=through)

    def rows(self, now: datetime, fresh: timedelta = timedelta()) -> list[JobRow]:
        """Return the jobs that are declared or were heard of lately, by name.

        Args:
            now: The present.
            fresh: How old a row may be of a job of which nothing came since: making a thousand
                takes a tenth of a second.
        """
        with self._lock:
            return [
                job.row(now, fresh) for _, job in sorted(self._jobs.items()) if _shown(job, now)
            ]

    def row(self, name: str, now: datetime, fresh: timedelta = timedelta()) -> JobRow:
        """Return one job's row, at most `fresh` old while nothing came; or `NotFoundError`."""
        with self._lock:
            return self._job(name).row(now, fresh)

    def knows(self, name: str) -> bool:
        """Return whether anything was heard of a job."""
        with self._lock:
            return name in self._jobs

    def spark(self, name: str, now: datetime) -> Spark:
        """Return one job's last hour in a few points, or raise `NotFoundError`."""
        with self._lock:
            return self._job(name).spark(now)

    def view(
        self, name: str, now: datetime, *, since: datetime | None = None, listed: int = 50
    ) -> JobView:
        """Return all that is shown of a job.

        Args:
            name: The job.
            now: The present.
            since: Where series begin; None for all that is kept.
            listed: Decisions and rescales that are listed at most.

        Raises:
            NotFoundError: It is not known.
        """
        with self._lock:
            return self._job(name).view(now, since or now - 2 * SPAN, listed)

    def decision(self, name: str, wanted: str) -> Decision | None:
        """Return the decision of this id; None when it is not among those kept."""
        return self._find(name, lambda one: one.id == wanted)

    def decision_at(self, name: str, instant: datetime) -> Decision | None:
        """Return the decision in effect at an instant; None when none that is kept was."""
        return self._find(name, lambda one: one.tick <= instant)

    def decisions(self, name: str, before: datetime | None, limit: int) -> list[Decision]:
        """Return the last decisions of a job among those kept, newest first.

        Args:
            name: The job.
            before: Their ticks end before it; None for the newest.
            limit: At most so many.

        Raises:
            NotFoundError: The job is not known.
        """
        with self._lock:
            return self._job(name).decisions(before, limit)

    def control(self, name: str) -> JobControl:
        """Return what people want of a job, as far as it is remembered; or `NotFoundError`."""
        with self._lock:
            return self._job(name).state.control

    def changed_since(self, revision: int) -> frozenset[str]:
        """Return the jobs that changed after a revision."""
        with self._lock:
            return frozenset(name for name, job in self._jobs.items() if job.revision > revision)

    def standing(self) -> Standing:
        """Return how the reader is."""
        with self._lock:
            return Standing(
                kafka=self._kafka,
                reading=self._reading,
                jobs=len(self._jobs),
                unreadable=self._unreadable,
                unreadable_last=self._unreadable_last,
                dead_letters=self._dead_letters,
                revision=self._revision,
            )

    def connected(self, now: datetime) -> None:
        """Take note that Kafka answers."""
        self._kafka_is(connected=True, now=now, why="")

    def away(self, now: datetime, why: str) -> None:
        """Take note that Kafka does not answer."""
        self._kafka_is(connected=False, now=now, why=why)

    def caught_up(self) -> None:
        """Take note that the past was read in."""
        with self._lock:
            if not self._reading:
                return
            self._reading = False
            self._revision += 1
        self.feed.tell(standing=True)

    @property
    def _troubles(self) -> tuple[int, int]:
        return self._unreadable, self._dead_letters

    def _kafka_is(self, *, connected: bool, now: datetime, why: str) -> None:
        with self._lock:
            if self._kafka.connected is connected and (connected or self._kafka.why == why):
                return
            since = now if self._kafka.connected is not connected else self._kafka.since
            self._kafka = KafkaState(connected=connected, since=since, why=why)
            self._revision += 1
        self.feed.tell(standing=True)

    def _room(self, now: datetime) -> bool:
        """Drop the jobs that are shown no more, now and then; say whether there is room."""
        if now - self._swept >= FORGOTTEN:
            self._swept = now
            self._jobs = {name: job for name, job in self._jobs.items() if _shown(job, now)}
        return len(self._jobs) < MOST_JOBS

    def _trouble(self, record: Record) -> None:
        with self._lock:
            self._unreadable += 1
            self._unreadable_last = printable(f"{_place(record)}: {record.why}")
            self._revision += 1

    def _find(self, name: str, wanted: Callable[[Packed], bool]) -> Decision | None:
        with self._lock:
            return self._job(name).decision(wanted)

    def _job(self, name: str) -> Job:
        job = self._jobs.get(name)
        if job is None:
            raise NotFoundError(f"no job {printable(name)[:100]!r} is known")
        return job


def _place(record: Record) -> str:
    return f"{record.topic}[{record.partition}]@{record.offset}"


def _bounds(jobs: int) -> Bounds:
    jobs = max(1, jobs)
    return Bounds(
        decisions=max(20, min(1_000, DECISIONS // jobs)),
        rescales=max(10, min(200, RESCALES // jobs)),
        span=SPAN,
    )


def _shown(job: Job, now: datetime) -> bool:
    state = job.state
    if state.spec is not None:
        return True
    lately = state.metrics is not None and now - state.metrics.at < FORGOTTEN
    return lately and not state.control.forgets
