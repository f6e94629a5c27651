"""A real Prometheus that scrapes what looks like Flink's reporter."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from daedalus_local.ports import free_port
from daedalus_monitor.adapters.http import Http
from daedalus_monitor.adapters.prometheus import (
    LATENCY,
    Prometheus,
    PrometheusLatency,
    PrometheusSource,
)
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.ports import SourceError

LABELS = (
    'job_id="j1",job_name="my_job",task_id="t1",task_name="Source:_ads",'
    'task_attempt_id="a1",subtask_index="0",tm_id="tm_1"'
)


class Reporter:
    """Flink's Prometheus endpoint of one TaskManager and the JobManager."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.down = False
        self.cpu = "0.5"
        self.url = ""

    async def metrics(self, _: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=500)
        passed = time.monotonic() - self.began
        text = f"""\
# TYPE flink_taskmanager_job_task_numRecordsIn counter
flink_taskmanager_job_task_numRecordsIn{{{LABELS}}} {1000 * passed}
# TYPE flink_taskmanager_Status_JVM_CPU_Load gauge
flink_taskmanager_Status_JVM_CPU_Load{{tm_id="tm_1",host="h"}} {self.cpu}
# TYPE flink_jobmanager_job_uptime gauge
flink_jobmanager_job_uptime{{job_id="j1",job_name="my_job"}} {1000 * passed}
# TYPE flink_taskmanager_job_task_operator_currentEmitEventTimeLag gauge
flink_taskmanager_job_task_operator_currentEmitEventTimeLag{{{LABELS}}} 250
"""
        return web.Response(text=text)


@pytest.fixture
async def reporter() -> AsyncIterator[Reporter]:
    found = Reporter()
    app = web.Application()
    app.add_routes([web.get("/metrics", found.metrics)])
    async with TestServer(app) as server:
        found.url = f"{server.host}:{server.port}"
        yield found


@pytest.fixture
async def http(reporter: Reporter, tmp_path: Path) -> AsyncIterator[Http]:
    with running_prometheus(tmp_path, reporter.url) as url:
        async with ClientSession() as session:
            yield Http(session, url)


@contextmanager
def running_prometheus(directory: Path, *targets: str, job: str = "flink") -> Iterator[str]:
    """Run Prometheus (Debian's package will do) with the targets of a job, scraped each second."""
    program = os.environ.get("PROMETHEUS_BIN") or shutil.which("prometheus")
    if program is None:
        why = "needs prometheus on the PATH, or its path in PROMETHEUS_BIN"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    address = f"127.0.0.1:{free_port()}"
    config = directory / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: {job}, static_configs: [{{targets: {list(targets)}}}]}}]\n"
    )
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with subprocess.Popen(argv) as process:
        try:
            yield f"http://{address}"
        finally:
            process.terminate()


async def until(
    look: Callable[[], object], holds: Callable[[object], bool], every: float = 0.3
) -> object:
    """Look until something holds, for some minutes at most."""
    deadline = time.monotonic() + 240
    while True:
        try:
            found = await look()  # type: ignore[misc]  # an async function
        except SourceError as error:
            found = error
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(every)


def now() -> Moment:
    return Moment(datetime.now(UTC), time.monotonic())


async def test_reads_scrapes_and_notices_when_they_end(reporter: Reporter, http: Http) -> None:
    source = PrometheusSource(Prometheus(http), "my-job", sample=2.0)

    async def look() -> EngineLook:
        return await source.look(now())

    def full(found: object) -> bool:
        if not isinstance(found, EngineLook) or isinstance(found.workers, Unknown):
            return False
        # Of two points in time: a busy machine may have been late for one of them.
        return found.workers[0].throughput == pytest.approx(1000.0, rel=0.2)

    first = await until(look, full)
    assert isinstance(first, EngineLook)
    assert not isinstance(first.workers, Unknown)
    (worker,) = first.workers
    assert (worker.id, worker.cpu, first.scale_out, first.latency) == ("tm_1", 0.5, 1, 0.25)

    reporter.cpu = "NaN"

    def unknown_cpu(found: object) -> bool:
        if not isinstance(found, EngineLook) or isinstance(found.workers, Unknown):
            return False
        return isinstance(found.workers[0].cpu, Unknown)

    await until(look, unknown_cpu)

    reporter.down = True
    await until(
        look,
        lambda found: isinstance(found, SourceError) and "nothing newer than" in str(found),
    )


async def test_a_gap_is_told_and_passes(reporter: Reporter, http: Http) -> None:
    source = PrometheusSource(Prometheus(http), "my-job", sample=1.0)

    async def read() -> Reading[float]:
        look = await source.look(now())
        assert not isinstance(look.workers, Unknown)
        return look.workers[0].throughput

    async def until_known() -> None:
        await until(read, lambda found: isinstance(found, float))

    await until_known()
    for _ in range(5):  # the next scrape hides it: a busy machine may look too late
        reporter.down = True
        await until(read, lambda found: isinstance(found, SourceError))
        await asyncio.sleep(2)  # a gap that no scrape that failed once would leave
        reporter.down = False
        gap = await until(read, lambda found: not isinstance(found, SourceError))
        if isinstance(gap, Unknown):
            break
    assert isinstance(gap, Unknown)
    assert gap.why.startswith("Prometheus has a gap of ")
    await until_known()


async def test_a_job_that_is_scraped_twice_is_told(reporter: Reporter, tmp_path: Path) -> None:
    other = reporter.url.replace("127.0.0.1", "localhost")
    with running_prometheus(tmp_path, reporter.url, other) as url:
        async with ClientSession() as session:
            source = PrometheusSource(Prometheus(Http(session, url)), "my-job", sample=1.0)

            async def look() -> EngineLook:
                return await source.look(now())

            await until(look, lambda found: "is it scraped twice?" in str(found))

            latency = PrometheusLatency(Prometheus(Http(session, url)), LATENCY, sample=1.0)
            doubted = await latency.look(now())
            assert doubted == Unknown("Prometheus has 2 series of latency where one is expected")


async def test_reads_the_measure_of_the_job_file(reporter: Reporter, http: Http) -> None:
    query = "flink_taskmanager_job_task_operator_currentEmitEventTimeLag / 1000"
    source = PrometheusLatency(Prometheus(http), query, sample=2.0)

    async def look() -> Reading[float]:
        return await source.look(now())

    assert await until(look, lambda found: isinstance(found, float)) == 0.25

    wrong = PrometheusLatency(Prometheus(http), "no closing(bracket", sample=2.0)
    with pytest.raises(SourceError, match=r"answered 400: .*parse error"):
        await wrong.look(now())

    reporter.down = True
    gone = await until(look, lambda found: isinstance(found, Unknown))
    assert isinstance(gone, Unknown)
    assert gone.why.startswith("Prometheus")
