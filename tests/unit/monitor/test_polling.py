"""A watch for each job that is owned, and none for others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook
from daedalus_monitor.domain.offsets import Offsets
from daedalus_monitor.monitor import Monitor, MonitorState
from daedalus_monitor.polling import Polling
from daedalus_monitor.ports import Sources
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Forget, JobMetrics
from daedalus_shared.job_spec import JobSpec, read_spec
from daedalus_shared.service import Step

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def spec(job: str) -> JobSpec:
    return read_spec(f"""
job: {job}
engine: {{kind: flink, rest: "http://jm:8081"}}
input: {{bootstrap: "kafka:9092", topics: [ads], group: {job}}}
workers: {{kind: none}}
scale: {{max: 4}}
""")


def control(job: str) -> JobControl:
    at = START - timedelta(hours=1)
    return JobControl().fold(Declaration(job=job, at=at, source="console/x", spec=spec(job)))


class SharedClock:
    """Time goes on when everybody sleeps: the earliest sleeper is woken."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> Moment:
        return Moment(START + timedelta(seconds=self.seconds), self.seconds)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.seconds + max(seconds, 0.0) + 0.01, woken))
        await woken.wait()

    async def turn(self, seconds: float) -> None:
        """Let some seconds pass."""
        end = self.seconds + seconds
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            due = min(self._sleepers, key=lambda sleeper: sleeper[0], default=None)
            if due is None or due[0] > end:
                self.seconds = end
                return
            self._sleepers.remove(due)
            self.seconds = max(self.seconds, due[0])
            due[1].set()


@dataclass
class HandEngine:
    say: Callable[[], EngineLook]

    async def look(self, now: Moment) -> EngineLook:
        return self.say()


class HandOffsets:
    async def look(self) -> Offsets:
        return Offsets.nothing("no broker")


@dataclass
class Connected:
    """Sources of any job; one that is named in `broken` has a bug, one in `silent` hangs."""

    broken: str = ""
    silent: str = ""
    closed: bool = False

    def __call__(self, of: JobSpec) -> Sources:
        def say() -> EngineLook:
            if of.job == self.broken:
                raise ZeroDivisionError
            return EngineLook.nothing("no engine")

        engine = HandEngine(say)
        if of.job == self.silent:

            async def hang(now: Moment) -> EngineLook:
                await asyncio.Event().wait()
                raise AssertionError

            engine.look = hang  # type: ignore[method-assign]  # this one only
        return Sources((engine,), HandOffsets())

    async def close(self) -> None:
        self.closed = True


@dataclass
class HandRelay:
    """Folds what is applied, as the shell does."""

    states: dict[str, MonitorState] = field(default_factory=dict)
    reports: list[JobMetrics] = field(default_factory=list)

    async def apply(
        self, job: str, change: Callable[[MonitorState | None], Step[MonitorState]]
    ) -> bool:
        step = change(self.states.get(job))
        assert step.state is not None
        self.states[job] = step.state
        self.reports += [event for event in step.events if isinstance(event, JobMetrics)]
        return True


@dataclass
class Scene:
    connected: Connected = field(default_factory=Connected)
    clock: SharedClock = field(default_factory=SharedClock)
    relay: HandRelay = field(default_factory=HandRelay)

    def __post_init__(self) -> None:
        self.polling = Polling(Monitor("monitor"), self.connected, self.clock, still_after=12)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(
            self.polling.background(self.relay)  # type: ignore[arg-type]  # all that it uses
        )
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def reported(self, since: float = 0.0) -> set[str]:
        begin = START + timedelta(seconds=since)
        return {report.job for report in self.relay.reports if report.at > begin}


async def test_each_job_is_reported_whether_it_came_before_or_after_the_start() -> None:
    scene = Scene()
    scene.polling.stored("early", control("early"), None)
    async with scene.running():
        await scene.clock.turn(30)
        scene.polling.stored("late", control("late"), None)
        await scene.clock.turn(30)

    assert scene.reported() == {"early", "late"}
    assert scene.connected.closed


async def test_a_job_that_is_forgotten_is_not_reported_any_more() -> None:
    scene = Scene()
    scene.polling.stored("a", control("a"), None)
    scene.polling.stored("b", control("b"), None)
    async with scene.running():
        await scene.clock.turn(40)
        forget = Forget(job="a", at=scene.clock.now().wall, source="console/x", author="me")
        scene.polling.stored("a", control("a").fold(forget), None)
        await scene.clock.turn(60)

    assert scene.reported() == {"a", "b"}
    assert scene.reported(since=40) == {"b"}


async def test_a_job_that_is_declared_again_is_watched_again() -> None:
    scene = Scene()
    scene.polling.stored("a", control("a"), None)
    async with scene.running():
        await scene.clock.turn(40)
        at = scene.clock.now().wall
        forgotten = control("a").fold(Forget(job="a", at=at, source="console/x", author="me"))
        # The watch has seen it and ended, and nobody has cleared it away yet.
        scene.polling._controls["a"] = forgotten
        await scene.clock.turn(10)
        later = scene.clock.now().wall
        again = Declaration(job="a", at=later, source="console/x", spec=spec("a"))
        scene.polling.stored("a", forgotten.fold(again), None)
        await scene.clock.turn(60)

    assert scene.reported(since=50) == {"a"}


async def test_nothing_is_reported_of_jobs_that_are_somebody_elses_now() -> None:
    scene = Scene()
    scene.polling.stored("a", control("a"), None)
    async with scene.running():
        await scene.clock.turn(40)
        scene.polling.dropped()
        await scene.clock.turn(60)
        assert scene.reported(since=40) == set()

        scene.polling.stored("b", control("b"), None)
        await scene.clock.turn(60)

    assert scene.reported(since=40) == {"b"}


async def test_a_job_taken_back_goes_on_after_its_last_report() -> None:
    scene = Scene()
    scene.polling.stored("a", control("a"), None)
    async with scene.running():
        await scene.clock.turn(40)
        scene.polling.dropped()
        scene.polling.stored("a", control("a"), None)
        await scene.clock.turn(60)

    ats = [report.at for report in scene.relay.reports]
    samples = [sample.at for report in scene.relay.reports for sample in report.samples]
    assert ats == sorted(set(ats))
    assert samples == sorted(set(samples))
    assert ats[-1] > START + timedelta(seconds=80)


async def test_a_job_whose_source_hangs_does_not_hold_up_the_others() -> None:
    scene = Scene(Connected(silent="a"))
    for job in "abc":
        scene.polling.stored(job, control(job), None)
    async with scene.running():
        await scene.clock.turn(60)

    assert scene.reported() == {"b", "c"}


async def test_a_bug_ends_the_service() -> None:
    scene = Scene(Connected(broken="a"))
    scene.polling.stored("a", control("a"), None)
    async with scene.running() as task:
        await scene.clock.turn(10)
        with pytest.raises(ExceptionGroup) as found:
            await task

    assert found.group_contains(ZeroDivisionError)
    assert scene.connected.closed
