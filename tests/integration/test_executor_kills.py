"""Commands are carried out once each, whenever an executor is killed or stopped.

Executors are real processes on a real broker; the Flink cluster is the test's own, so that it can
tell what was asked of it, when and by whom.
"""

import asyncio
import json
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daedalus_executor.adapters.processes import Pool, PoolSettings, open_pool
from harness.broker import PARTITIONS, Broker
from harness.commands import (
    MOST,
    PATIENCE,
    Commander,
    assert_each_was_carried_out_once,
    declare,
    executor,
)
from harness.fake_flink import WORKER, FakeFlink
from harness.replicas import Replica, running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

JOBS = [f"job-{number}" for number in range(10)]


CRASHES = 5
"""How often an executor may end by itself, to be started afresh, as when Kafka assigns nothing."""


class Scene:
    """Executors, the cluster that they change, and the planner that commands them."""

    def __init__(self, broker: Broker, flink: FakeFlink, replicas: list[Replica]) -> None:
        self.flink = flink
        self.replicas = replicas
        self.commander = Commander(broker)
        self._broker = broker

    def add(self, job: str, scale_out: int = 4, **more: object) -> None:
        self.flink.add(job, scale_out)
        self.commander.add(job, scale_out)
        declare(self._broker, self.flink, job, **more)

    def go_on(self, done: Callable[[], bool], what: str = "", patience: float = PATIENCE) -> None:
        """Keep the executors alive and listen until `done()`."""
        deadline = time.monotonic() + patience
        while not done():
            assert time.monotonic() < deadline, f"waited for {what}\n{self.tails()}"
            for replica in self.replicas:
                replica.tend()
                assert replica.crashes <= CRASHES, self.tails()
            self.commander.listen()

    def rest(self, seconds: float) -> None:
        """Go on for some time."""
        end = time.monotonic() + seconds
        self.go_on(lambda: time.monotonic() >= end)

    def finish(self) -> None:
        """Go on until every command has its outcome, and then to see whether more happens."""
        self.go_on(lambda: not self.commander.open(), "outcomes")
        self.rest(3)

    def tails(self) -> str:
        return "\n".join(f"--- {each.name}\n{each.tail()}" for each in self.replicas)


@contextmanager
def scene(
    broker: Broker,
    directory: Path,
    rng: random.Random,
    replicas: int = 1,
    flink: FakeFlink | None = None,
    **env: str,
) -> Iterator[Scene]:
    flink = flink or FakeFlink(random.Random(rng.random()))
    started = [executor(number, broker, flink, directory, **env) for number in range(replicas)]
    with flink.running(), running(*started):
        made = Scene(broker, flink, started)
        try:
            yield made
        finally:
            made.commander.close()


@pytest.mark.parametrize("replicas", [1, 2])
def test_sigkill_at_random_instants(
    replicas: int, broker: Broker, tmp_path: Path, kills: int, rng: random.Random
) -> None:
    kills //= 2  # half of them with each number of replicas
    with scene(broker, tmp_path, rng, replicas) as found:
        commander, flink = found.commander, found.flink
        for job in JOBS:
            found.add(job)

        def command(done: Callable[[], bool]) -> bool:
            """Give each job that has its outcome the next command."""
            for job in set(JOBS) - set(commander.open()):
                commander.send(job, rng=rng)
            return done()

        began = time.monotonic()
        for _ in range(kills):
            seen = len(flink.puts) + len(commander.outcomes)
            found.go_on(
                lambda: command(lambda: len(flink.puts) + len(commander.outcomes) > seen),  # noqa: B023 -- called at once
                "a sign of work",
            )
            at = time.monotonic() + rng.uniform(0, 2)
            found.go_on(lambda: command(lambda: time.monotonic() >= at))  # noqa: B023 -- called at once
            victim = rng.choice(found.replicas)
            victim.kill()
            victim.start()
        found.finish()
        print(f"{kills} kills in {time.monotonic() - began:.0f} s")
        assert_each_was_carried_out_once(commander, flink, found.tails)
        assert len(commander.all()) > kills, "there was work to lose"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Callable[[FakeFlink], Pool]]:
    """Makes a pool whose workers register with a cluster; nothing of it is left afterwards."""
    made: list[Pool] = []

    def make(flink: FakeFlink) -> Pool:
        host, port = flink.address
        settings = PoolSettings(
            command=(sys.executable, "-S", "-c", WORKER, host, str(port), "{worker}"),
            directory=tmp_path / "pool",
            max_workers=MOST,
        )
        (tmp_path / "pools.json").write_text(json.dumps({"crew": settings.model_dump(mode="json")}))
        made.append(open_pool("crew", settings))
        return made[0]

    yield make
    for each in made:
        asyncio.run(each.down())


def pids_of(pool: Pool, directory: Path) -> dict[str, int]:
    """Return worker → pid, by the workers' own records."""
    records = {each: directory / "pool" / "workers" / each / "stat" for each in pool.workers()}
    return {each: int(record.read_text().split()[0]) for each, record in records.items()}


def test_workers_are_adopted(
    pool: Callable[[FakeFlink], Pool],
    broker: Broker,
    tmp_path: Path,
    kills: int,
    rng: random.Random,
) -> None:
    """Killed at rest and while it starts and stops workers, an executor finds them all again."""
    flink = FakeFlink(random.Random(rng.random()), slots=0)
    pools = str(tmp_path / "pools.json")
    crew = pool(flink)
    with scene(broker, tmp_path, rng, flink=flink, POOLS=pools) as found:
        commander, [replica] = found.commander, found.replicas
        crew.start()
        found.go_on(lambda: len(flink.workers()) == 1, "the first worker")
        found.add("pooled", 1, workers={"kind": "processes", "pool": "crew"})

        def scale(wanted: int, kill_after: float | None = None) -> None:
            commander.send("pooled", wanted)
            if kill_after is not None:
                found.rest(kill_after)
                replica.kill()
                replica.start()
            found.go_on(lambda: not commander.open(), "an outcome")
            pids = pids_of(crew, tmp_path)
            assert len(pids) == wanted, f"{pids} for {wanted}\n{found.tails()}"
            # The cluster hears of a worker's end by its connection, in a thread of its own.
            found.go_on(lambda: flink.workers() == set(pids), f"just {pids} to be registered")

        scale(3)
        before = pids_of(crew, tmp_path)
        replica.kill()
        replica.start()
        scale(2)
        after = pids_of(crew, tmp_path)
        assert after.items() < before.items()
        assert len(flink.registered) == 3, "none was started twice"

        started = stopped = 0
        present = 2
        for _ in range(max(2, kills // 4)):
            before = pids_of(crew, tmp_path)
            wanted = rng.choice([each for each in range(1, MOST + 1) if each != present])
            scale(wanted, rng.uniform(0, 1.5))
            after = pids_of(crew, tmp_path)
            assert after.items() <= before.items() or after.items() >= before.items()
            started += max(0, wanted - present)
            stopped += max(0, present - wanted)
            present = wanted
        print(f"{started} workers started, {stopped} stopped beside kills")
        assert len(flink.registered) == 3 + started, "none was started twice"
        assert flink.lost == [], "none was stopped that the job used"
        assert_each_was_carried_out_once(commander, flink, found.tails)


class Stopper:
    """Stops a process with SIGSTOP at the n-th of its requests of a method, or when told to."""

    def __init__(self, replica: Replica, method: str, requests: int) -> None:
        self._replica = replica  # which may be another process by then
        self._method = method
        self._left = requests
        self.stopped = False

    def __call__(self, sender: int | None, method: str) -> None:
        if sender == self._replica.pid and method == self._method:
            self._left -= 1
            if self._left == 0:
                self.stop()

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self._replica.signal(signal.SIGSTOP)


def shares(replica: Replica) -> list[int]:
    """Return how many partitions a replica was assigned, each time that it was."""
    text = replica.log.read_text(errors="replace") if replica.log.exists() else ""
    return [int(count) for count in re.findall(r"restored \d+ jobs on (\d+) partitions", text)]


def test_a_zombie_starts_no_call(
    broker: Broker, tmp_path: Path, rounds: int, rng: random.Random
) -> None:
    """Stopped past its session, an executor leaves alone what another has carried out meanwhile."""
    with scene(broker, tmp_path, rng, replicas=2) as found:
        commander, flink = found.commander, found.flink
        flink.callers = lambda: [each.pid for each in found.replicas]
        for job in JOBS:
            found.add(job)
        taken_over = stopped_by_request = landed = 0
        for number in range(2 * rounds):
            found.go_on(
                lambda: all(shares(each)[-1:] == [PARTITIONS // 2] for each in found.replicas),
                "both replicas to have their share",
            )
            zombie, other = rng.sample(found.replicas, 2)
            # While it looks, while its change is on the way, or at any time.
            method, requests = [("GET", 20), ("PUT", 3), ("PUT", 3), ("", 1)][number % 4]
            stopper = Stopper(zombie, method, rng.randint(1, requests))
            flink.asked = stopper
            for job in JOBS:
                commander.send(job, rng=rng)
            at = time.monotonic() + rng.uniform(0, 2)
            found.go_on(lambda: stopper.stopped or time.monotonic() >= at)  # noqa: B023 -- called at once
            stopped_by_request += stopper.stopped
            stopper.stop()
            assigned = len(shares(zombie))
            commander.listen()
            left = len(commander.open())
            found.go_on(
                lambda: not commander.open() and shares(other)[-1] == PARTITIONS,  # noqa: B023 -- called at once
                "the other to take over",
            )
            taken_over += left
            woken_at = time.monotonic()
            zombie.signal(signal.SIGCONT)
            found.go_on(lambda: len(shares(zombie)) > assigned, "the zombie to join anew")  # noqa: B023 -- called at once
            found.rest(1)
            late = [put for put in flink.puts if put.at > woken_at]
            started = [put for put in late if put.begun > woken_at]
            assert not started, f"{started} by one of {flink.callers()}\n{found.tails()}"
            # Stopped as it sent one: what is on the way may land, and changes nothing.
            assert not any(put.changed for put in late), f"{late}\n{found.tails()}"
            landed += len(late)
        print(
            f"{2 * rounds} stops, {stopped_by_request} at a request; "
            f"{taken_over} commands were taken over, {landed} requests landed late"
        )
        assert taken_over, "there was work to take over"
        assert_each_was_carried_out_once(commander, flink, found.tails)
