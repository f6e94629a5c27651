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

PATIENCE = 300.0
"""Seconds to wait for what takes some, unless the machine is busy."""

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

    async def until(
        self,
        holds: Callable[[Sample], bool],
        count: int = 1,
        *,
        since: int | None = None,
        together: Callable[[list[Sample]], bool] = bool,
    ) -> list[Sample]:
        """Return the first samples in a row for which something holds.

        Args:
            holds: Of each sample.
            count: How many.
            since: The first that may be among them; None means the next.
            together: Holds of all of them.
        """
        begun = len(self.samples) if since is None else since
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.samples[begun:]
            for end in range(count, len(found) + 1):
                row = found[end - count : end]
                if all(map(holds, row)) and together(row):
                    return row
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


def unknown(why: str) -> Callable[[Sample], bool]:
    """Whether Flink's part is unknown for this reason, and what arrives is known nevertheless."""
    return lambda sample: why in sample.unknown.get("scale_out", "") and sample.workload is not None


def mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def throughput(sample: Sample) -> float:
    return sum(worker.throughput or 0.0 for worker in sample.workers)


def steady(samples: list[Sample]) -> bool:
    """Whether what arrives and what is read is what is sent, as the mean over some seconds."""
    arriving = mean([sample.workload for sample in samples])
    read = mean([throughput(sample) for sample in samples])
    return arriving == pytest.approx(RATE, rel=0.1) and read == pytest.approx(RATE, rel=0.2)


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

    # A busy machine may hold the load up for a moment.
    one = await seen.until(whole(workers=1), count=5, together=steady)
    assert all(sample.scale_out == 1 for sample in one)
    assert all(0 < (sample.workers[0].cpu or 0) <= 1 for sample in one)
    # Commits come with checkpoints, one second apart here.
    assert all(0 <= (sample.lag or 0) < 10 * RATE for sample in one)
    assert all(sample.latency is not None and sample.latency < 10 for sample in one)
    passed = (one[-1].at - one[0].at).total_seconds()
    assert (one[-1].uptime or 0) - (one[0].uptime or 0) == pytest.approx(passed, abs=2.0)
    newest = seen.drafts[-1]
    assert (newest.input_partitions, newest.max_parallelism) == (jobs.INPUT_PARTITIONS, 12)
    assert newest.checkpoint_interval == 1.0

    asked = datetime.now(UTC)
    await asyncio.to_thread(rest.rescale, stage.id, 2)
    two = await seen.until(whole(workers=2), count=5)
    assert all(sample.scale_out == 2 for sample in two)
    assert two[0].uptime is not None
    # A look may begin and end two seconds after its time.
    assert two[0].uptime < (two[0].at - asked).total_seconds() + 4
    # Half of the partitions each.
    assert all((worker.throughput or 0) > 0.2 * RATE for worker in two[-1].workers)

    await asyncio.to_thread(rest.send, "PATCH", f"/jobs/{stage.id}?mode=cancel")
    (gone,) = await seen.until(unknown("the job ysb does not run: it is CANCEL"))
    assert gone.scale_out is None

    since = len(seen.samples)
    await asyncio.to_thread(stage.start_job)
    (again,) = await seen.until(
        lambda sample: sample.scale_out == 1 and bool(sample.workers), since=since
    )
    assert {"worker." + again.workers[0].id + ".throughput"} <= again.unknown.keys()
    await seen.until(whole(workers=1))

    stage.manager.kill()
    await seen.until(unknown("cannot be reached"))
