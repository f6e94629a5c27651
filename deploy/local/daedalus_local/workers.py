"""The workers of a job as the executor's process pool: its file, and the first workers.

The executor owns the pool. Before there is a command to carry out, somebody must start the first
workers, and after a kill somebody must end the last: both by the executor's own code, in a process
of its own, `python -m daedalus_local.workers start|narrow|stop|list`, so that the workers are
nobody's children.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daedalus_local.errors import StackError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the workers of a pool may take of the machine."""

    max_workers: int
    """Most workers at a time."""

    quota: float
    """Cores that a worker may use once it runs."""


def write_pools(
    path: Path,
    pool: str,
    command: Sequence[str],
    *,
    directory: Path,
    env: Mapping[str, str],
    limits: Limits,
) -> None:
    """Write the executor's file of pools, with one pool.

    Args:
        path: The file.
        pool: Name of the pool; workers are called `<pool>-0001` and so on.
        command: What a worker runs; `{worker}` stands for its name.
        directory: The pool's own folder.
        env: Added to the environment of each worker.
        limits: How many workers, and what each may use.
    """
    declared = {
        "command": list(command),
        "env": dict(env),
        "cwd": str(directory),
        "directory": str(directory),
        "max_workers": limits.max_workers,
        "cpu_quota": limits.quota,
        "start_quota": 1.0,
        "stop_timeout": 15,
    }
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({pool: declared}, indent=2) + "\n")


def start(pools: Path, pool: str, count: int) -> str:
    """Start workers with the wide quota; return why they have no quota, or an empty string."""
    return str(_call("start", str(pools), pool, str(count))["why_no_quotas"])


def narrow(pools: Path, pool: str) -> None:
    """Give all workers of the pool the quota that they are to work with."""
    _call("narrow", str(pools), pool)


def why_no_quotas(pools: Path, pool: str) -> str:
    """Return why workers of the pool would have no quota, or an empty string."""
    return str(_call("list", str(pools), pool)["why_no_quotas"])


def stop(pools: Path, pool: str, *workers: str) -> None:
    """End these workers of the pool."""
    _call("stop", str(pools), pool, *workers)


def running(pools: Path, pool: str) -> list[str]:
    """Return the names of the pool's workers, oldest first; what died is cleared away."""
    return list(_call("list", str(pools), pool)["workers"])


def down(pools: Path) -> None:
    """End all workers of all pools and remove their control groups."""
    command = [sys.executable, "-m", "daedalus_executor.pool", "down", "--pools", str(pools)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise StackError(f"cannot end the workers: {run.stderr.strip()[-300:]}")


def _call(*arguments: str) -> Any:
    command = [sys.executable, "-m", "daedalus_local.workers", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise StackError(f"cannot {arguments[0]} workers: {run.stderr.strip()[-300:]}")
    return json.loads(run.stdout)


def main(arguments: Sequence[str]) -> None:
    """Start, narrow or stop workers, or none of it, and print as JSON who runs then."""
    from daedalus_executor.adapters.processes import (  # noqa: PLC0415 - slow
        PoolsError,
        open_pool,
        read_pools,
    )

    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        pools = read_pools(given.pools)
    except PoolsError as error:
        parser.error(str(error))
    if given.pool not in pools:
        parser.error(f"{given.pools}: no pool {given.pool}; there is {', '.join(pools)}")
    pool = open_pool(given.pool, pools[given.pool])
    if given.action == "start":
        for _ in range(_count(parser, given.rest)):
            pool.start()
    elif given.action == "stop":
        asyncio.run(pool.stop(given.rest))
    elif given.action == "narrow":
        for worker in pool.workers():
            pool.narrow(worker)
    json.dump({"why_no_quotas": pool.why_no_quotas, "workers": pool.workers()}, sys.stdout)


def _count(parser: argparse.ArgumentParser, rest: Sequence[str]) -> int:
    if len(rest) != 1 or not rest[0].isdecimal():
        parser.error(f"start: how many, as a number, not {' '.join(rest) or 'nothing'}")
    return int(rest[0])


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        "python -m daedalus_local.workers", description="Start and end workers of a pool by hand."
    )
    found.add_argument("action", choices=["start", "narrow", "stop", "list"])
    found.add_argument("pools", type=Path, help="the executor's file of pools")
    found.add_argument("pool", help="name of the pool")
    found.add_argument("rest", nargs="*", help="start: how many; stop: the workers' names")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
