"""The command that looks at, or ends, the workers of all pools: `python -m daedalus_executor.pool`.

It needs no executor: who runs is written in the pools' folders.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from daedalus_executor.adapters.processes import Pool, PoolsError, open_pool, read_pools


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m daedalus_executor.pool",
        description="Show or end the workers of process pools, whether an executor runs or not.",
        epilog="example: python -m daedalus_executor.pool down --pools pools.json",
    )
    parser.add_argument("action", choices=["status", "down"], help="what to do")
    parser.add_argument("--pools", type=Path, required=True, help="the executor's file of pools")
    chosen = parser.parse_args(arguments)
    try:
        declared = read_pools(chosen.pools)
    except PoolsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    pools = [open_pool(name, settings) for name, settings in declared.items()]
    for pool in pools:
        sys.stdout.write(_down(pool) if chosen.action == "down" else _status(pool))
    return 0


def _status(pool: Pool) -> str:
    workers = pool.workers()
    without = f" (no CPU quotas: {pool.why_no_quotas})" if pool.why_no_quotas else ""
    return f"{pool.name}: {len(workers)} of {pool.most} workers {' '.join(workers)}{without}\n"


def _down(pool: Pool) -> str:
    ended = asyncio.run(pool.down())
    return f"{pool.name}: ended {len(ended)} workers\n"


if __name__ == "__main__":
    sys.exit(main())
