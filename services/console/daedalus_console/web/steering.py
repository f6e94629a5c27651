"""Writes what people ask for over HTTP, by the code of the commands: one at a time, each logged."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import BoundedSemaphore, Lock

from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.writing import publish
from daedalus_console.approvals import Said, answered
from daedalus_console.brokers import Address
from daedalus_console.errors import ChangedError, ConsoleError, UsageError
from daedalus_console.overrides import (
    Author,
    Wish,
    check_stands,
    declared,
    effective,
    in_force,
    override,
    taken_back,
)
from daedalus_console.overrides import forget as forgotten
from daedalus_console.promotion import check_obeyed, promoted
from daedalus_console.records import printable
from daedalus_console.runs.common import control
from daedalus_console.runs.promote import Wish as Promotion
from daedalus_console.runs.promote import check_heard
from daedalus_console.specs import Change
from daedalus_console.times import moment
from daedalus_console.views import lines
from daedalus_console.web.people import ForbiddenError, Person
from daedalus_console.web.readings import BusyError
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Answer,
    Approval,
    Decision,
    Declaration,
    Direction,
    Forget,
    Override,
    OverrideKind,
)

log = logging.getLogger(__name__)

TAG = 16
"""Hex digits of a version's tag."""

WAIT = 5.0
"""Seconds that a write waits for the others' at most: as long as Kafka is given to answer."""

WAITING = 8
"""Writes that are under way or wait at most: each holds a thread of those that answer reads."""


class TooManyError(ConsoleError):
    """One person asks for more than a minute may hold."""


Wanted = Override | Approval | Forget | Declaration
"""What a person's wish is written as."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for, as it was typed."""

    job: str
    kind: OverrideKind
    until: str
    why: str
    direction: Direction = Direction.BOTH
    scale_out: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a person takes back, and why."""

    job: str
    kind: OverrideKind
    why: str
    direction: Direction | None = None
    """Of this direction alone; None for all."""
    seen: str | None = None
    """Id of the override that the person means; None for whichever is in force."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A word on a rescale that waits for one, as it was typed."""

    answer: Answer
    why: str
    until: str | None = None
    """When the word ends; None for the policy's `approval_time` from now on."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and from when on it counts."""

    events: tuple[Wanted, ...]
    effective: datetime
    """The first tick that ends then or later counts it in."""

    tag: str
    """Of the job's overrides, these included."""

    @property
    def grace(self) -> float:
        """Seconds from when it was written until then; 0 where nothing was."""
        return (self.effective - self.events[0].at).total_seconds() if self.events else 0.0


class Steering:
    """The only writer of this process.

    Two who ask for the same at a time are both on record, in the order in which they came, and the
    last counts. Who wants to be told instead names the `tag` that they have seen.
    """

    def __init__(self, address: Address, clock: Callable[[], datetime], per_minute: int) -> None:
        self._address = address
        self._clock = clock
        self._per_minute = per_minute
        self._lock = Lock()
        self._places = BoundedSemaphore(WAITING)
        self._counting = Lock()
        self._asked: dict[str, deque[datetime]] = {}

    def ask(self, person: Person, asked: Asked, tag: str | None = None) -> Written:
        """Write an override; returns when Kafka has it.

        Raises:
            ConsoleError: It is refused, in a sentence.
        """

        def events(known: JobControl, author: Author) -> list[Override]:
            until = _until(asked.until, author.now)
            way = asked.direction
            wish = Wish(asked.job, asked.kind, until, asked.why, way, asked.scale_out)
            return [override(wish, known, author)]

        return self._write(person, asked.job, events, tag)

    def end(self, person: Person, ended: Ended, tag: str | None = None) -> Written:
        """Take overrides of a kind back; `ChangedError` where the one seen is in force no more."""

        def events(known: JobControl, author: Author) -> list[Override]:
            job, way = ended.job, ended.direction
            if ended.seen is not None:
                check_stands(ended.seen, known, author.now)
            return taken_back(job, known, author, ended.kind, ended.why, way)

        return self._write(person, ended.job, events, tag)

    def answer(
        self, person: Person, decision: Decision, reply: Reply, tag: str | None = None
    ) -> Written:
        """Approve or reject the rescale that a decision asks for."""

        def events(known: JobControl, author: Author) -> list[Approval]:
            until = None if reply.until is None else _until(reply.until, author.now)
            return [answered(decision, Said(reply.answer, reply.why, until), known, author)]

        return self._write(person, decision.job, events, tag)

    def forget(
        self, person: Person, job: str, why: str, *, learned: bool, tag: str | None = None
    ) -> Written:
        """Have what was `learned` of a job forgotten, or end the job with it."""

        def events(known: JobControl, author: Author) -> list[Forget]:
            return [forgotten(job, known, author, why, stays_declared=learned)]

        return self._write(person, job, events, tag)

    def promote(
        self, person: Person, wish: Promotion, tag: str | None = None
    ) -> tuple[Written, tuple[Change, ...]]:
        """Have another planner or forecaster obeyed; nothing is written where they are already."""
        changes: list[Change] = []

        def events(known: JobControl, author: Author) -> list[Declaration]:
            policy = declared(wish.job, known).policy
            check_obeyed("planner", wish.planner, policy.planner, wish.instead)
            check_obeyed("forecaster", wish.forecaster, policy.forecaster, wish.instead)
            check_heard(Kafka(self._address), wish, policy, author)
            event, changed = promoted(
                wish.job,
                known,
                author,
                planner=wish.planner,
                forecaster=wish.forecaster,
                why=wish.why,
            )
            changes.extend(changed)
            return [event] if changed else []

        return self._write(person, wish.job, events, tag), tuple(changes)

    def _write(
        self,
        person: Person,
        job: str,
        events: Callable[[JobControl, Author], Sequence[Wanted]],
        tag: str | None,
    ) -> Written:
        if not person.steers:
            raise ForbiddenError(
                f"{person.name} may read and not steer: the role `steer` is needed"
            )
        self._count(person, self._clock())
        with self._turn():
            now = self._clock()
            # A client that lived through Kafka's absence fails in other ways than a new one.
            kafka = Kafka(self._address)
            known = control(kafka, job)
            spec = declared(job, known)
            if tag is not None and tag != tag_of(known, now):
                raise ChangedError(
                    f"If-Match: somebody has asked for something of {job} since; look again"
                )
            written = events(known, Author(person.name, now))
            if written:
                publish(kafka, written)
        for event in written:
            known = known.fold(event)
            log.info("%s", told(event))
        at = max((effective(event, spec) for event in written), default=now)
        return Written(tuple(written), at, tag_of(known, now))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Be the only one who writes, or raise `BusyError` where the others take too long."""
        if not self._places.acquire(blocking=False):
            raise BusyError(f"{WAITING} writes wait for Kafka already; ask again in some seconds")
        try:
            if not self._lock.acquire(timeout=WAIT):
                raise BusyError("the writes before this one take long; ask again in some seconds")
            try:
                yield
            finally:
                self._lock.release()
        finally:
            self._places.release()

    def _count(self, person: Person, now: datetime) -> None:
        with self._counting:
            asked = self._asked.setdefault(person.name, deque())
            while asked and now - asked[0] >= timedelta(minutes=1):
                asked.popleft()
            if len(asked) >= self._per_minute:
                raise TooManyError(
                    f"{person.name} asked {len(asked)} times within a minute; wait a little"
                )
            asked.append(now)


def tag_of(known: JobControl, now: datetime) -> str:
    """Return what names the overrides in force: another when any is asked for, changed or ends."""
    ids = sorted(each.id for each in in_force(known, now))
    return sha256("|".join(ids).encode()).hexdigest()[:TAG]


def told(event: Wanted) -> str:
    """Return what the log says of what was asked for, on one line."""
    if isinstance(event, Declaration | Forget):
        return printable(f"{event.job}: {lines.of(event)}")
    if isinstance(event, Approval):
        move = f"{event.from_scale_out} to {event.scale_out} workers of {event.job}"
        return printable(f"{event.author} says {event.answer} to {move}: {event.why}")
    workers = "" if event.scale_out is None else f" {event.scale_out}"
    way = "" if event.direction is Direction.BOTH else f" ({event.direction})"
    what = f"{event.kind}{workers}{way} of {event.job}"
    if event.until <= event.at:
        return printable(f"{event.author} takes back {what}: {event.why}")
    return printable(f"{event.author} asks for {what} until {event.until.isoformat()}: {event.why}")


def _until(text: str, now: datetime) -> datetime:
    """Return the instant that was typed, or raise `UsageError` that names the field."""
    try:
        found = moment(text, now, "future")
    except UsageError as error:
        raise UsageError(f"until: {error}") from error
    if found <= now:
        raise UsageError(f"until: {text!r} is past; name a time to come")
    return found
