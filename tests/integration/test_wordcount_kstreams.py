"""The sample job on Kafka Streams: real workers of a real pool share a real broker's partitions."""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not all in its __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from daedalus_executor.adapters import worker_process
from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.kafka_streams import KafkaStreamsTarget
from daedalus_executor.adapters.pool_workers import PoolWorkers
from daedalus_executor.adapters.processes import Pool, open_pool, read_pools
from daedalus_executor.ports import Patience, TargetError
from daedalus_local import jobs, kstreams, topics, workers
from daedalus_local.kafka import running_kafka
from daedalus_local.load import records
from harness.fixtures import need_tools
from harness.rescaling import Permits

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

JOB = jobs.JOBS["wordcount-kstreams"]
REPARTITION = f"{JOB.name}-words-repartition"

NAMES = {
    "process_cpu_seconds_total",
    "process_start_time_seconds",
    "daedalus_cpu_quota_cores",
    "kafka_streams_state",
    "kafka_streams_thread_process_total",
    "kafka_streams_assigned_partitions",
    "kafka_streams_e2e_latency_avg_seconds",
    "kafka_streams_e2e_latency_max_seconds",
    "kafka_streams_source_records_total",
}
"""What the monitor's source for Kafka Streams reads."""

LEAVES = 25.0
"""Seconds in which a worker that is asked to go has gone, on a busy machine: 1 on an idle one."""

LONG = 60.0
"""Seconds of silence after which the broker would give up a worker that went without a word."""

SESSION = 10.0
"""The same as usual (kafka.py)."""

SLACK = 30.0
"""Seconds that the others may take, on a busy machine, to learn of it and take over: sooner than
by Kafka's own session of 45."""

PATIENCE = 300.0
"""Seconds to wait for what takes some, unless the machine is busy."""


@dataclass
class Group:
    """The job's workers and what they work on."""

    bootstrap: str
    directory: Path
    pool: Pool

    def scrape(self, worker: str) -> dict[str, float]:
        """Return a worker's series by name and labels; none when it does not answer."""
        address = kstreams.endpoints(self.directory).get(worker)
        text = None
        for _ in range(3):  # one answer may take too long on a busy machine
            text = text or (kstreams.scrape(address) if address else None)
        lines = [line for line in (text or "").splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def assigned(self, worker: str) -> tuple[int, int]:
        """Return how many partitions of the input and of the repartition topic a worker has."""
        found = self.scrape(worker)
        name = 'kafka_streams_assigned_partitions{{topic="{}"}}'
        lines, words = (found.get(name.format(topic), 0) for topic in (JOB.input, REPARTITION))
        return int(lines), int(words)

    def read(self, topic: str, *workers: str) -> float:
        """Return how many records of a topic these workers have read together."""
        name = f'kafka_streams_source_records_total{{topic="{topic}"}}'
        return sum(self.scrape(worker).get(name, 0) for worker in workers)

    def session(self, seconds: float) -> None:
        """Let the broker give up workers of the group after so many seconds of silence."""
        entry = ConfigEntry(
            "streams.session.timeout.ms",
            f"{1000 * seconds:.0f}",
            incremental_operation=AlterConfigOpType.SET,
        )
        group = ConfigResource(ResourceType.GROUP, JOB.name, incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.incremental_alter_configs([group])[group].result()

    def identity(self, worker: str) -> worker_process.Identity | None:
        return worker_process.registered(self.directory / "workers" / worker)

    def signal(self, worker: str, number: signal.Signals) -> Callable[[], bool]:
        """Send a signal; what is returned tells whether the process is gone."""
        identity = self.identity(worker)
        assert identity is not None
        os.kill(identity.pid, number)
        return lambda: not worker_process.alive(identity)

    def send(self, count: int) -> int:
        """Send lines evenly over all partitions; return how many words are in them."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 20})
        end = records.stamp(time.time_ns() // 1_000_000)
        words = 0
        for number, prefix in enumerate(islice(records.prefixes(JOB.records, 1), count)):
            producer.produce(JOB.input, prefix + end, partition=number % jobs.INPUT_PARTITIONS)
            words += len(json.loads(prefix + end)["line"].split())
        assert producer.flush(60) == 0
        return words


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    """A broker and an empty pool of workers, all of this test alone."""
    need_tools("java", "javac", "mvn")
    directory, file = tmp_path / "pool", tmp_path / "pools.json"
    with running_kafka(tmp_path / "kafka") as kafka:
        topics.create(kafka.bootstrap, [JOB])
        command = kstreams.command(
            JOB, bootstrap=kafka.bootstrap, directory=directory, cost=jobs.Cost(), quota=1.0
        )
        limits = workers.Limits(max_workers=3, quota=1.0)
        workers.write_pools(file, JOB.name, command, directory=directory, env={}, limits=limits)
        pool = open_pool(JOB.name, read_pools(file)[JOB.name])
        try:
            yield Group(kafka.bootstrap, directory, pool)
        finally:
            await pool.down()


async def test_workers_share_the_work_and_leave_it_to_each_other(group: Group) -> None:
    """A join, a leave and a kill, in one test: it takes most of its time to start a broker."""
    half, whole = jobs.INPUT_PARTITIONS // 2, jobs.INPUT_PARTITIONS
    running = 'kafka_streams_state{state="RUNNING"}'
    group.session(LONG)
    first, second = group.pool.start(), group.pool.start()
    wait(lambda: group.assigned(first) == group.assigned(second) == (half, half), "a fair share")

    words = group.send(2000)
    wait(lambda: counted(group) == words, "all words to be counted")
    wait(lambda: named(group.scrape(first)) == NAMES, "all metrics")
    wait(lambda: group.scrape(first).get(running) == 1, "the first worker to say that it runs")
    wait(lambda: group.read(JOB.input, first, second) == 2000, "all lines to be told of")
    wait(lambda: group.read(REPARTITION, first, second) == words, "all words to be told of")

    gone = group.signal(first, signal.SIGTERM)
    wait(gone, "the first worker to end", LEAVES)
    assert list(kstreams.endpoints(group.directory)) == [second]
    # Sooner than its session ends: it has said that it leaves.
    wait(lambda: group.assigned(second) == (whole, whole), "all of it", LONG - LEAVES)

    group.session(SESSION)
    third = group.pool.start()
    wait(lambda: group.assigned(third) == (half, half), "a fair share")
    gone = group.signal(second, signal.SIGKILL)
    wait(gone, "the second worker to be killed")
    wait(lambda: group.assigned(third) == (whole, whole), "all of it", SESSION + SLACK)
    assert group.pool.workers() == (third,)
    assert list(kstreams.endpoints(group.directory)) == [third]


async def test_the_executor_waits_for_workers_that_share_the_work(group: Group) -> None:
    half, whole = jobs.INPUT_PARTITIONS // 2, jobs.INPUT_PARTITIONS
    target = KafkaStreamsTarget(PoolWorkers(group.pool), Patience(converge=240), SystemClock())
    assert not (await target.read()).running
    first = group.pool.start()
    kstreams.wait_until_running(group.directory, 1, PATIENCE)
    wait(lambda: group.assigned(first) == (whole, whole), "all of it")

    up = await target.scale(2, Permits())

    assert (up.scale_out, up.why) == (2, "")
    assert up.converged_at is not None
    first, second = group.pool.workers()
    assert group.assigned(first) == group.assigned(second) == (half, half)

    coming = asyncio.create_task(target.scale(3, Permits()))
    async with asyncio.timeout(PATIENCE):
        while True:
            running = group.pool.workers()
            if len(running) == 3 and group.identity(running[2]) is not None:
                break
            await asyncio.sleep(0.05)
    third = running[2]  # it is warming up
    group.signal(third, signal.SIGKILL)
    with pytest.raises(TargetError, match=f"worker {third} ended while the job was rescaled"):
        await coming
    assert group.pool.workers() == (first, second)

    down = await target.scale(1, Permits())

    assert (down.scale_out, down.why) == (1, "")
    assert down.downtime is not None
    assert group.pool.workers() == (first,)
    assert group.assigned(first) == (whole, whole)


def named(series: dict[str, float]) -> set[str]:
    return {re.sub(r"\{.*", "", name) for name in series}


def counted(group: Group) -> int:
    """Return how many words the output has counted, by the newest row of each."""
    return sum({row["word"]: row["seen"] for row in output(group.bootstrap)}.values())


def output(bootstrap: str) -> Iterator[dict[str, int]]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False}
    )
    partitions = [TopicPartition(JOB.output, each, 0) for each in range(jobs.OUTPUT_PARTITIONS)]
    consumer.assign(partitions)
    ends = sum(consumer.get_watermark_offsets(each)[1] for each in partitions)
    try:
        for _ in range(ends):
            message = consumer.poll(60)
            assert message is not None
            yield json.loads(message.value() or b"{}")
    finally:
        consumer.close()


def wait(what: Callable[[], bool], name: str, patience: float = PATIENCE) -> None:
    """Wait, and print how many seconds it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() < began + patience, f"waited {patience:g} s for {name}"
        time.sleep(0.05)
    print(f"{name}: {time.monotonic() - began:.2f} s")
