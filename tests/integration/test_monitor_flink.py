"""A real Flink job on real Kafka: every signal, through a rescale, a restart and an outage."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daedalus_local import jobs, topics
from daedalus_local.flink import JobManager, running_jobmanager
from daedalus_local.kafka import running_kafka
from daedalus_monitor.adapters.clock import SystemClock
from daedalus_monitor.adapters.sources import Connections
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.monitor import Draft
from daedalus_monitor.watch import Watch
from daedalus_shared.control import JobControl
from daedalus_shared.credentials import Credentials
from daedalus_shared.events import Declaration, Sample
from daedalus_shared.job_spec import read_spec
from harness.fixtures import need_tools

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(420)]

RATE = 300.0
"""Records/s that arrive: little for two workers, however busy the machine is."""

JOB = jobs.JOBS["ysb"]


@dataclass
class Stage:
    """A job on two workers, and load."""

    bootstrap: str
    manager: JobManager
    id: str = ""

    def start_job(self) -> None:
        rest = self.manager.rest
        cost = jobs.Cost(cpu_us=100)
        self.id = jobs.start(rest, JOB, bootstrap=self.bootstrap, parallelism=1, cost=cost)
        rest.wait_until_running(self.id)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    need_tools("java", "javac", "mvn")
    with ExitStack() as stack:
        kafka = stack.enter_context(running_kafka(tmp_path / "kafka"))
        manager = stack.enter_context(running_jobmanager(tmp_path / "flink"))
        topics.create(kafka.bootstrap, [JOB])
        for number in range(2):
            worker = manager.taskmanager(f"tm-{number}")
            worker.start()
            stack.callback(worker.stop)
        manager.rest.wait_for_workers(2)
        found = Stage(kafka.bootstrap, manager)
        found.start_job()
        load = subprocess.Popen(
            [
                *(sys.executable, "-m", "daedalus_local.load", "--bootstrap", kafka.bootstrap),
                *("--topic", JOB.input, "--kind", JOB.name, "--shape", "steady"),
                *("--noise", "0.001", "--minutes", "80", "--peak", str(RATE)),
            ],
            stdout=subprocess.DEVNULL,
        )
        stack.callback(load.wait)
        stack.callback(load.terminate)
        yield found


@dataclass
class Watched:
    """What a watch has reported."""

    control: JobControl
    drafts: list[Draft] = field(default_factory=list)

    @property
    def samples(self) -> list[Sample]:
        return [sample for draft in self.drafts for sample in draft.samples]

    async def publish(self, draft: Draft, now: Moment) -> None:
        del now
        self.drafts.append(draft)

    async def until(self, holds: Callable[[Sample], bool], count: int = 1) -> list[Sample]:
        """Return the first `count` samples in a row from now on for which something holds."""
        begun, deadline = len(self.samples), time.monotonic() + 90
        while True:
            found = self.samples[begun:]
            for end in range(count, len(found) + 1):
                if all(map(holds, found[end - count : end])):
                    return found[end - count : end]
            assert time.monotonic() < deadline, found[-3:]
            await asyncio.sleep(0.2)


def watched(stage: Stage) -> Watched:
    spec = read_spec(f"""
job: ysb
engine: {{kind: flink, rest: "{stage.manager.url}"}}
input: {{bootstrap: "{stage.bootstrap}", topics: [{JOB.input}], group: {JOB.name}}}
workers: {{kind: none}}
scale: {{max: 4}}
policy: {{sample: 2s, report: 2s, loop: 10s}}
""")
    at = datetime.now(UTC) - timedelta(minutes=5)
    declaration = Declaration(job="ysb", at=at, source="console/x", spec=spec)
    return Watched(JobControl().fold(declaration))


def whole(workers: int) -> Callable[[Sample], bool]:
    return lambda sample: not sample.unknown and len(sample.workers) == workers


def mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def throughput(sample: Sample) -> float:
    return sum(worker.throughput or 0.0 for worker in sample.workers)


async def test_reads_every_signal_of_a_real_job(stage: Stage) -> None:
    seen = watched(stage)
    connect = Connections(Credentials(), 8)
    watch = Watch(lambda: seen.control, connect, SystemClock(), seen.publish, still_after=12)
    watching = asyncio.create_task(watch.run())
    try:
        await _follow(stage, seen)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await connect.close()


async def _follow(stage: Stage, seen: Watched) -> None:
    rest = stage.manager.rest

    one = await seen.until(whole(workers=1), count=5)
    assert mean([sample.workload for sample in one]) == pytest.approx(RATE, rel=0.1)
    assert mean([throughput(sample) for sample in one]) == pytest.approx(RATE, rel=0.2)
    assert all(sample.scale_out == 1 for sample in one)
    assert all(0 < (sample.workers[0].cpu or 0) <= 1 for sample in one)
    # Commits come with checkpoints, one second apart here.
    assert all(0 <= (sample.lag or 0) < 10 * RATE for sample in one)
    assert all(sample.latency is not None and sample.latency < 10 for sample in one)
    uptimes = [sample.uptime or 0 for sample in one]
    assert uptimes[-1] - uptimes[0] == pytest.approx(8.0, abs=1.0)
    newest = seen.drafts[-1]
    assert (newest.input_partitions, newest.max_parallelism) == (jobs.INPUT_PARTITIONS, 12)
    assert newest.checkpoint_interval == 1.0

    await asyncio.to_thread(rest.rescale, stage.id, 2)
    two = await seen.until(whole(workers=2), count=5)
    assert all(sample.scale_out == 2 for sample in two)
    assert (two[0].uptime or 0) < 60
    # Half of the partitions each.
    assert all((worker.throughput or 0) > 0.2 * RATE for worker in two[-1].workers)

    await asyncio.to_thread(rest.send, "PATCH", f"/jobs/{stage.id}?mode=cancel")
    (gone,) = await seen.until(lambda sample: "scale_out" in sample.unknown)
    assert gone.scale_out is None
    assert "the job ysb does not run: it is CANCEL" in gone.unknown["scale_out"]
    assert gone.workload is not None

    await asyncio.to_thread(stage.start_job)
    (again,) = await seen.until(lambda sample: sample.scale_out == 1 and bool(sample.workers))
    assert {"worker." + again.workers[0].id + ".throughput"} <= again.unknown.keys()
    await seen.until(whole(workers=1))

    stage.manager.kill()
    (away,) = await seen.until(lambda sample: "scale_out" in sample.unknown)
    assert "cannot be reached" in away.unknown["scale_out"]
    assert away.workload is not None
