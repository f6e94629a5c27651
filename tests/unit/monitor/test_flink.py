"""A Flink job from its JobManager's answers, as Flink 2.3 gives them."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter, ValidationError

from daedalus_monitor.adapters import flink
from daedalus_monitor.adapters.flink import CPU, FlinkSource
from daedalus_monitor.adapters.flink_facts import chosen
from daedalus_monitor.adapters.flink_rest import FlinkRest, JobSummary, lists
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.ports import NotFoundError, SourceError

T = TypeVar("T")

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
JID = "8d10926990a4e84f589ce2fc1ecd2e3a"
READS, COUNTS = "cbc357ccb763df2852fee8c4fc7d55f2", "c27dcf7b54ef6bfd6cff02ca8870b681"
LAG = "Source__ads.currentEmitEventTimeLag"


def subtask(number: int, worker: str, running: int) -> dict[str, Any]:
    return {
        "subtask": number,
        "status": "RUNNING",
        "attempt": 0,
        "endpoint": "localhost:43729",
        "start-time": 1_767_268_800_000,
        "end-time": -1,
        "duration": running + 1000,
        "taskmanager-id": worker,
        "status-duration": {"CREATED": 22, "INITIALIZING": 685, "RUNNING": running},
    }


class Cluster:
    """A JobManager with one job on two workers; it answers what `answers` holds."""

    url = "http://jm:8081"

    def __init__(self) -> None:
        self.asked: list[str] = []
        summary = {"jid": JID, "name": "ysb", "state": "RUNNING", "jobType": "STREAMING"}
        vertex = {"maxParallelism": 12, "parallelism": 2, "status": "RUNNING"}
        self.answers: dict[str, Any] = {
            "/jobs/overview": {"jobs": [summary]},
            f"/jobs/{JID}": {
                "jid": JID,
                "maxParallelism": 12,
                "vertices": [
                    {"id": READS, "name": "Source: ads[1] -> Calc[2]", **vertex},
                    {"id": COUNTS, "name": "GlobalWindowAggregate[5]", **vertex},
                ],
                "plan": {
                    "nodes": [
                        {"id": READS, "parallelism": 2},
                        {"id": COUNTS, "parallelism": 2, "inputs": [{"num": 0, "id": READS}]},
                    ]
                },
            },
            f"/jobs/{JID}/vertices/{READS}": {"id": READS},
            f"/jobs/{JID}/vertices/{COUNTS}": {"id": COUNTS},
            f"/jobs/{JID}/checkpoints/config": {"mode": "exactly_once", "interval": 10_000},
        }
        self.metrics = {
            f"/taskmanagers/tm-{number}/metrics": {CPU: value}
            for number, value in enumerate(["0.25", "0.5"])
        }
        self.metrics[f"/jobs/{JID}/vertices/{READS}/metrics"] = {}
        self.run(seconds=60, records=60_000)

    @property
    def source(self) -> dict[str, str]:
        """The metrics of the source."""
        return self.metrics[f"/jobs/{JID}/vertices/{READS}/metrics"]

    def run(self, seconds: float, records: int, behind: float = 0.125) -> None:
        """Let each subtask have run for `seconds` and read `records`, by metrics `behind` old."""
        milliseconds = round(seconds * 1000)
        for vertex in (READS, COUNTS):
            self.answers[f"/jobs/{JID}/vertices/{vertex}"]["subtasks"] = [
                subtask(number, f"tm-{number}", milliseconds) for number in range(2)
            ]
        for number in range(2):
            ran = milliseconds - behind * 1000
            self.source.update(
                {
                    f"{number}.numRecordsIn": str(records),
                    f"{number}.accumulateBusyTimeMs": str(ran - 2000.0),
                    f"{number}.accumulateIdleTimeMs": "1500",
                    f"{number}.accumulateBackPressuredTimeMs": "500",
                    f"{number}.{LAG}": str(200 + 300 * number),
                }
            )

    async def get(
        self, path: str, answer: TypeAdapter[T], params: Mapping[str, str] | None = None
    ) -> T:
        self.asked.append(path)
        if path in self.metrics and params is None:
            found: Any = [{"id": name} for name in self.metrics[path]]
        elif path in self.metrics and params is not None:
            names = params["get"].split(",")
            values = self.metrics[path]
            found = [{"id": name, "value": values[name]} for name in names if name in values]
        elif path in self.answers:
            found = self.answers[path]
        else:
            raise NotFoundError(f"{path} answered 404")
        if isinstance(found, Exception):
            raise found
        try:
            return answer.validate_python(copy.deepcopy(found))
        except ValidationError as error:
            raise SourceError(f"{path} answered JSON of another kind") from error


def moment(seconds: float) -> Moment:
    return Moment(NOON + timedelta(seconds=seconds), seconds)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def source(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> FlinkSource:
    monkeypatch.setattr(flink, "FETCH", 0.0)
    return FlinkSource(FlinkRest(cluster), "ysb", sample=5.0)  # type: ignore[arg-type]  # a hand-made client


def why(look: EngineLook, worker: int = 0) -> str:
    """Return why a worker's throughput is unknown."""
    assert not isinstance(look.workers, Unknown)
    found = look.workers[worker].throughput
    assert isinstance(found, Unknown)
    return found.why


async def test_reads_every_signal(cluster: Cluster, source: FlinkSource) -> None:
    await source.look(moment(0))
    # By the subtasks' own time 5 s have passed, whenever the JobManager fetched it.
    cluster.run(seconds=65, records=65_000)

    look = await source.look(moment(6))

    since = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert look == EngineLook(
        scale_out=2,
        uptime=65.0,
        latency=0.5,
        workers=(
            WorkerLook("tm-0", 0.25, 1000.0, since),
            WorkerLook("tm-1", 0.5, 1000.0, since),
        ),
        max_parallelism=12,
        checkpoint_interval=10.0,
    )


async def test_the_first_look_has_no_throughput(cluster: Cluster, source: FlinkSource) -> None:
    assert "first look" in why(await source.look(moment(0)))


async def test_metrics_that_were_not_refreshed_have_no_throughput(
    cluster: Cluster, source: FlinkSource
) -> None:
    await source.look(moment(0))

    assert "not refreshed" in why(await source.look(moment(5)))


async def test_old_metrics_are_asked_for_again(cluster: Cluster, source: FlinkSource) -> None:
    def asked() -> int:
        return cluster.asked.count(f"/jobs/{JID}/vertices/{READS}/metrics")

    await source.look(moment(0))
    before = asked()
    cluster.run(seconds=65, records=65_000, behind=4.0)
    await source.look(moment(5))

    assert asked() - before == 2


async def test_metrics_older_than_half_a_minute_are_unknown(
    cluster: Cluster, source: FlinkSource
) -> None:
    cluster.run(seconds=65, records=65_000, behind=40.0)

    assert why(await source.look(moment(0))) == "Flink's metrics are 40 s old"


async def test_a_rescale_resets_the_counters(cluster: Cluster, source: FlinkSource) -> None:
    await source.look(moment(0))
    cluster.run(seconds=3, records=10, behind=-57.0)
    assert "earlier attempt" in why(await source.look(moment(5)))

    cluster.run(seconds=8, records=50_000)
    for vertex in (READS, COUNTS):
        for task in cluster.answers[f"/jobs/{JID}/vertices/{vertex}"]["subtasks"]:
            task["attempt"] = 1
    look = await source.look(moment(10))

    assert why(look) == "first look: there is no earlier one to compare with"
    assert look.uptime == 8.0


async def test_a_job_under_a_new_id_is_named_as_such(cluster: Cluster, source: FlinkSource) -> None:
    await source.look(moment(0))
    for table in (cluster.answers, cluster.metrics):
        for path in list(table):
            table[path.replace(JID, "f" * 32)] = table[path]
    cluster.answers["/jobs/overview"]["jobs"] = [
        {"jid": JID, "name": "ysb", "state": "CANCELED"},
        {"jid": "f" * 32, "name": "ysb", "state": "RUNNING"},
    ]

    look = await source.look(moment(5))

    assert why(look) == "the job runs under a new id since the last look"
    assert look.scale_out == 2
    assert "not refreshed" in why(await source.look(moment(10)))


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        pytest.param([], "Flink knows no job named ysb", id="none at all"),
        pytest.param([("a", "other", "RUNNING")], "Flink knows no job named ysb", id="not found"),
        pytest.param([("a", "ysb", "FAILED")], "does not run: it is FAILED", id="failed"),
        pytest.param([("a", "ysb", "RESTARTING")], "it is RESTARTING", id="restarting"),
        pytest.param(
            [("a", "ysb", "RUNNING"), ("b", "ysb", "RUNNING")], "2 jobs are named ysb", id="two"
        ),
    ],
)
def test_a_job_that_does_not_run_is_told_why(
    jobs: list[tuple[str, str, str]], expected: str
) -> None:
    with pytest.raises(SourceError, match=expected):
        chosen([JobSummary(jid=jid, name=name, state=state) for jid, name, state in jobs], "ysb")


def test_an_earlier_run_of_the_name_does_not_count() -> None:
    jobs = [
        JobSummary(jid="a", name="ysb", state="FINISHED"),
        JobSummary(jid="b", name="ysb", state="RUNNING"),
    ]

    assert chosen(jobs, "ysb").jid == "b"


async def test_a_subtask_that_is_not_running_makes_uptime_and_its_worker_unknown(
    cluster: Cluster, source: FlinkSource
) -> None:
    await source.look(moment(0))
    cluster.run(seconds=65, records=65_000)
    tasks = cluster.answers[f"/jobs/{JID}/vertices/{READS}"]["subtasks"]
    tasks[1]["status"] = "DEPLOYING"

    look = await source.look(moment(5))

    assert look.uptime == Unknown("1 of 4 subtasks do not run")
    assert why(look, worker=1) == "subtask 1 of the source is DEPLOYING"
    assert not isinstance(look.workers, Unknown)
    assert look.workers[0].throughput == 1000.0
    assert look.scale_out == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("NaN", "not a number", id="NaN"),
        pytest.param("-1.0", "negative", id="not supported by the JVM"),
        pytest.param("0.0", "read by somebody else", id="read twice at once"),
        pytest.param("17", "not a share", id="nonsense"),
    ],
)
async def test_nonsense_cpu_is_unknown_and_the_other_worker_is_not(
    cluster: Cluster, source: FlinkSource, value: str, expected: str
) -> None:
    cluster.metrics["/taskmanagers/tm-0/metrics"][CPU] = value

    look = await source.look(moment(0))

    assert not isinstance(look.workers, Unknown)
    cpu = look.workers[0].cpu
    assert isinstance(cpu, Unknown)
    assert expected in cpu.why
    assert look.workers[1].cpu == 0.5


async def test_a_worker_that_went_away_meanwhile_has_no_cpu(
    cluster: Cluster, source: FlinkSource
) -> None:
    del cluster.metrics["/taskmanagers/tm-0/metrics"]

    look = await source.look(moment(0))

    assert not isinstance(look.workers, Unknown)
    assert isinstance(look.workers[0].cpu, Unknown)
    assert look.workers[1].cpu == 0.5


@pytest.mark.parametrize("interval", [0, 2**63 - 1, None])
async def test_a_job_without_checkpoints_has_no_interval(
    cluster: Cluster, source: FlinkSource, interval: int | None
) -> None:
    path = f"/jobs/{JID}/checkpoints/config"
    if interval is None:
        del cluster.answers[path]
    else:
        cluster.answers[path] = {"interval": interval}

    assert (await source.look(moment(0))).checkpoint_interval == Unknown(
        "the job makes no checkpoints"
    )


async def test_a_job_without_event_time_has_no_latency(
    cluster: Cluster, source: FlinkSource
) -> None:
    for number in range(2):
        cluster.source[f"{number}.{LAG}"] = "-9223372036854775808"

    assert isinstance((await source.look(moment(0))).latency, Unknown)


async def test_an_answer_of_another_kind_is_one_line(cluster: Cluster, source: FlinkSource) -> None:
    cluster.answers[f"/jobs/{JID}"] = {"errors": ["not what you think"]}

    with pytest.raises(SourceError, match="another kind"):
        await source.look(moment(0))


@pytest.mark.parametrize(
    "changed", [{"start-time": 10**30}, {"status-duration": {"RUNNING": 10**400}}]
)
async def test_a_time_beyond_the_calendar_is_nonsense(
    cluster: Cluster, source: FlinkSource, changed: dict[str, Any]
) -> None:
    path = next(path for path in cluster.answers if "/vertices/" in path)
    parts = cluster.answers[path]["subtasks"]
    cluster.answers[path] = {**cluster.answers[path], "subtasks": [{**parts[0], **changed}]}

    with pytest.raises(SourceError, match="another kind"):
        await source.look(moment(0))


async def test_sources_are_found_by_name_where_the_plan_does_not_tell(
    cluster: Cluster, source: FlinkSource
) -> None:
    del cluster.answers[f"/jobs/{JID}"]["plan"]
    await source.look(moment(0))
    cluster.run(seconds=65, records=65_000)

    look = await source.look(moment(5))

    assert not isinstance(look.workers, Unknown)
    assert look.workers[0].throughput == 1000.0


def test_long_lists_of_metrics_are_asked_for_in_pieces() -> None:
    names = [f"{number}.accumulateBackPressuredTimeMs" for number in range(200)]

    pieces = lists(names)

    assert ",".join(pieces) == ",".join(names)
    assert max(map(len, pieces)) <= 2000
    assert len(pieces) > 1
    assert lists([]) == []
