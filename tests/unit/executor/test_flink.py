"""Rescaling a Flink job on a cluster in memory, whose time passes when somebody sleeps."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from daedalus_executor.adapters.flink import FlinkTarget
from daedalus_executor.adapters.flink_rest import FlinkRest, JobGoneError
from daedalus_executor.domain.downtime import down_seconds, start_seconds
from daedalus_executor.ports import (
    ExpiredError,
    NotAllowedError,
    NotOwnerError,
    Patience,
    Permit,
    TargetError,
)
from harness.rescaling import Clock, Permits


@dataclass
class Manager:
    """A TaskManager; its worker's name is its id."""

    ready: float = 0.0
    job: str | None = None


class Cluster(FlinkRest):
    """Flink's REST API over a job that restarts for 1 s, a second after it was asked to."""

    def __init__(self, clock: Clock, managers: int, parallelism: int) -> None:
        super().__init__("http://flink:8081/", clock, read=1.0, write=1.0)
        self.clock = clock
        self.jid = "j1"
        self.state = "RUNNING"
        self.managers = {f"ysb-{n:04d}": Manager() for n in range(1, managers + 1)}
        self.parallelism = parallelism
        self.asked: list[dict[str, Any]] = []
        self.restart: tuple[float, int] | None = None
        self.slow_start = 0.5
        self.freed = 3.0
        self.stuck = False
        self.events: list[str] = []
        self.at_request: Callable[[], None] = lambda: None

    async def _request(self, method: str, path: str, body: Any = None) -> bytes:
        self.at_request()
        self._advance()
        if method == "PUT":
            wanted = next(iter(body.values()))["parallelism"]["upperBound"]
            self.events.append(f"ask {wanted}")
            self.asked.append(body)
            if not self.stuck and wanted != self.parallelism:
                self.restart = (self.clock.passed + 1, wanted)
            return b"{}"
        if path not in self._answers():
            raise JobGoneError(f"GET {path}: 404 Job could not be found")
        return json.dumps(self._answers()[path]).encode()

    def _advance(self) -> None:
        if self.restart and self.clock.passed >= self.restart[0] + 1:
            slots = sum(each.ready <= self.clock.passed for each in self.managers.values())
            self.parallelism = min(self.restart[1], slots)
            self.restart = None

    def _answers(self) -> dict[str, Any]:
        down = self.restart is not None and self.clock.passed >= self.restart[0]
        status = "RESTARTING" if down and self.state == "RUNNING" else self.state
        tasks = {} if down else {"RUNNING": self.parallelism}
        vertices = [
            {"id": v, "parallelism": self.parallelism, "maxParallelism": 12, "tasks": tasks}
            for v in ("source", "sink")
        ]
        job = {"jid": self.jid, "name": "ysb", "state": status, "vertices": vertices}
        busy = self.parallelism
        managers = []
        for name, manager in self.managers.items():
            if manager.ready > self.clock.passed:
                continue
            managers.append({"id": name, "slotsNumber": 1, "freeSlots": 0 if busy > 0 else 1})
            busy -= 1
        subtask = {
            "start-time": 10_000,
            "status-duration": {
                "CREATED": 70,
                "DEPLOYING": 100,
                "INITIALIZING": self.slow_start * 1000,
            },
        }
        return {
            "/jobs/overview": {
                "jobs": [
                    {"jid": "j0", "name": "ysb", "state": "CANCELED"},
                    {"jid": self.jid, "name": "ysb", "state": status},
                ]
            },
            f"/jobs/{self.jid}": job | {"timestamps": {"RUNNING": 10_000}},
            f"/jobs/{self.jid}/status": {"status": status},
            f"/jobs/{self.jid}/vertices/source": {"subtasks": [subtask]},
            f"/jobs/{self.jid}/vertices/sink": {"subtasks": []},
            "/taskmanagers": {"taskmanagers": managers},
        }


@dataclass
class Pool:
    """Workers that register two seconds after they were started."""

    cluster: Cluster
    most: int = 6
    name: str = "ysb"
    running: list[str] = field(default_factory=list)
    registers_after: float = 2.0
    dies: bool = False
    shared_with: str = ""

    def __post_init__(self) -> None:
        self.running = list(self.cluster.managers)

    async def workers(self) -> tuple[str, ...]:
        return tuple(self.running)

    async def ready(self) -> dict[str, int | None]:
        raise AssertionError("Flink itself says which workers it has")

    async def check(self) -> None:
        if self.shared_with:
            raise NotAllowedError(f"{self.shared_with} scales it too")

    async def start(self, count: int, permit: Permit) -> tuple[str, ...]:
        started = []
        for _ in range(count):
            await permit()
            started.append(self.start_one())
        return tuple(started)

    def start_one(self) -> str:
        worker = f"ysb-{len(self.cluster.managers) + 1:04d}"
        self.cluster.events.append(f"start {worker}")
        self.cluster.managers[worker] = Manager(self.cluster.clock.passed + self.registers_after)
        if not self.dies:
            self.running.append(worker)
        return worker

    async def narrow(self, worker: str) -> None:
        self.cluster.events.append(f"narrow {worker}")

    async def stop(self, workers: Sequence[str], permit: Permit) -> None:
        await permit()
        for worker in workers:
            self.cluster.events.append(f"stop {worker}")
            self.running.remove(worker)
            del self.cluster.managers[worker]

    async def last_line(self, worker: str) -> str:
        return f"{worker} said: no such port"


@dataclass
class Setup:
    clock: Clock
    cluster: Cluster
    pool: Pool
    target: FlinkTarget

    @property
    def events(self) -> list[str]:
        return [event for event in self.cluster.events if not event.startswith("narrow")]


def setup(managers: int = 2, parallelism: int = 2, *, with_pool: bool = True) -> Setup:
    clock = Clock()
    cluster = Cluster(clock, managers, parallelism)
    pool = Pool(cluster)
    patience = Patience(converge=20, register=10, release=10, sample=0.5)
    target = FlinkTarget(cluster, "ysb", pool if with_pool else None, patience, clock)
    return Setup(clock, cluster, pool, target)


async def test_reads_how_the_job_is() -> None:
    found = await setup().target.read()

    assert (found.scale_out, found.running) == (2, True)
    assert (found.most, found.limit) == (6, "pool ysb holds 6 workers")


async def test_the_maximum_parallelism_bounds_a_large_pool() -> None:
    here = setup()
    here.pool.most = 50

    found = await here.target.read()

    assert (found.most, found.limit) == (12, "the job's maximum parallelism is 12")


async def test_without_a_pool_free_slots_bound_the_job() -> None:
    found = await setup(managers=3, with_pool=False).target.read()

    assert (found.most, found.limit) == (3, "1 more slots are free")


async def test_up_starts_workers_asks_and_narrows_them_when_they_work() -> None:
    here = setup()

    rescaled = await here.target.scale(4, Permits())

    assert here.cluster.events == [
        "start ysb-0003",
        "start ysb-0004",
        "ask 4",
        "narrow ysb-0001",
        "narrow ysb-0002",
        "narrow ysb-0003",
        "narrow ysb-0004",
    ]
    assert rescaled.scale_out == 4
    assert rescaled.why == ""
    bounds = {"parallelism": {"lowerBound": 1, "upperBound": 4}}
    assert here.cluster.asked == [{"source": bounds, "sink": bounds}]


async def test_down_asks_and_then_stops_exactly_the_freed_workers() -> None:
    here = setup(managers=4, parallelism=4)

    rescaled = await here.target.scale(2, Permits())

    assert here.events == ["ask 2", "stop ysb-0004", "stop ysb-0003"]
    assert here.pool.running == ["ysb-0001", "ysb-0002"]
    assert rescaled.scale_out == 2


async def test_downtime_is_what_was_sampled_and_how_long_tasks_took_to_start() -> None:
    here = setup(managers=3)
    here.cluster.slow_start = 2.25

    rescaled = await here.target.scale(3, Permits())

    assert rescaled.downtime == pytest.approx(1.0 + 0.1 + 2.25, abs=0.11)  # a sample is each 0.1 s


async def test_without_a_pool_the_parallelism_alone_is_set() -> None:
    here = setup(managers=3, with_pool=False)

    await here.target.scale(3, Permits())

    assert here.cluster.events == ["ask 3"]


async def test_every_change_has_its_permit_and_completing_ones_have_no_end() -> None:
    permits = Permits()

    await setup(managers=2).target.scale(3, permits)
    assert permits.asked == [False, False]  # start, ask

    permits = Permits()
    await setup(managers=2).target.scale(1, permits)
    assert permits.asked == [False, True]  # ask, stop


@pytest.mark.parametrize("after", [0, 1, 2], ids=["first start", "second start", "the ask"])
async def test_who_is_not_the_owner_any_more_changes_nothing_further(after: int) -> None:
    here = setup()

    with pytest.raises(NotOwnerError):
        await here.target.scale(4, Permits(NotOwnerError("taken over"), after))

    assert here.events == ["start ysb-0003", "start ysb-0004"][:after]


async def test_a_command_void_before_the_ask_takes_its_workers_back() -> None:
    here = setup()

    with pytest.raises(ExpiredError):
        await here.target.scale(4, Permits(ExpiredError("void"), 2))

    assert here.pool.running == ["ysb-0001", "ysb-0002"]
    assert here.cluster.asked == []
    assert here.cluster.parallelism == 2


async def test_a_worker_that_ends_at_once_is_named_with_its_last_line() -> None:
    here = setup()
    here.pool.dies = True

    with pytest.raises(TargetError, match=r"ysb-0003 ended before .* ysb-0003 said: no such port"):
        await here.target.scale(3, Permits())

    assert here.cluster.asked == []


async def test_a_worker_that_never_registers_fails_the_command_and_is_stopped() -> None:
    here = setup()
    here.pool.registers_after = 1000

    with pytest.raises(TargetError, match="ysb-0003 did not register within 10 s"):
        await here.target.scale(3, Permits())

    assert here.pool.running == ["ysb-0001", "ysb-0002"]
    assert here.cluster.parallelism == 2


async def test_workers_started_before_a_crash_are_used_and_not_started_again() -> None:
    here = setup()
    here.pool.start_one()

    await here.target.scale(4, Permits())

    assert here.events == ["start ysb-0003", "start ysb-0004", "ask 4"]


async def test_a_change_that_landed_before_a_crash_is_only_completed() -> None:
    here = setup(managers=4, parallelism=2)

    rescaled = await here.target.scale(2, Permits())

    assert here.events == ["stop ysb-0004", "stop ysb-0003"]
    assert rescaled.downtime is None
    assert rescaled.converged_at is not None


async def test_what_does_not_converge_is_put_back_and_leaves_the_job_running() -> None:
    here = setup()
    here.cluster.stuck = True

    rescaled = await here.target.scale(3, Permits())

    assert rescaled.converged_at is None
    assert rescaled.scale_out == 2
    assert rescaled.why == "2 of 3 workers run after 20 s"
    assert here.events == ["start ysb-0003", "ask 3", "ask 2", "stop ysb-0003"]


async def test_workers_that_are_not_freed_are_said_to_be_left() -> None:
    here = setup(managers=2, parallelism=2)
    here.pool.running = ["ysb-0001"]  # the other one is somebody else's, and stays free

    rescaled = await here.target.scale(1, Permits())

    assert rescaled.scale_out == 1
    assert rescaled.why == "1 workers were not freed within 10 s"


async def test_a_job_restarted_under_a_new_id_meanwhile_fails_the_command() -> None:
    here = setup(managers=3)

    def resubmitted() -> None:
        if here.cluster.asked:
            here.cluster.jid = "j2"

    here.cluster.at_request = resubmitted
    with pytest.raises(TargetError, match="it had id j1, now j2"):
        await here.target.scale(3, Permits())


@pytest.mark.parametrize(
    ("state", "error"),
    [
        pytest.param("CANCELED", "ended while it was rescaled", id="found by its absence"),
        pytest.param("FAILED", "ended while it was rescaled|became FAILED", id="failed"),
    ],
)
async def test_a_job_that_ends_meanwhile_fails_the_command(state: str, error: str) -> None:
    here = setup(managers=3)

    def ended() -> None:
        if here.cluster.asked:
            here.cluster.state = state
            here.cluster.jid = "gone" if state == "CANCELED" else "j1"

    here.cluster.at_request = ended
    with pytest.raises(TargetError, match=error):
        await here.target.scale(3, Permits())


async def test_a_job_that_is_not_there_is_named() -> None:
    cluster = setup().cluster
    cluster.state = "FAILED"

    with pytest.raises(JobGoneError, match="no job named 'ysb' runs at http://flink:8081"):
        await cluster.find("ysb")


def test_downtime_of_samples() -> None:
    assert down_seconds([]) == 0
    assert down_seconds([(0.0, True), (1.0, True)]) == 0
    assert down_seconds([(0.0, False), (0.5, True), (2.0, False), (2.25, False)]) == 0.75
    assert start_seconds(10.0, []) == 0
    assert start_seconds(10.0, [10.5, 12.0, 9.0]) == 2.0
