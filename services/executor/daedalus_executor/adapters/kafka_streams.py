"""A Kafka Streams job as a target: as many workers as wanted, which share its tasks by themselves.

Up: start workers → each works → all tasks have an owner → narrow quotas. Down: end the youngest,
which leave the group → all tasks have an owner again. There is no server to ask for a scale-out:
what runs is the scale-out, and each worker says of itself whether it works and on how many tasks.

Downtime is the time in which not every worker that stays works, or tasks have no owner. A worker
that is given other tasks goes on with those that it keeps, so it is an upper bound.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from daedalus_executor.domain.checks import Found
from daedalus_executor.domain.downtime import down_seconds
from daedalus_executor.ports import (
    Clock,
    ExpiredError,
    Patience,
    Permit,
    Rescaled,
    TargetError,
    Workers,
    finishing,
)

_SAMPLE = 0.25
"""Seconds between two looks at the workers: a rebalance takes one to four."""


class KafkaStreamsTarget:
    """One job, whose workers are all those of a pool."""

    def __init__(self, pool: Workers, patience: Patience, clock: Clock) -> None:
        self._pool = pool
        self._patience = patience
        self._clock = clock

    async def read(self) -> Found:
        """Return how the job is now."""
        workers, ready = await self._pool.workers(), await self._pool.ready()
        idle = [worker for worker in workers if worker not in ready]
        if not workers:
            status = f"without workers in {self._pool.name}"
        else:
            status = f"waiting for {', '.join(idle)}"
        return Found(
            scale_out=len(workers),
            running=bool(workers) and not idle,
            status=status,
            most=self._pool.most,
            limit=f"{self._pool.name} holds {self._pool.most} workers",
            stepwise=True,
        )

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        """Start or end workers until as many as wanted share the tasks."""
        present = await self._pool.workers()
        tasks = _tasks(await self._pool.ready(), present)
        change = _Change(self._pool, self._patience, self._clock, present[:wanted], tasks)
        try:
            if wanted < len(present):
                await permit()
                why = await change.shrunk(present[wanted:], finishing(permit))
            else:
                why = await change.grown(wanted, permit)
        except (ExpiredError, TargetError):
            await self._take_back(present, permit)
            raise
        finally:
            await self._narrow()
        if why and wanted > len(present):
            await self._take_back(present, permit)
        workers = await self._pool.workers()
        seen = tasks is not None and wanted != len(present)  # else it was changed before a crash
        return Rescaled(
            scale_out=len(workers),
            downtime=change.downtime if seen and not why else None,
            converged_at=None if why else self._clock.now(),
            why=why,
        )

    async def tidy(self, permit: Permit) -> None:
        """Leave it as it is: a worker that was started is at work, and no preparation."""

    async def _take_back(self, before: Sequence[str], permit: Permit) -> None:
        """End the workers of a scale-up that failed."""
        more = [worker for worker in await self._pool.workers() if worker not in before]
        if more:
            await self._pool.stop(more, finishing(permit))

    async def _narrow(self) -> None:
        for worker in await self._pool.workers():
            await self._pool.narrow(worker)


class _Change:
    """One rescale under way, and how the workers were meanwhile."""

    def __init__(
        self,
        pool: Workers,
        patience: Patience,
        clock: Clock,
        staying: Sequence[str],
        tasks: int | None,
    ) -> None:
        self._pool = pool
        self._patience = patience
        self._clock = clock
        self._staying = staying
        self._tasks = tasks
        self._samples: list[tuple[float, bool]] = []

    @property
    def downtime(self) -> float:
        """Seconds in which the job did not work as a whole."""
        return down_seconds(self._samples)

    async def grown(self, wanted: int, permit: Permit) -> str:
        """Start what is missing; return what is amiss once all share the work, or too late."""
        coming: Sequence[str] = ()
        if wanted > len(self._staying):
            coming = await self._pool.start(wanted - len(self._staying), permit)
        return await self._settled([*self._staying, *coming])

    async def shrunk(self, leaving: Sequence[str], permit: Permit) -> str:
        """End these; return what is amiss once the others share the work, or too late."""
        ending = asyncio.ensure_future(self._pool.stop(leaving, permit))
        try:
            why = await self._settled(self._staying, ending)
            await ending
            return why
        finally:
            ending.cancel()

    async def _settled(
        self, wanted: Collection[str], ending: "asyncio.Future[None] | None" = None
    ) -> str:
        deadline = self._clock.monotonic() + self._patience.converge
        while True:
            ready = await self._pool.ready()
            self._samples.append((self._clock.monotonic(), self._works(ready, self._staying)))
            if (ending is None or ending.done()) and self._works(ready, wanted):
                return ""
            absent = [worker for worker in wanted if worker not in ready]
            await self._look_for_dead(absent)
            if self._clock.monotonic() > deadline:
                return await self._why_not(ready, absent)
            await self._clock.sleep(min(_SAMPLE, self._patience.sample))

    def _works(self, ready: Mapping[str, int | None], wanted: Collection[str]) -> bool:
        """Whether all of these work, and every task has an owner."""
        if any(worker not in ready for worker in wanted):
            return False
        tasks = _tasks(ready, tuple(ready))
        return self._tasks is None or tasks is None or tasks >= self._tasks

    async def _look_for_dead(self, absent: Collection[str]) -> None:
        running = await self._pool.workers() if absent else ()
        dead = next((worker for worker in absent if worker not in running), None)
        if dead is not None:
            said = await self._pool.last_line(dead) or "it wrote nothing"
            raise TargetError(f"worker {dead} ended while the job was rescaled: {said}")

    async def _why_not(self, ready: Mapping[str, int | None], absent: Sequence[str]) -> str:
        waited = f"after {self._patience.converge:g} s"
        if absent:
            said = await self._pool.last_line(absent[0]) or "it wrote nothing"
            return f"{', '.join(absent)} did not work {waited}: {said}"
        tasks = _tasks(ready, tuple(ready))
        return f"{tasks} of {self._tasks} tasks had an owner {waited}"


def _tasks(ready: Mapping[str, int | None], workers: Collection[str]) -> int | None:
    """Return how many tasks these have together; None where one does not tell, or does not work."""
    counts = [ready.get(worker) for worker in workers]
    known = [count for count in counts if count is not None]
    return sum(known) if counts and len(known) == len(counts) else None
