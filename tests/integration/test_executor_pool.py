"""A pool of real processes in real control groups."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from daedalus_executor.adapters.processes import Pool, PoolSettings, open_pool
from daedalus_executor.ports import TargetError

SPIN = "i=0; while :; do i=$((i+1)); done # {worker}"
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done # {worker}"
FAMILY = "sleep 300 & setsid sleep 300 & echo {worker}; wait"


SLEEP = "exec sleep 300 # {worker}"


def settings(directory: Path, script: str = SLEEP, **more: object) -> PoolSettings:
    fields = {
        "command": ["sh", "-c", script],
        "directory": directory,
        "max_workers": 3,
        "cpu_quota": 0.2,
        "stop_timeout": 5.0,
    }
    return PoolSettings.model_validate(fields | more)


Open = Callable[..., Pool]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Open pools by name; what they started is gone afterwards."""
    pools: list[Pool] = []

    def open_one(script: str = SLEEP, **more: object) -> Pool:
        pool = open_pool("test", settings(tmp_path / "pool", script, **more))
        pools.append(pool)
        return pool

    yield open_one
    for pool in pools:
        await pool.down()


def pid_of(directory: Path, worker: str) -> int:
    record = directory / "pool" / "workers" / worker / "stat"
    wait_for(lambda: record.exists() and record.read_text() != "", f"{worker} to register")
    return int(record.read_text().split()[0])


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def wait_for(what: Callable[[], bool], name: str, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline, f"waited {patience:g} s for {name}"
        time.sleep(0.02)


def needs_quotas(pool: Pool) -> None:
    if pool.why_no_quotas:
        pytest.skip(f"no CPU quotas here: {pool.why_no_quotas}")


async def test_starts_and_ends_workers(opened: Open, tmp_path: Path) -> None:
    pool = opened()

    first, second = pool.start(), pool.start()
    assert pool.workers() == (first, second) == ("test-0001", "test-0002")
    pid = pid_of(tmp_path, first)
    assert os.getsid(pid) == pid != os.getsid(0)

    await pool.stop([first])
    assert pool.workers() == (second,)
    assert not runs(pid)


async def test_a_full_pool_starts_no_more(opened: Open) -> None:
    pool = opened(max_workers=1)
    pool.start()

    with pytest.raises(TargetError, match="pool test is full: 1 workers run"):
        pool.start()


async def test_a_name_is_never_used_twice(opened: Open) -> None:
    pool = opened()
    await pool.stop([pool.start()])

    assert pool.start() == "test-0002"


async def test_clears_away_what_died_and_keeps_its_last_line(opened: Open, tmp_path: Path) -> None:
    pool = opened("echo no such port {worker}; exit 3")

    worker = pool.start()
    wait_for(lambda: pool.workers() == (), "the worker to end")

    assert pool.last_line(worker) == f"no such port {worker}"
    assert not (tmp_path / "pool" / "workers" / worker).exists()


async def test_a_command_that_does_not_exist_is_a_worker_that_died(opened: Open) -> None:
    pool = opened(command=["/no/such/program", "{worker}"])

    worker = pool.start()
    wait_for(lambda: pool.workers() == (), "the worker to end")

    assert "/no/such/program" in pool.last_line(worker)


async def test_kills_a_worker_that_ignores_sigterm(opened: Open, tmp_path: Path) -> None:
    pool = opened(STUBBORN, stop_timeout=0.3)
    worker = pool.start()
    pid = pid_of(tmp_path, worker)
    wait_for(lambda: pool.last_line(worker) == "ready", "the trap")

    await pool.stop([worker])

    assert not runs(pid)


async def test_ends_the_children_of_a_worker_in_other_sessions_too(
    opened: Open, tmp_path: Path
) -> None:
    pool = opened(FAMILY)
    needs_quotas(pool)
    worker = pool.start()
    wait_for(lambda: len(pool._quotas.members(worker)) == 3, "both children")
    members = pool._quotas.members(worker)

    await pool.stop([worker])

    wait_for(lambda: not any(runs(pid) for pid in members), "all three to end")


async def test_another_process_of_the_same_pid_is_not_touched(opened: Open, tmp_path: Path) -> None:
    pool = opened()
    worker = pool.start()
    pid = pid_of(tmp_path, worker)
    wait_for(lambda: name_of(pid) == "sleep", "the command to run")
    record = tmp_path / "pool" / "workers" / worker / "stat"
    fields = record.read_text().split()
    fields[21] = str(int(fields[21]) - 1)  # as if the worker had started a tick earlier
    record.write_text(" ".join(fields))

    assert pool.workers() == ()
    if pool.why_no_quotas:
        assert runs(pid)
        os.kill(pid, signal.SIGKILL)


async def test_quota_bites_when_narrowed(opened: Open, tmp_path: Path) -> None:
    """By the kernel's count of throttled periods, which a busy machine does not change."""
    pool = opened(SPIN, start_quota=8.0, cpu_quota=0.05)
    needs_quotas(pool)
    worker = pool.start()
    pid = pid_of(tmp_path, worker)
    account = pool._quotas._at.parents[0] / worker / "cpu.stat"

    await asyncio.sleep(0.5)
    assert "nr_throttled 0\n" in account.read_text()
    pool.narrow(worker)
    before, began = cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(2.0)
    cores = (cpu_seconds(pid) - before) / (time.monotonic() - began)

    assert "nr_throttled 0\n" not in account.read_text()
    assert 0 < cores < 0.08


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


OWNER = """
import sys, time
from pathlib import Path
from daedalus_executor.adapters.processes import open_pool, read_pools
[(name, settings)] = read_pools(Path(sys.argv[1])).items()
pool = open_pool(name, settings)
while True:
    if len(pool.workers()) < settings.max_workers:
        pool.start()
        print("started", flush=True)
    time.sleep(0.001)
"""


def start_and_kill(file: Path, delay: float) -> None:
    """Run an owner, and SIGKILL it so many seconds after its first worker."""
    command = [sys.executable, "-c", OWNER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "started\n"
        time.sleep(delay)
        owner.kill()


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.005, 0.01])
async def test_the_workers_of_a_killed_owner_are_adopted(
    opened: Open, tmp_path: Path, delay: float
) -> None:
    """However close to a start the owner is killed, no worker is lost or counted twice."""
    declared = settings(tmp_path / "pool")
    file = tmp_path / "pools.json"
    file.write_text(json.dumps({"test": declared.model_dump(mode="json")}))
    await asyncio.to_thread(start_and_kill, file, delay)
    adopted = opened()
    # A folder without a worker may be left by the kill: it is no worker after some seconds.
    wait_for(lambda: all(registered(tmp_path, each) for each in adopted.workers()), "registration")

    workers = adopted.workers()
    pids = [pid_of(tmp_path, worker) for worker in workers]
    assert 1 <= len(workers) <= 3
    assert all(runs(pid) for pid in pids)
    wait_for(lambda: sorted(pids) == sorted(sleepers(tmp_path)), "exactly these to run")

    adopted.narrow(workers[0])
    ended = await adopted.down()
    assert ended == workers
    assert not any(runs(pid) for pid in pids)


def registered(directory: Path, worker: str) -> bool:
    return (directory / "pool" / "workers" / worker / "stat").exists()


def sleepers(directory: Path) -> list[int]:
    """All processes of this machine that write into the pool's logs."""
    found = []
    logs = str(directory / "pool" / "logs")
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]:
        try:
            output = Path(f"/proc/{pid}/fd/1").readlink()
        except OSError:
            continue
        if output.is_relative_to(logs) and runs(pid):
            found.append(pid)
    return found


async def test_down_by_the_command_leaves_nothing(opened: Open, tmp_path: Path) -> None:
    pool = opened()
    pids = [pid_of(tmp_path, pool.start()) for _ in range(2)]
    groups = pool._quotas._at.parents
    file = tmp_path / "pools.json"
    file.write_text(json.dumps({"test": settings(tmp_path / "pool").model_dump(mode="json")}))

    status = await asyncio.to_thread(said, "status", file)
    down = await asyncio.to_thread(said, "down", file)

    assert status.startswith("test: 2 of 3 workers test-0001 test-0002")
    assert down == "test: ended 2 workers\n"
    assert not any(runs(pid) for pid in pids)
    assert not any(group.exists() for group in groups)


def said(action: str, file: Path) -> str:
    command = [sys.executable, "-m", "daedalus_executor.pool", action, "--pools", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
