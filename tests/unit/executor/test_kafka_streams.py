"""Rescaling a Kafka Streams job whose workers share 12 tasks; time passes as somebody sleeps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from daedalus_executor.adapters.kafka_streams import KafkaStreamsTarget
from daedalus_executor.ports import (
    ExpiredError,
    NotOwnerError,
    Patience,
    Permit,
    TargetError,
)
from harness.rescaling import Clock, Permits

TASKS = 12


class Group:
    """Workers that share the tasks; each change of them takes the tasks from all for a while."""

    name = "pool words"
    most = 6

    def __init__(
        self, clock: Clock, workers: int, *, rebalance: float = 3.0, tells: bool = True
    ) -> None:
        self.clock = clock
        self.running = [f"words-{n:04d}" for n in range(1, workers + 1)]
        self.events: list[str] = []
        self.rebalance = rebalance
        self.tells = tells
        self.settled_at = 0.0
        self.dies = False
        self.hangs: str | None = None
        self.stop_fails = ""

    async def workers(self) -> tuple[str, ...]:
        return tuple(self.running)

    async def ready(self) -> dict[str, int | None]:
        working = [worker for worker in self.running if worker != self.hangs]
        if self.clock.passed < self.settled_at or not working:
            working = working[:1]  # one goes on with a part of them
            return dict.fromkeys(working, 4 if self.tells else None)
        shares = {worker: TASKS // len(working) for worker in working}
        shares[working[0]] += TASKS % len(working)
        return {worker: share if self.tells else None for worker, share in shares.items()}

    async def check(self) -> None:
        pass

    async def start(self, count: int, permit: Permit) -> tuple[str, ...]:
        started = []
        for _ in range(count):
            await permit()
            started.append(self._start_one())
        return tuple(started)

    def _start_one(self) -> str:
        worker = f"words-{len(self.running) + 1:04d}"
        self.events.append(f"start {worker}")
        if not self.dies:
            self.running.append(worker)
        self._changed()
        return worker

    async def narrow(self, worker: str) -> None:
        self.events.append(f"narrow {worker}")

    async def stop(self, workers: Sequence[str], permit: Permit) -> None:
        await permit()
        self.events.append(f"stop {' '.join(workers)}")
        await self.clock.sleep(0.5)
        if self.stop_fails:
            raise TargetError(self.stop_fails)
        self.running = [worker for worker in self.running if worker not in workers]
        self._changed()

    async def last_line(self, worker: str) -> str:
        return f"{worker} said: no such port"

    def _changed(self) -> None:
        self.settled_at = self.clock.passed + self.rebalance


@dataclass
class Setup:
    workers: int = 2
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clock = Clock()
        self.group = Group(clock, self.workers, **self.options)
        self.target = KafkaStreamsTarget(self.group, Patience(converge=20, sample=0.5), clock)

    @property
    def changes(self) -> list[str]:
        return [event for event in self.group.events if not event.startswith("narrow")]


async def test_reads_as_many_workers_as_run() -> None:
    found = await Setup().target.read()

    assert (found.scale_out, found.running, found.stepwise) == (2, True, True)
    assert (found.most, found.limit) == (6, "pool words holds 6 workers")


async def test_a_job_without_workers_does_not_run() -> None:
    found = await Setup(workers=0).target.read()

    assert (found.scale_out, found.running) == (0, False)
    assert found.status == "without workers in pool words"


async def test_a_job_that_waits_for_a_worker_does_not_run_as_a_whole() -> None:
    here = Setup()
    here.group.hangs = "words-0002"

    found = await here.target.read()

    assert (found.scale_out, found.running) == (2, False)
    assert found.status == "waiting for words-0002"


async def test_up_starts_workers_and_narrows_them_when_they_share_the_work() -> None:
    here = Setup()

    rescaled = await here.target.scale(4, Permits())

    assert here.group.events == [
        "start words-0003",
        "start words-0004",
        *(f"narrow words-000{n}" for n in range(1, 5)),
    ]
    assert (rescaled.scale_out, rescaled.why) == (4, "")
    assert rescaled.converged_at is not None


async def test_down_ends_the_youngest() -> None:
    here = Setup(workers=4)

    rescaled = await here.target.scale(2, Permits())

    assert here.changes == ["stop words-0003 words-0004"]
    assert (rescaled.scale_out, rescaled.why) == (2, "")


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 2)])
async def test_downtime_is_how_long_tasks_had_no_owner(before: int, after: int) -> None:
    here = Setup(workers=before, options={"rebalance": 3.0})

    rescaled = await here.target.scale(after, Permits())

    assert rescaled.downtime == pytest.approx(3.0, abs=0.5)


async def test_workers_that_tell_no_tasks_converge_without_a_downtime() -> None:
    rescaled = await Setup(options={"tells": False}).target.scale(3, Permits())

    assert (rescaled.scale_out, rescaled.downtime) == (3, None)
    assert rescaled.converged_at is not None


async def test_a_group_that_rebalances_for_ever_takes_back_what_was_started() -> None:
    here = Setup(options={"rebalance": math.inf})

    rescaled = await here.target.scale(3, Permits())

    assert here.changes == ["start words-0003", "stop words-0003"]
    assert (rescaled.scale_out, rescaled.converged_at, rescaled.downtime) == (2, None, None)
    assert rescaled.why == (
        "words-0002, words-0003 did not work after 20 s: words-0002 said: no such port"
    )


async def test_a_worker_that_never_works_is_named_and_ended() -> None:
    here = Setup()
    here.group.hangs = "words-0003"

    rescaled = await here.target.scale(3, Permits())

    assert rescaled.why.startswith("words-0003 did not work after 20 s")
    assert here.changes == ["start words-0003", "stop words-0003"]


async def test_a_worker_that_ends_while_it_warms_up_fails_the_command_with_its_last_line() -> None:
    here = Setup()
    here.group.dies = True

    with pytest.raises(TargetError, match=r"words-0003 ended .*: words-0003 said: no such port"):
        await here.target.scale(4, Permits())

    assert here.group.running == ["words-0001", "words-0002"]


async def test_workers_that_stay_are_missed_after_a_scale_down_too() -> None:
    here = Setup(workers=3, options={"rebalance": math.inf})

    rescaled = await here.target.scale(2, Permits())

    assert (rescaled.scale_out, rescaled.converged_at) == (2, None)
    assert rescaled.why.startswith("words-0002 did not work after 20 s")


async def test_a_worker_that_cannot_be_ended_fails_the_command() -> None:
    here = Setup(workers=3)
    here.group.stop_fails = "words-0003 does not end"

    with pytest.raises(TargetError, match="words-0003 does not end"):
        await here.target.scale(2, Permits())


async def test_each_start_is_permitted_and_a_void_command_takes_its_workers_back() -> None:
    here = Setup()
    permits = Permits(ExpiredError("void"), after=1)

    with pytest.raises(ExpiredError):
        await here.target.scale(5, permits)

    assert here.changes == ["start words-0003", "stop words-0003"]
    assert permits.asked == [False, False, True]


@pytest.mark.parametrize(("wanted", "after", "done"), [(4, 0, 0), (4, 1, 1), (1, 0, 0)])
async def test_who_is_not_the_owner_any_more_changes_nothing_further(
    wanted: int, after: int, done: int
) -> None:
    here = Setup()

    with pytest.raises(NotOwnerError):
        await here.target.scale(wanted, Permits(NotOwnerError("taken over"), after=after))

    assert len(here.changes) == done


async def test_what_a_crash_left_half_done_is_completed() -> None:
    here = Setup(workers=3)  # of a change from 2 to 4

    rescaled = await here.target.scale(4, Permits())

    assert here.changes == ["start words-0004"]
    assert rescaled.scale_out == 4


async def test_a_change_that_landed_before_a_crash_is_only_seen_through() -> None:
    here = Setup(workers=4)

    rescaled = await here.target.scale(4, Permits())

    assert here.changes == []
    assert (rescaled.scale_out, rescaled.why) == (4, "")
    assert rescaled.downtime is None  # it was down while nobody looked
