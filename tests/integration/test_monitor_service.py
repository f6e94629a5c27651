"""The monitor as a process on a real broker: killed, doubled, and with a source that hangs."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from daedalus_shared.events import Declaration, Forget, JobMetrics, Knowledge
from daedalus_shared.job_spec import JobSpec, read_spec
from daedalus_shared.ticks import next_end
from harness.broker import Broker, Tap
from harness.replicas import Replica, running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

LOOP = 4.0

PATIENCE = 300.0
"""Seconds to wait for what takes some loops, unless the machine is busy."""

JOBS = [f"job-{number}" for number in range(20)]


class Engines:
    """A JobManager that answers, and one that takes requests and never does."""

    def __init__(self) -> None:
        self.good = ""
        self.hanging = ""


@pytest.fixture
async def engines() -> AsyncIterator[Engines]:
    async def overview(_: web.Request) -> web.Response:
        jobs = [{"jid": name, "name": name, "state": "RUNNING"} for name in JOBS]
        return web.json_response({"jobs": jobs})

    async def job(_: web.Request) -> web.Response:
        vertex = {"id": "v", "name": "Source: a", "parallelism": 3, "maxParallelism": 12}
        return web.json_response({"vertices": [vertex]})

    async def vertex(_: web.Request) -> web.Response:
        return web.json_response({"id": "v", "subtasks": []})

    async def metrics(_: web.Request) -> web.Response:
        return web.json_response([])

    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    good, hanging = web.Application(), web.Application()
    good.add_routes(
        [
            web.get("/jobs/overview", overview),
            web.get("/jobs/{job}", job),
            web.get("/jobs/{job}/vertices/v", vertex),
            web.get("/jobs/{job}/vertices/v/metrics", metrics),
        ]
    )
    hanging.router.add_route("*", "/{path:.*}", hang)
    async with TestServer(good) as one, TestServer(hanging) as other:
        found = Engines()
        found.good, found.hanging = str(one.make_url("/")), str(other.make_url("/"))
        yield found


def spec(job: str, rest: str, broker: Broker) -> JobSpec:
    return read_spec(f"""
job: {job}
engine: {{kind: flink, rest: "{rest}"}}
input: {{bootstrap: "{broker.bootstrap}", topics: [daedalus.metrics], group: {job}}}
workers: {{kind: none}}
scale: {{max: 4}}
policy: {{sample: 1s, report: 2s, loop: {LOOP}s, forecast_grace: 1s}}
""")


def declare(broker: Broker, job: str, rest: str) -> None:
    at = datetime.now(UTC) - timedelta(seconds=5)
    broker.send(Declaration(job=job, at=at, source="console/x", spec=spec(job, rest, broker)))
    broker.flush()


def monitor(name: str, broker: Broker, directory: Path) -> Replica:
    environment = {
        "MONITOR_BOOTSTRAP": broker.bootstrap,
        "MONITOR_SESSION_TIMEOUT": "3",
    }
    return Replica(name, ["-m", "daedalus_monitor"], environment, directory)


def reports(tap: Tap) -> dict[str, list[JobMetrics]]:
    found = defaultdict(list)
    for each in tap.found:
        if isinstance(each.event, JobMetrics):
            found[each.event.job].append(each.event)
    return found


def ticks(tap: Tap, job: str) -> list[datetime]:
    return [report.tick for report in reports(tap)[job] if report.tick is not None]


async def until_ticks(tap: Tap, jobs: list[str], count: int) -> None:
    """Read until each job has `count` more ticks."""
    before = {job: len(ticks(tap, job)) for job in jobs}

    def done() -> bool:
        return all(len(ticks(tap, job)) - before[job] >= count for job in jobs)

    assert await asyncio.to_thread(tap.until, done, PATIENCE), "the monitor reports no ticks"


def check(tap: Tap, job: str) -> None:
    """No report twice, none that overlaps, and ticks where they end and nowhere else."""
    found = reports(tap)[job]
    ats = [report.at for report in found]
    assert all(earlier < later for earlier, later in pairwise(ats))
    samples = [sample.at for report in found for sample in report.samples]
    assert all(earlier < later for earlier, later in pairwise(samples))
    for earlier, later in pairwise(found):
        assert all(earlier.at < sample.at <= later.at for sample in later.samples)
    for report in found:
        end = next_end(job, LOOP, report.at - timedelta(seconds=0.1))
        assert report.tick == (end if end == report.at else None)


async def test_a_hanging_source_holds_nobody_up_and_a_forgotten_job_leaves_nothing(
    broker: Broker, engines: Engines, tmp_path: Path
) -> None:
    # More jobs on the hanging host than connections to it.
    slow = [f"slow-{number}" for number in range(40)]
    for job in JOBS:
        declare(broker, job, engines.good)
    for job in slow:
        declare(broker, job, engines.hanging)
    tap = broker.tap(JobMetrics, Knowledge)
    with running(monitor("one", broker, tmp_path)):
        await until_ticks(tap, [*JOBS, *slow], 3)

        forgotten = JOBS[0]
        broker.send(Forget(job=forgotten, at=datetime.now(UTC), source="console/x", author="me"))
        broker.flush()
        await until_ticks(tap, JOBS[1:], 3)

        def silent() -> bool:
            found = reports(tap)
            others = min(found[job][-1].at for job in JOBS[1:])
            return found[forgotten][-1].at < others - timedelta(seconds=LOOP)

        assert await asyncio.to_thread(tap.until, silent, PATIENCE), "it is reported on"
        told = len(reports(tap)[forgotten])
        await until_ticks(tap, JOBS[1:], 2)
        assert len(reports(tap)[forgotten]) == told, "it is reported on again"
    tap.close()

    for job in [*JOBS, *slow]:
        check(tap, job)
    late = [
        each.written_at - each.event.at.timestamp()
        for each in tap.found
        if isinstance(each.event, JobMetrics) and each.event.job in JOBS and each.event.tick
    ]
    print(
        f"ticks come {sorted(late)[len(late) // 2]:.3f} s after their end, {max(late):.3f} at most"
    )
    samples = [sample for report in reports(tap)[slow[0]] for sample in report.samples]
    assert samples[-1].scale_out is None
    assert samples[-1].unknown["scale_out"].startswith("no answer within")
    # Not each one: on a busy machine Kafka may answer too late as well.
    assert any(sample.scale_out is None and sample.workload is not None for sample in samples)
