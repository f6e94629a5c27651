"""Rescaling a real job on a real Flink cluster whose workers are a real pool."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.flink import FlinkTarget
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.pool_workers import PoolWorkers
from daedalus_executor.adapters.processes import Pool, PoolSettings, open_pool
from daedalus_executor.ports import NotOwnerError, Patience, TargetError
from daedalus_local import jobs, topics
from daedalus_local.flink import JobManager, running_jobmanager
from daedalus_local.kafka import running_kafka
from harness.fixtures import need_tools

pytestmark = [pytest.mark.flink, pytest.mark.timeout(600)]

JOB = jobs.JOBS["wordcount"]
PATIENCE = Patience(converge=120, register=180, release=60)


@dataclass
class Permits:
    """Grants everything until so many were granted."""

    left: int = 1000
    granted: list[bool] = field(default_factory=list)

    async def __call__(self, *, finishing: bool = False) -> None:
        if len(self.granted) >= self.left:
            raise NotOwnerError("taken over")
        self.granted.append(finishing)


@dataclass
class Cluster:
    """A JobManager, a pool, and a job of two workers."""

    manager: JobManager
    pool: Pool
    job: str

    def target(self) -> FlinkTarget:
        """Return a target that knows nothing from before, as after a restart."""
        clock = SystemClock()
        rest = FlinkRest(self.manager.url, clock, read=5.0, write=5.0)
        return FlinkTarget(rest, JOB.name, PoolWorkers(self.pool), PATIENCE, clock)

    def pid(self, worker: str) -> int:
        return int((self.pool._workers / worker / "stat").read_text().split()[0])

    def registered(self) -> set[str]:
        return set(self.manager.rest.workers())


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    need_tools("java", "javac", "mvn")
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        running_jobmanager(tmp_path / "flink") as flink,
    ):
        topics.create(kafka.bootstrap, [JOB])
        pool = open_pool(
            "wordcount",
            PoolSettings(
                command=tuple(flink.taskmanager_command()),
                directory=tmp_path / "pool",
                max_workers=4,
                cpu_quota=0.5,
                start_quota=2.0,
            ),
        )
        try:
            for _ in range(2):
                pool.start()
            rest = flink.rest
            await asyncio.to_thread(rest.wait_for_workers, 2, 180.0)
            job = await asyncio.to_thread(
                lambda: jobs.start(
                    rest, JOB, bootstrap=kafka.bootstrap, parallelism=2, cost=jobs.Cost()
                )
            )
            await asyncio.to_thread(rest.wait_until_running, job, 180.0)
            yield Cluster(flink, pool, job)
        finally:
            await pool.down()
            assert pool.workers() == ()


async def test_a_job_is_scaled_up_and_down_with_its_workers(cluster: Cluster) -> None:
    rest, pool = cluster.manager.rest, cluster.pool
    found = await cluster.target().read()
    assert (found.scale_out, found.running, found.most) == (2, True, 4)

    up = await cluster.target().scale(4, Permits())

    assert (up.scale_out, up.why) == (4, "")
    assert up.converged_at is not None
    assert up.downtime is not None
    assert 0 < up.downtime < PATIENCE.converge / 2
    assert rest.running_tasks(cluster.job) == (4, 0)
    assert len(pool.workers()) == 4

    down = await cluster.target().scale(2, Permits())

    assert (down.scale_out, down.why) == (2, "")
    assert down.downtime is not None
    assert 0 < down.downtime < PATIENCE.converge / 2
    assert len(pool.workers()) == 2
    assert (await cluster.target().read()).running
    # The workers that were stopped were none that the job used: it was not restarted again.
    await asyncio.sleep(8)
    assert rest.running_tasks(cluster.job) == (2, 0)
    # A worker that had to be killed is missed only after its heartbeats' time.
    deadline = time.monotonic() + 60
    while cluster.registered() != set(pool.workers()):
        assert time.monotonic() < deadline, f"{cluster.registered()}, not {pool.workers()}"
        await asyncio.sleep(0.5)
    print(f"downtime up {up.downtime:.2f} s, down {down.downtime:.2f} s")


async def test_what_a_crash_interrupts_is_resumed_and_not_done_twice(cluster: Cluster) -> None:
    target = cluster.target()
    with pytest.raises(NotOwnerError):
        await target.scale(3, Permits(left=1))  # the worker is started, then nothing
    assert len(cluster.pool.workers()) == 3
    assert cluster.manager.rest.running_tasks(cluster.job)[0] == 2

    resumed = await cluster.target().scale(3, Permits())
    assert resumed.scale_out == 3
    assert len(cluster.pool.workers()) == 3

    again = await cluster.target().scale(3, Permits())
    assert (again.scale_out, again.downtime) == (3, None)
    assert cluster.manager.rest.running_tasks(cluster.job) == (3, 0)


async def test_a_worker_that_cannot_start_leaves_the_job_running(
    cluster: Cluster, tmp_path: Path
) -> None:
    broken = open_pool(
        "broken",
        PoolSettings(
            command=("sh", "-c", "echo no such port for {worker}; exit 1"),
            directory=tmp_path / "broken",
            max_workers=4,
        ),
    )
    clock = SystemClock()
    rest = FlinkRest(cluster.manager.url, clock, read=5.0, write=5.0)
    target = FlinkTarget(rest, JOB.name, PoolWorkers(broken), PATIENCE, clock)
    try:
        with pytest.raises(TargetError, match="no such port for broken-0001"):
            await target.scale(3, Permits())
    finally:
        await broken.down()

    assert cluster.manager.rest.running_tasks(cluster.job) == (2, 0)


async def test_a_job_goes_on_with_the_workers_that_are_left(cluster: Cluster) -> None:
    """The lower bound of 1 in the requirements: a lost worker costs its share, not the job."""
    target = cluster.target()
    await target.scale(3, Permits())
    victim = cluster.pool.workers()[0]
    os.kill(cluster.pid(victim), signal.SIGKILL)

    for _ in range(480):
        await asyncio.sleep(0.5)
        found = await target.read()
        if found.running and found.scale_out == 2:
            break

    assert (found.scale_out, found.running) == (2, True)
    assert len(cluster.pool.workers()) == 2
