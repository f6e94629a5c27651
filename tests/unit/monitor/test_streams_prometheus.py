"""A Kafka Streams job from the scrapes of a Prometheus."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter

from daedalus_monitor.adapters.prometheus import Prometheus
from daedalus_monitor.adapters.streams_prometheus import StreamsPrometheusSource
from daedalus_monitor.domain.counters import FIRST, Moment
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.domain.scrapes import (
    ASSIGNED,
    CONSUMED,
    CPU,
    LATENCIES,
    PROCESSED,
    QUOTA,
    STARTED,
    STATE,
)
from daedalus_monitor.ports import SourceError
from daedalus_shared.job_spec import read_spec

T = TypeVar("T")

NOW = Moment(datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0)
AT = NOW.wall.timestamp()
SPEC = read_spec("""
job: wordcount
engine: {kind: kafka-streams, name: 'the "count"'}
input: {bootstrap: "127.0.0.1:1", topics: [lines], group: wordcount}
metrics: {prometheus: "http://prometheus:9090"}
workers: {kind: none}
scale: {max: 4}
""")


class Server:
    """A Prometheus that scraped workers some seconds ago."""

    url = "http://prometheus:9090"

    def __init__(self) -> None:
        self.series: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
        self.query = ""

    def point(self, name: str, worker: str, ago: float, value: object, label: str = "") -> None:
        self.series.setdefault((name, worker, label), []).append((AT - ago, str(value)))

    def scrape(self, worker: str, ago: float, lines: int, **changes: object) -> None:
        values: dict[str, object] = {
            "up": 1,
            CPU: 100.0 - 0.125 * ago,
            QUOTA: 0.25,
            STARTED: AT - 600,
            PROCESSED: 2 * lines,
            LATENCIES[0]: 0.5,
        }
        values |= {name: changes[name] for name in values if name in changes}
        for name, value in values.items():
            if value is not None:
                self.point(name, worker, ago, value)
        self.point(STATE, worker, ago, 1, str(changes.get("state", "RUNNING")))
        self.point(ASSIGNED, worker, ago, changes.get("partitions", 3), "lines")
        self.point(CONSUMED, worker, ago, lines, "lines")

    async def get(
        self, path: str, answer: TypeAdapter[T], params: Mapping[str, str] | None = None
    ) -> T:
        assert params is not None
        self.query = params["query"]
        result: list[dict[str, Any]] = []
        for (name, worker, label), values in self.series.items():
            labels = {"__name__": name, "job": "wordcount", "instance": worker}
            if label:
                labels["state" if name == STATE else "topic"] = label
            result.append({"metric": labels, "values": values})
        data = {"resultType": "matrix", "result": result}
        return answer.validate_python({"status": "success", "data": data})


@pytest.fixture
def server() -> Server:
    """Two workers, scraped each 5 s, the last time at once and 1 s ago."""
    found = Server()
    for ago, lines in ((10, 0), (5, 500), (0, 1000)):
        found.scrape("w1:9401", ago, lines)
        found.scrape("w2:9401", ago + 1, 2 * lines)
    return found


@pytest.fixture
def source(server: Server) -> StreamsPrometheusSource:
    return StreamsPrometheusSource(Prometheus(server), SPEC)  # type: ignore[arg-type]  # a hand-made client


def workers(look: EngineLook) -> tuple[WorkerLook, ...]:
    assert not isinstance(look.workers, Unknown)
    return look.workers


async def test_reads_every_signal(server: Server, source: StreamsPrometheusSource) -> None:
    look = await source.look(NOW)

    since = NOW.wall - timedelta(seconds=600)
    assert (look.scale_out, look.uptime, look.latency) == (2, 0.0, 0.5)
    assert workers(look) == (
        WorkerLook("w1:9401", 0.5, 100.0, since),
        WorkerLook("w2:9401", 0.5, 200.0, since),
    )
    assert server.query.startswith('{job="the \\"count\\"",__name__=~"up|process_')
    assert server.query.endswith('"}[150s]')

    later = Moment(NOW.wall + timedelta(seconds=5), 5.0)
    assert (await source.look(later)).uptime == 5.0


async def test_a_new_worker_warms_up(server: Server, source: StreamsPrometheusSource) -> None:
    server.scrape("w3:9401", 0, 0, partitions=0)

    look = await source.look(NOW)

    assert look.scale_out == 3
    assert workers(look)[2].throughput == 0.0
    assert workers(look)[2].cpu == FIRST


async def test_a_worker_that_left_is_listed_no_more(
    server: Server, source: StreamsPrometheusSource
) -> None:
    for ago in (45, 40):
        server.scrape("w0:9401", ago, 7)

    assert (await source.look(NOW)).scale_out == 2


async def test_a_restart_is_told_where_the_counter_does_not_show_it(
    server: Server, source: StreamsPrometheusSource
) -> None:
    for ago, started, lines in ((10, 600, 1), (5, 600, 2), (0, 3, 900)):
        server.scrape("w3:9401", ago, lines, **{STARTED: AT - started})

    worker = workers(await source.look(NOW))[2]

    assert worker.throughput == Unknown("restarted since the last look")


async def test_a_scrape_that_failed_is_passed_over(
    server: Server, source: StreamsPrometheusSource
) -> None:
    server.scrape("w3:9401", 15, 0)
    server.point("up", "w3:9401", 5, 0)
    server.scrape("w3:9401", 0, 1500)

    assert workers(await source.look(NOW))[2].throughput == 100.0


@pytest.mark.parametrize(
    ("points", "why"),
    [
        pytest.param([(5, 1), (0, 0)], "cannot scrape w3:9401", id="the last scrape failed"),
        pytest.param([(5, 1), (0, 1)], "w3:9401: the worker does not tell", id="tells nothing"),
    ],
)
async def test_a_worker_that_does_not_tell_leaves_the_look_unknown(
    server: Server, source: StreamsPrometheusSource, points: list[tuple[float, int]], why: str
) -> None:
    for ago, value in points:
        server.point("up", "w3:9401", ago, value)

    with pytest.raises(SourceError, match=why):
        await source.look(NOW)


async def test_a_worker_that_is_scraped_twice_is_told(
    server: Server, source: StreamsPrometheusSource
) -> None:
    for ago in (5, 0):
        server.point("up", "w1:9401", ago, 1, "twin")

    with pytest.raises(SourceError, match="two series of w1:9401"):
        await source.look(NOW)


async def test_a_job_that_is_not_scraped_is_told(
    server: Server, source: StreamsPrometheusSource
) -> None:
    server.series.clear()
    with pytest.raises(SourceError, match='has nothing of the job the "count"'):
        await source.look(NOW)

    server.scrape("w1:9401", 100, 5)
    server.scrape("w1:9401", 95, 5)
    with pytest.raises(SourceError, match="nothing newer than 95 s"):
        await source.look(NOW)
