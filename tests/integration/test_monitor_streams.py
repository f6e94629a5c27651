"""Workers of a Kafka Streams job that come, hang, break and go, at real endpoints and by a list."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from daedalus_monitor.adapters.sources import Connections
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.inquiry import Inquiry
from daedalus_monitor.ports import EngineSource, SourceError, Sources
from daedalus_shared.credentials import Credentials
from daedalus_shared.job_spec import JobSpec, read_spec
from integration.test_monitor_http import NoOffsets
from integration.test_monitor_prometheus import running_prometheus, until

SAMPLE = 1.0
"""Seconds between two looks; a worker has 0.7 of it to answer."""


class Worker:
    """Reads 1,000 records/s from when it has partitions on, at half of its quota."""

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.began = time.monotonic()
        self.body: bytes | None = None
        self.hangs = False
        self.server: TestServer | None = None

    async def metrics(self, _: web.Request) -> web.Response:
        if self.hangs:
            await asyncio.sleep(10)
        if self.body is not None:
            return web.Response(body=self.body)
        passed = time.monotonic() - self.began
        lines = 1000 * passed if self.partitions else 0
        text = f"""\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total {0.1 * passed}
process_start_time_seconds 1767268800
daedalus_cpu_quota_cores 0.2
kafka_streams_state{{state="RUNNING"}} 1
kafka_streams_thread_process_total{{thread_id="t"}} {2 * lines}
kafka_streams_assigned_partitions{{topic="lines"}} {self.partitions}
kafka_streams_source_records_total{{topic="lines"}} {lines}
kafka_streams_e2e_latency_max_seconds{{sink="s"}} 0.25
"""
        return web.Response(text=text)

    @property
    def address(self) -> str:
        assert self.server is not None
        return f"{self.server.host}:{self.server.port}"


class Pool:
    """Starts and stops workers, and says in a file where they are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.workers: list[Worker] = []

    async def start(self, worker: Worker) -> Worker:
        app = web.Application()
        app.router.add_get("/metrics", worker.metrics)
        worker.server = TestServer(app)
        await worker.server.start_server()
        self.workers.append(worker)
        self.write()
        return worker

    async def stop(self, worker: Worker, listed: bool = False) -> None:
        assert worker.server is not None
        await worker.server.close()
        if not listed:
            self.workers.remove(worker)
            self.write()

    def write(self) -> None:
        for file in self.directory.glob("*.json"):
            file.unlink()
        for number, worker in enumerate(self.workers):
            groups = [{"targets": [worker.address], "labels": {"job": "wordcount"}}]
            (self.directory / f"{number}.json").write_text(json.dumps(groups))


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    found = Pool(tmp_path)
    yield found
    for worker in found.workers:
        await found.stop(worker, listed=True)


@pytest.fixture
async def connect() -> AsyncIterator[Connections]:
    found = Connections(Credentials(), 8)
    yield found
    await found.close()


def spec(place: str) -> JobSpec:
    return read_spec(f"""
job: wordcount
engine: {{kind: kafka-streams, metrics: ["{place}"]}}
input: {{bootstrap: "127.0.0.1:1", topics: [lines], group: wordcount}}
workers: {{kind: none}}
scale: {{max: 4}}
policy: {{sample: {SAMPLE}s, report: 3s}}
""")


def scraped(prometheus: str) -> JobSpec:
    told = spec("http://w:1").model_dump()
    told |= {"engine": {"kind": "kafka-streams"}, "metrics": {"prometheus": prometheus}}
    return JobSpec.model_validate(told)


def of(connect: Connections, place: str) -> EngineSource:
    (source,) = connect(spec(place)).engines
    return source


async def ask(source: EngineSource) -> EngineLook:
    return await source.look(Moment(datetime.now(UTC), time.monotonic()))


async def told(
    source: EngineSource, holds: Callable[[EngineLook], bool] = lambda _: True
) -> EngineLook:
    """Ask, again after a sample's time: on a busy machine a worker may answer too late."""

    async def look() -> EngineLook:
        return await ask(source)

    def right(found: object) -> bool:
        return isinstance(found, EngineLook) and holds(found)

    found = await until(look, right, every=SAMPLE)
    assert isinstance(found, EngineLook)
    return found


async def refused(source: EngineSource, why: str) -> None:
    """Ask until it is refused for this reason, and not because one was late."""

    async def look() -> EngineLook:
        return await ask(source)

    await until(look, lambda found: isinstance(found, SourceError) and why in str(found))


def busy(worker: WorkerLook, rel: float) -> bool:
    """Whether it is seen to do what `Worker` does; not on a busy machine that delayed a look."""
    reads = worker.throughput == pytest.approx(1000, rel=rel)
    return reads and worker.cpu == pytest.approx(0.5, rel=rel)


async def test_workers_are_read_as_they_come_and_go(pool: Pool, connect: Connections) -> None:
    source = of(connect, f"file://{pool.directory}/*.json")
    with pytest.raises(SourceError, match="no worker of wordcount is listed"):
        await ask(source)

    first = await pool.start(Worker())
    look = await told(
        source,
        lambda look: not isinstance(look.workers, Unknown) and busy(look.workers[0], rel=0.2),
    )
    assert (look.scale_out, look.latency) == (1, 0.25)
    assert not isinstance(look.workers, Unknown)
    assert look.workers[0].id == first.address

    second = await pool.start(Worker(partitions=0))
    await asyncio.sleep(SAMPLE)
    look = await told(source)
    assert look.scale_out == 2
    assert not isinstance(look.workers, Unknown)
    assert {worker.id: worker.throughput for worker in look.workers}[second.address] == 0.0

    await pool.stop(first)
    assert (await told(source)).scale_out == 1


async def test_one_worker_that_fails_leaves_the_look_unknown_and_is_named(
    pool: Pool, connect: Connections
) -> None:
    source = of(connect, f"file://{pool.directory}/*.json")
    await pool.start(Worker())
    odd = await pool.start(Worker())
    await told(source)

    odd.body = b"<html>"
    await refused(source, f"{odd.address}/metrics answered what is no Prometheus")
    odd.body = b"\xff\xfe"
    await refused(source, f"{odd.address}/metrics answered no text")

    odd.body, odd.hangs = None, True
    inquiry = Inquiry(Sources((source,), NoOffsets()))
    why = Unknown(
        f"1 of 2 workers do not tell: http://{odd.address}/metrics does not answer within 0.7 s"
    )

    async def look() -> EngineLook:
        now = Moment(datetime.now(UTC), time.monotonic())
        return (await inquiry.look(now, budget=5.0))[0]

    found = await until(look, lambda found: getattr(found, "scale_out", None) == why)
    assert isinstance(found, EngineLook)
    assert found.workers == why

    odd.hangs = False
    assert (await told(source)).scale_out == 2

    address = odd.address
    await pool.stop(odd, listed=True)
    await refused(source, f"{address}/metrics cannot be reached")
    pool.workers.remove(odd)


async def test_a_name_is_asked_at_its_addresses(pool: Pool, connect: Connections) -> None:
    worker = await pool.start(Worker())
    port = worker.address.rpartition(":")[2]

    look = await told(of(connect, f"http://localhost:{port}/metrics"))

    assert not isinstance(look.workers, Unknown)
    assert [found.id for found in look.workers] == [worker.address]

    with pytest.raises(SourceError, match=r"wordcount\.invalid has no address"):
        await ask(of(connect, f"http://wordcount.invalid:{port}/metrics"))


async def test_a_prometheus_that_scrapes_the_workers_tells_the_same(
    pool: Pool, connect: Connections, tmp_path: Path
) -> None:
    first, second = await pool.start(Worker()), await pool.start(Worker(partitions=0))
    with running_prometheus(tmp_path, first.address, second.address, job="wordcount") as url:
        (source,) = connect(scraped(url)).engines

        async def look() -> EngineLook:
            return await ask(source)

        def full(found: object) -> bool:
            if not isinstance(found, EngineLook) or isinstance(found.workers, Unknown):
                return False
            seen = {worker.id: worker for worker in found.workers}
            return (
                len(seen) == 2
                and not isinstance(seen[second.address].cpu, Unknown)
                and busy(seen[first.address], rel=0.3)
            )

        found = await until(look, full)
        assert isinstance(found, EngineLook)
        assert not isinstance(found.workers, Unknown)
        assert (found.scale_out, found.latency) == (2, 0.25)
        [idle] = [worker for worker in found.workers if worker.id == second.address]
        assert idle.throughput == 0.0

        second.body = b"<html>"
        why = f"Prometheus cannot scrape {second.address} of the job wordcount"
        await until(look, lambda found: isinstance(found, SourceError) and str(found) == why)
