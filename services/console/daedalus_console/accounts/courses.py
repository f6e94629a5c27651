"""What a course of scale-outs would have cost under the workload that came: a fluid job.

Records arrive by each loop's trend line, as many as the learned capacity allows are processed, the
rest waits. A rescale is done at once: it stands still for the learned downtime, and processes half
a checkpoint interval of records again. What is not known of a loop is not guessed: it has no cost.
"""

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from daedalus_console.accounts.loops import Loop
from daedalus_shared.hpa import SYNC, WINDOW, Behavior, desired

STEPS = 12
"""Steps of a loop at least."""

STEP = 5.0
"""Seconds of the job's time that a step takes at most: the HPA looks each 15 s, in any loop."""

MOST_STEPS = 1440
"""Steps of a loop at most, whatever speed is asked for: of 6 h they take 15 s each."""


@dataclass(slots=True)
class Totals:
    """What a course comes to over some time: added to in place, a dozen of them a loop."""

    seconds: float = 0.0
    workers: float = 0.0
    """Worker-seconds."""
    records: float = 0.0
    """Arrived."""
    late: float = 0.0
    """Records that waited longer than the policy tolerates."""
    waiting: float = 0.0
    """Record-seconds waited beyond what is tolerated."""
    rescales: int = 0
    priced: float = 0.0
    """Worker-seconds that rescales and lateness are worth by the policy's prices."""

    def add(self, other: "Totals") -> None:
        """Count in what came after."""
        self.seconds += other.seconds
        self.workers += other.workers
        self.records += other.records
        self.late += other.late
        self.waiting += other.waiting
        self.rescales += other.rescales
        self.priced += other.priced

    @property
    def mean(self) -> float | None:
        """Workers on average; None over no time."""
        return self.workers / self.seconds if self.seconds else None

    @property
    def hours(self) -> float:
        """Worker-hours."""
        return self.workers / 3600.0

    @property
    def late_share(self) -> float | None:
        """Part of the records that were late; None without records."""
        return self.late / self.records if self.records else None

    @property
    def price(self) -> float | None:
        """Workers, rescales and lateness together, in workers (docs/method.md, Price of a run)."""
        return (self.workers + self.priced) / self.seconds if self.seconds else None


@dataclass(frozen=True, slots=True)
class Cut:
    """A loop in steps: what is the same for each course that is played over it."""

    loop: Loop
    width: float
    """Seconds of a step."""
    steps: tuple[tuple[float, float], ...]
    """Offset of each step's start, and the workload in its middle."""
    records: float
    """Records that arrive in it."""
    highest: float
    """Its highest workload, records/s."""

    @classmethod
    def of(cls, loop: Loop, speed: float) -> "Cut":
        """Return a loop of a job whose time runs so many times as fast."""
        # Rounded first, so that 12 steps do not become 13 because of a float's last digit.
        fine = math.ceil(round(loop.seconds * speed / STEP, 6))
        count = min(max(STEPS, fine), MOST_STEPS)
        width = loop.seconds / count
        offsets = [number * width for number in range(count)]
        return cls(
            loop,
            width,
            tuple((offset, loop.rate(offset + width / 2)) for offset in offsets),
            loop.records,
            max(loop.rate(0.0), loop.rate(loop.seconds)),
        )


class Wanted(Protocol):
    """Who says how many workers there should be."""

    steady: ClassVar[bool]
    """Whether it needs no look at the job within a loop."""

    def __call__(self, loop: Loop, offset: float, state: "State | None", /) -> int | None:
        """Return the workers wanted so many seconds into a loop; None when nobody knows.

        Args:
            loop: What came.
            offset: Seconds from its start.
            state: The job as it is by then; None where a course begins, at the loop's start.
        """
        ...


@dataclass(slots=True)
class State:
    """The job as a course left it."""

    workers: int
    behind: float = 0.0
    """Records waiting."""
    stopped: float = 0.0
    """Seconds that it still stands still."""
    used: float | None = None
    """Part of the capacity used in the last step; None before the first."""


@dataclass(slots=True)
class Course:
    """One course, loop by loop."""

    wanted: Wanted
    state: State | None = None
    after: Loop | None = None
    """The last loop that it was played over."""

    def play(self, cut: Cut, usual: float) -> Totals | None:
        """Return what a loop comes to, or None where something is not known.

        Args:
            cut: The next one; what came before is forgotten where it does not follow.
            usual: Mean workload (records/s), by which delays are measured.
        """
        loop = cut.loop
        began = self.state is not None and self.after is not None and loop.follows(self.after)
        if not began:
            first = self.wanted(loop, 0.0, None)
            self.state = None if first is None else State(first, loop.lag or 0.0)
        self.after = loop
        if loop.level is None or self.state is None:
            self.state = None
            return None
        if self._is_calm(cut, self.state):
            return _Sum(loop.seconds, self.state.workers * loop.seconds, cut.records).totals(
                loop, usual
            )
        state, found = replace(self.state), _Sum()
        for offset, rate in cut.steps:
            want = self.wanted(loop, offset, state)
            if want is None or not _step(loop, rate, cut.width, state, found, want):
                self.state = None
                return None
        self.state = state
        return found.totals(loop, usual)

    def _is_calm(self, cut: Cut, state: State) -> bool:
        """Whether nothing happens in a loop: no rescale, no record that waits."""
        if not self.wanted.steady or state.behind > 0 or state.stopped > 0:
            return False
        loop = cut.loop
        ends = (self.wanted(loop, 0.0, state), self.wanted(loop, loop.seconds, state))
        capacity = loop.capacities.get(state.workers)
        if capacity is None or ends != (state.workers, state.workers):
            return False
        return capacity >= cut.highest


@dataclass(slots=True)
class _Sum:
    seconds: float = 0.0
    workers: float = 0.0
    records: float = 0.0
    late: float = 0.0
    waiting: float = 0.0
    rescales: int = 0

    def totals(self, loop: Loop, usual: float) -> Totals:
        price = loop.price
        delay = (self.waiting + price.late * self.late) / usual if usual > 0 else 0.0
        return Totals(
            self.seconds,
            self.workers,
            self.records,
            self.late,
            self.waiting,
            self.rescales,
            price.delay * delay + price.rescale * self.rescales,
        )


def _step(loop: Loop, rate: float, width: float, state: State, found: _Sum, want: int) -> bool:
    """Play a step; False where the capacity is not known."""
    if want != state.workers:
        state.stopped = loop.downtime_up if want > state.workers else loop.downtime_down
        state.behind += loop.replayed * rate
        state.workers = want
        found.rescales += 1
    capacity = loop.capacities.get(state.workers)
    if capacity is None or capacity <= 0:
        return False
    idle = min(state.stopped, width)
    room = capacity * (width - idle)
    arrived = rate * width
    processed = min(state.behind + arrived, room)
    wait = state.stopped + state.behind / capacity
    state.behind += arrived - processed
    state.stopped -= idle
    state.used = processed / (capacity * width)
    tolerated = loop.price.tolerated
    found.seconds += width
    found.workers += state.workers * width
    found.records += arrived
    found.late += arrived if wait > tolerated else 0.0
    found.waiting += max(0.0, state.behind - rate * tolerated) * width
    return True


@dataclass(slots=True)
class Static:
    """The same number of workers always."""

    steady: ClassVar[bool] = True

    workers: int | None = None
    """None for the spec's max."""

    def __call__(self, loop: Loop, _offset: float, _state: State | None, /) -> int | None:
        """Return it."""
        return loop.most if self.workers is None else self.workers


@dataclass(slots=True)
class Ran:
    """The workers that there were."""

    steady: ClassVar[bool] = True

    before: int | None = None
    """Workers before the loop; None when unknown."""

    def __call__(self, loop: Loop, offset: float, _state: State | None, /) -> int | None:
        """Return them; what changed at an instant not known changed at the loop's end."""
        if loop.scale_out is None:
            return None
        earlier = loop.scale_out if self.before is None else self.before
        if earlier == loop.scale_out:
            return earlier
        since = loop.seconds if loop.since is None else (loop.since - loop.start).total_seconds()
        return loop.scale_out if offset >= since else earlier


@dataclass(slots=True)
class Wishes:
    """What a planner wanted at each tick, as if it had been done at once."""

    steady: ClassVar[bool] = True

    newest: tuple[float, int | None] | None = None
    """End of the newest tick decided before the loop (seconds since 1970), and workers wanted; None
    where it said nothing of them."""

    patience: float = 2.5
    """Loops after which a planner that says nothing is taken to be away."""

    def __call__(self, loop: Loop, _offset: float, _state: State | None, /) -> int | None:
        """Return them; None while the planner is away."""
        if self.newest is None:
            return None
        silent = loop.stamp - self.newest[0]
        return self.newest[1] if silent <= self.patience * loop.period else None


@dataclass(slots=True)
class Hpa:
    """Kubernetes' rule on CPU, where the CPU used is the part of the capacity used."""

    steady: ClassVar[bool] = False

    target: float
    """Part of the CPU that is wanted to be used."""
    speed: float = 1.0
    """Seconds of the job's time in one second: its windows are so much shorter."""
    behavior: Behavior | None = None
    bounds: tuple[int, int] = (0, 0)
    next_look: float = 0.0
    looks: deque[tuple[float, float]] = field(default_factory=deque)
    workers: int | None = None

    def __call__(self, loop: Loop, offset: float, state: State | None, /) -> int | None:
        """Look each 15 s at the mean of a minute; a course begins with the workers that ran."""
        now = (loop.stamp + offset) * self.speed
        bounds = (loop.least, loop.most)
        if state is None or self.behavior is None or self.bounds != bounds:
            running = loop.scale_out if state is None else state.workers
            self.bounds = bounds
            self.behavior = Behavior(least=loop.least, most=loop.most)
            self.workers = None if running is None else min(max(running, loop.least), loop.most)
            self.next_look = 0.0
            self.looks.clear()
        if state is not None and state.used is not None:
            self.looks.append((now, state.used))
        while self.looks and self.looks[0][0] <= now - WINDOW:
            self.looks.popleft()
        seen = now - self.looks[0][0] if self.looks else 0.0
        if now < self.next_look or self.workers is None or seen < WINDOW / 2:
            return self.workers
        self.next_look = now + SYNC
        used = math.fsum(part for _, part in self.looks) / len(self.looks)
        recommended = desired(self.workers, used, self.target)
        self.workers = self.behavior.obey(round(now), self.workers, recommended)
        return self.workers


def compared(own: Totals, beside: Totals) -> float | None:
    """Return the price of a course as a part of what ran over the same time."""
    if own.price is None or not beside.price:
        return None
    return own.price / beside.price
