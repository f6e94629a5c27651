"""A Kafka Streams job from its workers' own endpoints: they come, answer, fall silent and go."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from daedalus_monitor.adapters.kafka_streams import StreamsSource
from daedalus_monitor.adapters.targets import Target
from daedalus_monitor.domain.counters import FIRST, Moment
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.ports import SourceError
from daedalus_shared.job_spec import read_spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPEC = read_spec("""
job: wordcount
engine: {kind: kafka-streams, metrics: ["http://wordcount:9401/metrics"]}
input: {bootstrap: "127.0.0.1:1", topics: [lines], group: wordcount}
workers: {kind: none}
scale: {max: 4}
""")


@dataclass
class Worker:
    """A process that tells its metrics."""

    lines: int = 0
    partitions: int = 2
    cpu: float = 1.0
    quota: str = "daedalus_cpu_quota_cores 0.5"
    state: str = "RUNNING"
    late: float = 0.0
    """Seconds that it takes to answer."""

    def text(self) -> str:
        return f"""\
process_cpu_seconds_total {self.cpu}
process_start_time_seconds {NOON.timestamp() - 60}
{self.quota}
kafka_streams_state{{state="{self.state}"}} 1
kafka_streams_thread_process_total{{thread_id="1"}} {2 * self.lines}
kafka_streams_assigned_partitions{{topic="lines"}} {self.partitions}
kafka_streams_source_records_total{{topic="lines"}} {self.lines}
kafka_streams_e2e_latency_max_seconds 0.25
"""


@dataclass
class Pool:
    """Workers at endpoints, and a clock that turns while they answer."""

    workers: dict[str, Worker | str | SourceError] = field(default_factory=dict)
    seconds: float = 0.0

    async def find(self) -> list[Target]:
        if not self.workers:
            raise SourceError("no worker of wordcount is listed in http://wordcount:9401/metrics")
        return [Target(name, f"http://{name}") for name in self.workers]

    async def ask(self, target: Target) -> str:
        found = self.workers[target.id]
        if isinstance(found, SourceError):
            raise found
        if isinstance(found, str):
            return found
        self.seconds += found.late
        return found.text()

    def steady(self) -> float:
        return self.seconds

    def worker(self, name: str) -> Worker:
        found = self.workers[name]
        assert isinstance(found, Worker)
        return found


class Scene:
    def __init__(self, **workers: Worker) -> None:
        self.pool = Pool(dict(workers))
        self.source = StreamsSource(
            self.pool, self.pool.ask, SPEC, patience=0.05, steady=self.pool.steady
        )

    async def look(self, at: float) -> EngineLook:
        self.pool.seconds = at
        return await self.source.look(Moment(NOON + timedelta(seconds=at), at))


def workers(look: EngineLook) -> tuple[WorkerLook, ...]:
    assert not isinstance(look.workers, Unknown)
    return look.workers


async def test_reads_every_signal() -> None:
    scene = Scene(a=Worker(lines=100), b=Worker(lines=200))
    await scene.look(0)
    for worker in (scene.pool.worker("a"), scene.pool.worker("b")):
        worker.lines += 500
        worker.cpu += 1.25

    look = await scene.look(5)

    since = NOON - timedelta(seconds=60)
    assert (look.scale_out, look.uptime, look.latency) == (2, 5.0, 0.25)
    assert workers(look) == (
        WorkerLook("a", 0.5, 100.0, since),
        WorkerLook("b", 0.5, 100.0, since),
    )


async def test_a_worker_that_answers_late_is_counted_until_then() -> None:
    scene = Scene(a=Worker())
    await scene.look(0)
    scene.pool.workers["a"] = Worker(lines=600, cpu=2.5, late=1.0)

    (worker,) = workers(await scene.look(5))

    assert (worker.throughput, worker.cpu) == (100.0, 0.5)


async def test_a_new_worker_is_listed_and_warms_up() -> None:
    scene = Scene(a=Worker(lines=100))
    await scene.look(0)
    scene.pool.worker("a").lines += 500
    scene.pool.workers["b"] = Worker(partitions=0)

    look = await scene.look(5)

    assert (look.scale_out, look.uptime) == (2, 0.0)
    assert [worker.throughput for worker in workers(look)] == [100.0, 0.0]
    assert workers(look)[1].cpu == FIRST

    scene.pool.workers["b"] = Worker(lines=250)
    assert [worker.throughput for worker in workers(await scene.look(10))] == [0.0, 50.0]


async def test_a_worker_that_leaves_is_listed_no_more() -> None:
    scene = Scene(a=Worker(), b=Worker(state="PENDING_SHUTDOWN"))
    assert (await scene.look(0)).scale_out == 1

    del scene.pool.workers["b"]
    look = await scene.look(5)

    assert (look.scale_out, look.uptime) == (1, 5.0)


async def test_during_a_rebalance_the_job_has_workers_and_no_uptime() -> None:
    look = await Scene(a=Worker(), b=Worker(state="REBALANCING")).look(0)

    assert look.scale_out == 2
    assert look.uptime == Unknown("1 of 2 workers do not run: b is REBALANCING")


def fail(scene: Scene) -> None:
    scene.pool.workers["b"] = SourceError("http://b/metrics cannot be reached: refused")


def garble(scene: Scene) -> None:
    scene.pool.workers["b"] = "<html>"


def empty(scene: Scene) -> None:
    scene.pool.workers["b"] = ""


def another(scene: Scene) -> None:
    scene.pool.workers["b"] = "process_cpu_seconds_total 3\n"


def dead(scene: Scene) -> None:
    scene.pool.workers["b"] = Worker(state="ERROR")


def nobody(scene: Scene) -> None:
    scene.pool.workers.clear()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(fail, "1 of 2 workers do not tell: http://b/metrics cannot", id="silent"),
        pytest.param(garble, "http://b/metrics answered what is no Prometheus", id="garbage"),
        pytest.param(empty, "b: the worker does not tell kafka_streams_state", id="empty"),
        pytest.param(another, "b: the worker does not tell kafka_streams_state", id="another"),
        pytest.param(dead, "b is in state ERROR", id="dead"),
        pytest.param(nobody, "no worker of wordcount is listed", id="nobody"),
    ],
)
async def test_a_worker_that_does_not_tell_leaves_the_look_unknown(
    change: Callable[[Scene], None], why: str
) -> None:
    scene = Scene(a=Worker(), b=Worker())
    await scene.look(0)
    change(scene)

    with pytest.raises(SourceError) as found:
        await scene.look(5)

    assert why in str(found.value)
    assert "\n" not in str(found.value)

    scene.pool.workers = {"a": Worker(lines=100), "b": Worker()}
    assert (await scene.look(10)).scale_out == 2


async def test_a_worker_that_hangs_is_named_in_time() -> None:
    scene = Scene(a=Worker())

    async def hang(target: Target) -> str:
        await asyncio.sleep(60)
        return ""

    source = StreamsSource(scene.pool, hang, SPEC, patience=0.05)

    with pytest.raises(SourceError, match=r"http://a/metrics does not answer within 0\.05 s"):
        await source.look(Moment(NOON, 0.0))


async def test_after_a_failed_scrape_counts_go_on_from_the_last_good_one() -> None:
    scene = Scene(a=Worker(), b=Worker())
    await scene.look(0)
    fail(scene)
    with pytest.raises(SourceError):
        await scene.look(5)
    scene.pool.workers = {"a": Worker(lines=1000), "b": Worker(lines=1000)}

    look = await scene.look(10)

    # Both are known: one by the look in between, at which it had read nothing, one by that before.
    assert [worker.throughput for worker in workers(look)] == [200.0, 100.0]


async def test_the_job_files_quota_counts_where_a_worker_tells_none() -> None:
    engine = SPEC.engine.model_copy(update={"cores": 0.25})
    spec = SPEC.model_copy(update={"engine": engine})
    pool = Pool({"a": Worker(quota="")})
    source = StreamsSource(pool, pool.ask, spec, patience=0.05, steady=pool.steady)
    await source.look(Moment(NOON, 0.0))
    pool.workers["a"] = Worker(quota="", cpu=2.0)
    pool.seconds = 5.0

    # The scene's clock stands at 0 at the first look.
    look = await source.look(Moment(NOON + timedelta(seconds=5), 5.0))

    assert workers(look)[0].cpu == 0.8


async def test_without_any_quota_the_cpu_is_unknown() -> None:
    (worker,) = workers(await Scene(a=Worker(quota="")).look(0))

    assert isinstance(worker.cpu, Unknown)
    assert "daedalus_cpu_quota_cores" in worker.cpu.why
