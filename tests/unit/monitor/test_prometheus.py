"""A Flink job from the scrapes of its Prometheus reporter."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter

from daedalus_monitor.adapters.prometheus import (
    CPU,
    LATENCY,
    READ,
    UPTIME,
    Prometheus,
    PrometheusLatency,
    PrometheusSource,
)
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import WorkerLook
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.ports import SourceError

T = TypeVar("T")

NOW = Moment(datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0)
AT = NOW.wall.timestamp()


def found(labels: Mapping[str, str], *points: tuple[float, object]) -> dict[str, Any]:
    """A series of points as (seconds ago, value)."""
    return {"metric": dict(labels), "values": [[AT - ago, str(value)] for ago, value in points]}


def task(
    name: str = "Source:_ads", subtask: int = 0, job: str = "j1", attempt: str = "a0"
) -> dict[str, str]:
    return {
        "job_id": job,
        "job_name": "my_job",
        "task_id": f"id-of-{name}",
        "task_name": name,
        "task_attempt_id": f"{attempt}-{name}-{subtask}",
        "subtask_index": str(subtask),
        "tm_id": f"tm_{subtask}",
    }


class Server:
    """Answers by the name at the begin of a query."""

    url = "http://prometheus:9090"

    def __init__(self) -> None:
        self.queries: list[str] = []
        reads = [
            found(task(subtask=number), (10, 0), (5, 5000), (0, 10_000)) for number in range(2)
        ]
        counts = [found(task("Window", 1), (10, 0), (5, 50), (0, 100))]
        self.answers: dict[str, list[dict[str, Any]]] = {
            READ: reads + counts,
            CPU: [
                found({"tm_id": "tm_0"}, (10, 0.9), (4, 0.2), (1, 0.4)),
                found({"tm_id": "tm_1"}, (10, 0.9), (4, 0.5), (1, 0.5)),
            ],
            UPTIME: [found({"job_id": "j1"}, (5, 60_000), (0, 65_000))],
            LATENCY: [found(task(subtask=number), (5, 1), (0, 400)) for number in range(2)],
        }

    async def get(
        self, path: str, answer: TypeAdapter[T], params: Mapping[str, str] | None = None
    ) -> T:
        assert params is not None
        query = params["query"]
        self.queries.append(query)
        result = self.answers.get(query.partition("{")[0].partition("[")[0], [])
        data = {"resultType": "matrix", "result": result}
        return answer.validate_python({"status": "success", "data": data})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def source(server: Server) -> PrometheusSource:
    return PrometheusSource(Prometheus(server), "my-job", sample=5.0)  # type: ignore[arg-type]  # a hand-made client


async def test_reads_every_signal_that_flinks_reporter_has(
    server: Server, source: PrometheusSource
) -> None:
    look = await source.look(NOW)

    assert look.scale_out == 2
    assert look.uptime == 65.0
    assert look.latency == 0.4
    assert not isinstance(look.workers, Unknown)
    assert [worker.id for worker in look.workers] == ["tm_0", "tm_1"]
    assert [worker.cpu for worker in look.workers] == pytest.approx([0.3, 0.5])
    assert [worker.throughput for worker in look.workers] == pytest.approx([1000.0, 1000.0])
    assert isinstance(look.max_parallelism, Unknown)
    assert server.queries[0] == READ + '{job_name="my_job"}[150s]', "as the reporter writes it"
    assert server.queries[1] == CPU + '{tm_id=~"tm_0|tm_1"}[150s]'


async def test_the_end_of_a_subtask_is_not_the_begin_of_a_twin(
    server: Server, source: PrometheusSource
) -> None:
    ended = found(task(subtask=0, attempt="old"), (14, 1), (9, 2))
    server.answers[READ].append(ended)

    look = await source.look(NOW)

    assert look.scale_out == 2
    assert not isinstance(look.workers, Unknown)
    assert look.workers[0].throughput == pytest.approx(1000.0)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param([], "has nothing of the job my-job", id="never heard of it"),
        pytest.param(
            [found(task(), (50, 1), (45, 2))], "nothing newer than 45 s", id="scrapes have ended"
        ),
        pytest.param(
            [found(task(), (5, 1), (0, 2)), found(task(job="j2"), (5, 1), (0, 2))],
            "2 jobs named my-job",
            id="two jobs of a name",
        ),
        pytest.param(
            [found(task(), (5, 1), (0, 2)), found(task() | {"instance": "b"}, (5, 1), (0, 2))],
            "scraped twice",
            id="two series where one is expected",
        ),
    ],
)
async def test_what_is_not_one_job_is_told_why(
    server: Server, source: PrometheusSource, series: list[dict[str, Any]], expected: str
) -> None:
    server.answers[READ] = series

    with pytest.raises(SourceError, match=expected):
        await source.look(NOW)


async def test_a_worker_without_a_part_of_a_source_has_no_throughput(
    server: Server, source: PrometheusSource
) -> None:
    server.answers[READ].append(found(task("Window", 7), (5, 1), (0, 2)))
    server.answers[CPU] = []

    look = await source.look(NOW)

    assert not isinstance(look.workers, Unknown)
    assert look.workers[-1] == WorkerLook(
        "tm_7",
        Unknown("Prometheus has no CPU of tm_7"),
        Unknown("no subtask of a source runs on it"),
    )


async def test_what_is_there_twice_or_has_a_gap_is_unknown_by_itself(
    server: Server, source: PrometheusSource
) -> None:
    """One signal in doubt leaves the others as they are."""
    twice = found({"tm_id": "tm_0"}, (5, 0.3), (0, 0.3))
    server.answers[CPU] = [twice, twice | {"metric": {"tm_id": "tm_0", "instance": "b"}}]
    server.answers[UPTIME] *= 2
    server.answers[READ] = [
        found(task(subtask=0), (80, 0), (75, 5000), (70, 10_000), (0, 90_000)),
        found(task(subtask=1), (10, 0), (5, 5000), (0, 10_000)),
    ]

    look = await source.look(NOW)

    assert look.uptime == Unknown("Prometheus has 2 series of uptime where one is expected")
    assert look.workers == (
        WorkerLook(
            "tm_0",
            Unknown("Prometheus has 2 series of CPU of tm_0 where one is expected"),
            Unknown("Prometheus has a gap of 70 s in the source's count"),
        ),
        WorkerLook("tm_1", Unknown("Prometheus has no CPU of tm_1"), 1000.0),
    )
    assert look.scale_out == 2
    assert look.latency == 0.4


async def test_nan_is_unknown(server: Server, source: PrometheusSource) -> None:
    server.answers[UPTIME] = [found({}, (5, 1), (0, "NaN"))]
    server.answers[LATENCY] = [found(task(), (5, 1), (0, "NaN"))]
    server.answers[CPU] = [found({"tm_id": "tm_0"}, (4, "NaN"), (1, 0.4))]

    look = await source.look(NOW)

    assert not isinstance(look.workers, Unknown)
    assert isinstance(look.uptime, Unknown)
    assert isinstance(look.latency, Unknown)
    assert isinstance(look.workers[0].cpu, Unknown)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param([found({}, (10, 1), (5, 1), (0, 0.7))], 0.7, id="fresh"),
        pytest.param([], "has no latency", id="nothing"),
        pytest.param([found({}, (15, 1), (10, 0.7))], "is 10 s old", id="a gap at the end"),
        pytest.param([found({}, (5, 1), (0, "NaN"))], "not a number", id="nothing by nothing"),
        pytest.param(
            [found({"a": "1"}, (5, 1), (0, 1)), found({"a": "2"}, (5, 1), (0, 1))],
            "2 series of latency where one is expected",
            id="two series",
        ),
    ],
)
async def test_the_measure_of_the_job_file(
    server: Server, series: list[dict[str, Any]], expected: float | str
) -> None:
    server.answers["p95"] = series
    source = PrometheusLatency(Prometheus(server), "p95", sample=5.0)  # type: ignore[arg-type]  # a hand-made client

    value = await source.look(NOW)

    if isinstance(expected, str):
        assert isinstance(value, Unknown)
        assert expected in value.why
    else:
        assert value == expected
