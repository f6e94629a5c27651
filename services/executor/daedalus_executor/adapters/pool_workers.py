"""A pool of processes as the workers of a job: who runs, and who says that it works.

A worker that has an endpoint answers `/ready` there: 200 when it works, with the number of its
tasks as `{"tasks": 6}`, any other status while it does not.
"""

import asyncio
from collections.abc import Mapping, Sequence

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from daedalus_executor.adapters.processes import Pool
from daedalus_executor.ports import Permit

PATIENCE = 2.0
"""Seconds for an answer: a worker at a fifth of a core needs some."""

_LARGEST = 4096
"""Bytes of an answer that are read."""


class _Ready(BaseModel):
    tasks: int | None = Field(default=None, ge=0)


class PoolWorkers:
    """The port `Workers` on a pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._pool.name

    @property
    def most(self) -> int:
        """The most workers at a time."""
        return self._pool.most

    async def workers(self) -> tuple[str, ...]:
        """Return the names of those that run, oldest first."""
        return self._pool.workers()

    async def ready(self) -> Mapping[str, int | None]:
        """Return those that answer that they work, each with its number of tasks."""
        endpoints = self._pool.endpoints()
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            answers = await asyncio.gather(
                *(_asked(session, address) for address in endpoints.values())
            )
        return {
            worker: answer.tasks
            for worker, answer in zip(endpoints, answers, strict=True)
            if answer is not None
        }

    async def check(self) -> None:
        """Nobody else starts or ends the workers of a pool."""

    async def start(self, count: int, permit: Permit) -> tuple[str, ...]:
        """Start so many with the wide quota and return their names."""
        started = []
        for _ in range(count):
            await permit()
            started.append(self._pool.start())
        return tuple(started)

    async def narrow(self, worker: str) -> None:
        """Give one its lasting quota."""
        self._pool.narrow(worker)

    async def stop(self, workers: Sequence[str], permit: Permit) -> None:
        """End these."""
        await permit()
        await self._pool.stop(workers)

    async def last_line(self, worker: str) -> str:
        """Return the last line that a worker wrote."""
        return self._pool.last_line(worker)


async def _asked(session: aiohttp.ClientSession, address: str) -> _Ready | None:
    """Return what a worker that works says; None for one that does not, or does not answer."""
    try:
        async with session.get(f"http://{address}/ready", allow_redirects=False) as answer:
            said = await answer.content.read(_LARGEST)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    if answer.status != 200:
        return None
    try:
        return _Ready.model_validate_json(said)
    except ValidationError:
        return _Ready()  # it works, and says no more
