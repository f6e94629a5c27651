"""One job's watch, on clocks turned by hand and sources made by hand."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.offsets import Offsets
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.monitor import Draft
from daedalus_monitor.ports import SourceError, Sources
from daedalus_monitor.watch import Watch
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Forget, Sample
from daedalus_shared.job_spec import JobSpec, read_spec
from daedalus_shared.ticks import next_end

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPEC = read_spec("""
job: ysb
engine: {kind: flink, rest: http://jm:8081}
input: {bootstrap: "kafka:9092", topics: [ads], group: ysb}
workers: {kind: none}
scale: {max: 4}
""")
END = next_end("ysb", 60.0, NOON)
"""The end of a tick."""

FULL = EngineLook(
    scale_out=1,
    uptime=60.0,
    latency=0.5,
    workers=(WorkerLook("tm-1", 1.0, 200.0, NOON),),
    max_parallelism=12,
    checkpoint_interval=10.0,
)


class HandClock:
    """Sleeping turns it; what lies in the way of time happens then."""

    def __init__(self, start: datetime) -> None:
        self.wall = start
        self.steady = 0.0
        self.stop = 3600.0
        self.jumps: dict[float, timedelta] = {}
        """Seconds of the steady clock → by how much the wall clock is set then."""

    def now(self) -> Moment:
        return Moment(self.wall, self.steady)

    async def sleep(self, seconds: float) -> None:
        # Timers of the machine are a little late, never exact.
        passed = max(seconds, 0.0) + 0.01
        self.wall += timedelta(seconds=passed)
        self.steady += passed
        for instant in [instant for instant in self.jumps if instant <= self.steady]:
            self.wall += self.jumps.pop(instant)
        if self.steady > self.stop:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


@dataclass
class HandEngine:
    """Says what it is told to say."""

    say: Callable[[], EngineLook] = lambda: FULL
    asked: int = 0

    async def look(self, now: Moment) -> EngineLook:
        self.asked += 1
        return self.say()


@dataclass
class HandOffsets:
    """1,000 records arrive in each look's interval, and all are consumed but 50."""

    looks: Iterator[int] = field(default_factory=lambda: count(1))
    change: Callable[[int, Offsets], Offsets] = lambda _, offsets: offsets

    async def look(self) -> Offsets:
        number = next(self.looks)
        part = ("ads", 0)
        end = number * 1000
        return self.change(number, Offsets({part: end}, {part: end - 50}, {}))


@dataclass
class Connected:
    """Gives out the same sources to every spec, and counts how often."""

    sources: Sources
    specs: list[JobSpec] = field(default_factory=list)

    def __call__(self, spec: JobSpec) -> Sources:
        self.specs.append(spec)
        return self.sources

    async def close(self) -> None:
        return


@dataclass
class Scene:
    """A watch with all that it needs."""

    engines: tuple[HandEngine, ...] = field(default_factory=lambda: (HandEngine(),))
    offsets: HandOffsets = field(default_factory=HandOffsets)
    latency: Callable[[], Reading[float]] | None = None
    control: JobControl = field(
        default_factory=lambda: JobControl().fold(
            Declaration(job="ysb", at=NOON - timedelta(hours=1), source="console/x", spec=SPEC)
        )
    )
    clock: HandClock = field(default_factory=lambda: HandClock(END - timedelta(seconds=61)))
    drafts: list[Draft] = field(default_factory=list)
    connected: Connected | None = None

    async def play(self, seconds: float) -> list[Draft]:
        """Watch for some seconds, and return the reports."""
        self.clock.stop = seconds
        latency = HandLatency(self.latency) if self.latency else None
        self.connected = Connected(Sources(self.engines, self.offsets, latency))

        async def publish(draft: Draft, now: Moment) -> None:
            self.drafts.append(draft)

        watch = Watch(lambda: self.control, self.connected, self.clock, publish, still_after=3)
        with pytest.raises(asyncio.CancelledError):
            await watch.run()
        return self.drafts

    @property
    def samples(self) -> list[Sample]:
        return [sample for draft in self.drafts for sample in draft.samples]


@dataclass
class HandLatency:
    say: Callable[[], Reading[float]]

    async def look(self, now: Moment) -> Reading[float]:
        return self.say()


async def test_reports_on_the_grid_and_closes_each_tick_at_its_end() -> None:
    scene = Scene()

    drafts = await scene.play(125)

    assert [draft.at for draft in drafts] == [END + timedelta(seconds=15 * n) for n in range(-3, 5)]
    assert [draft.tick for draft in drafts if draft.tick] == [END, END + timedelta(seconds=60)]
    assert [len(draft.samples) for draft in drafts] == [3] * 8
    ats = [sample.at for sample in scene.samples]
    assert ats == [END + timedelta(seconds=5 * n) for n in range(-11, 13)]


async def test_the_first_sample_has_rates_since_the_watch_looked_before_it() -> None:
    scene = Scene()

    await scene.play(20)

    first = scene.samples[0]
    assert first.workload == pytest.approx(1000 / 6, rel=0.01)
    assert first.lag == 50
    assert first.unknown == {}


async def test_a_report_says_what_the_job_is_like() -> None:
    (draft,) = await Scene().play(20)

    assert (draft.input_partitions, draft.max_parallelism, draft.checkpoint_interval) == (1, 12, 10)


async def test_a_source_that_fails_leaves_the_others_signals() -> None:
    def fail() -> EngineLook:
        raise SourceError("http://jm:8081/jobs/overview answered 500")

    scene = Scene(engines=(HandEngine(fail),))
    await scene.play(20)

    first = scene.samples[0]
    assert first.scale_out is None
    assert first.unknown["scale_out"] == "http://jm:8081/jobs/overview answered 500"
    assert first.workload is not None


async def test_a_source_that_does_not_answer_is_left_after_its_time() -> None:
    class Silent(HandEngine):
        async def look(self, now: Moment) -> EngineLook:
            await asyncio.Event().wait()
            raise AssertionError

    # A policy in hundredths of seconds: the time limit is real time.
    quick = SPEC.model_copy(
        update={"policy": SPEC.policy.model_copy(update={"sample": 0.05, "report": 0.05})}
    )
    control = JobControl().fold(
        Declaration(job="ysb", at=NOON - timedelta(hours=1), source="console/x", spec=quick)
    )
    scene = Scene(engines=(Silent(), HandEngine()), control=control)

    await scene.play(0.2)

    assert scene.samples[0].scale_out == 1, "the second source fills in"
    silent = Scene(engines=(Silent(),), control=control)
    await silent.play(0.2)
    assert silent.samples[0].unknown["scale_out"] == "no answer within 0.04 s"
    assert silent.samples[0].lag == 50


async def test_the_second_source_is_asked_only_where_the_first_leaves_gaps() -> None:
    first, second = HandEngine(), HandEngine()
    scene = Scene(engines=(first, second))

    await scene.play(20)
    assert (first.asked > 0, second.asked) == (True, 0)

    gap = HandEngine(lambda: replace(FULL, latency=Unknown("none")))
    scene = Scene(engines=(gap, second))
    await scene.play(20)
    assert second.asked == gap.asked
    assert scene.samples[0].latency == 0.5


async def test_the_second_source_fills_in_what_of_the_first_no_event_may_tell() -> None:
    absurd = HandEngine(lambda: replace(FULL, uptime=1e308, latency=1e308))
    scene = Scene(engines=(absurd, HandEngine()), latency=lambda: 1e12)

    await scene.play(20)

    assert scene.samples[0].uptime == FULL.uptime
    assert scene.samples[0].latency is None
    assert "latency reads more than" in scene.samples[0].unknown["latency"]


async def test_the_measure_of_the_job_file_is_the_latency_that_counts() -> None:
    known = Scene(latency=lambda: 0.07)
    unknown = Scene(latency=lambda: Unknown("Prometheus has no latency"))

    await known.play(20)
    await unknown.play(20)

    assert known.samples[0].latency == 0.07
    assert unknown.samples[0].latency is None
    assert unknown.samples[0].unknown == {"latency": "Prometheus has no latency"}


async def test_ticks_missed_while_the_machine_slept_are_not_invented() -> None:
    scene = Scene()
    scene.clock.jumps = {51: timedelta(minutes=10)}

    drafts = await scene.play(200)

    ticks = [draft.tick for draft in drafts if draft.tick]
    assert ticks == [END + timedelta(minutes=minute) for minute in (10, 11, 12)]
    ats = [draft.at for draft in drafts]
    assert ats == sorted(set(ats))


async def test_after_the_clock_was_set_forward_one_sample_has_no_rates() -> None:
    scene = Scene()
    scene.clock.jumps = {19: timedelta(minutes=10)}

    await scene.play(60)

    odd = [sample for sample in scene.samples if sample.workload is None]
    assert len(odd) == 1
    assert odd[0].unknown["workload"].startswith("the clock jumped by +600")


async def test_after_the_clock_was_set_back_the_watch_goes_on_at_once() -> None:
    scene = Scene()
    scene.clock.jumps = {19: timedelta(hours=-1)}

    await scene.play(50)

    after = [sample.at for sample in scene.samples if sample.at < END - timedelta(minutes=30)]
    assert after == [END - timedelta(hours=1, seconds=n) for n in (35, 30, 25, 20, 15)]


async def test_frozen_end_offsets_make_workload_and_lag_unknown() -> None:
    def freeze(number: int, offsets: Offsets) -> Offsets:
        return offsets if number < 3 else Offsets({("ads", 0): 9}, {("ads", 0): 9}, {})

    scene = Scene(offsets=HandOffsets(change=freeze))
    await scene.play(60)

    last = scene.samples[-1]
    assert (last.workload, last.lag) == (None, None)
    assert "lie still" in last.unknown["workload"]


async def test_frozen_commits_make_the_lag_alone_unknown() -> None:
    def freeze(number: int, offsets: Offsets) -> Offsets:
        return Offsets(offsets.ends, {("ads", 0): 9}, {})

    scene = Scene(offsets=HandOffsets(change=freeze))
    await scene.play(120)

    last = scene.samples[-1]
    assert (last.workload is None, last.lag) == (False, None)
    assert last.unknown["lag"].startswith("the committed offsets lie still")


async def test_a_job_that_is_forgotten_is_watched_no_more() -> None:
    scene = Scene()
    asked = scene.engines[0]

    def forget() -> EngineLook:
        if asked.asked == 3:
            scene.control = scene.control.fold(
                Forget(job="ysb", at=scene.clock.wall, source="console/x", author="me")
            )
        return FULL

    asked.say = forget
    connected = Connected(Sources(scene.engines, scene.offsets))

    async def publish(draft: Draft, now: Moment) -> None:
        scene.drafts.append(draft)

    await Watch(lambda: scene.control, connected, scene.clock, publish, still_after=3).run()

    assert asked.asked == 3


async def test_another_engine_or_input_is_connected_to_and_another_policy_is_not() -> None:
    scene = Scene()
    moved = SPEC.model_copy(
        update={"engine": SPEC.engine.model_copy(update={"rest": "http://other:8081"})}
    )
    slower = moved.model_copy(update={"policy": SPEC.policy.model_copy(update={"report": 30.0})})
    for seconds, spec in ((-70, moved), (-50, slower)):
        at = END + timedelta(seconds=seconds)
        scene.control = scene.control.fold(
            Declaration(job="ysb", at=at, source="console/x", spec=spec)
        )

    await scene.play(120)

    assert scene.connected is not None
    assert [spec.engine.rest for spec in scene.connected.specs] == [
        "http://jm:8081",
        "http://other:8081",
    ]
    later = [draft.at for draft in scene.drafts if draft.at > END]
    assert later == [END + timedelta(seconds=30)]
