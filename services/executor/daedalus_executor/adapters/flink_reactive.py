"""A Flink job that uses all workers that it is given: reactive mode.

Only the number of workers is changed; the job's parallelism follows. Which worker's work moves is
not asked for, so a scale-down ends the youngest and the job restarts from its last checkpoint.
"""

import asyncio

from daedalus_executor.adapters.flink_rest import FlinkRest, Job
from daedalus_executor.adapters.flink_watch import JobWatch
from daedalus_executor.domain.checks import Found
from daedalus_executor.ports import (
    Clock,
    NotAllowedError,
    Patience,
    Permit,
    Rescaled,
    TargetError,
    Workers,
    finishing,
)


class ReactiveTarget:
    """One job whose workers are all those of its cluster."""

    def __init__(
        self, rest: FlinkRest, name: str, workers: Workers, patience: Patience, clock: Clock
    ) -> None:
        self._rest = rest
        self._name = name
        self._workers = workers
        self._watch = JobWatch(rest, name, patience, clock)
        self._patience = patience

    async def read(self) -> Found:
        """Return how the job is now."""
        await self._workers.check()
        job = await self._rest.find(self._name)
        bounds = [
            (_most(job), f"the job's maximum parallelism is {_most(job)}"),
            (
                self._workers.most * await self._slots(),
                f"{self._workers.name} holds {self._workers.most} workers",
            ),
        ]
        most, limit = min(bounds)
        return Found(
            scale_out=job.scale_out,
            running=job.runs,
            status="starting" if job.state == "RUNNING" else job.state,
            most=most,
            limit=limit,
            stepwise=True,
        )

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        """Start or end workers, and wait until the job uses all that are left."""
        slots = await self._slots()
        if wanted % slots:
            raise NotAllowedError(
                f"a worker has {slots} slots and a reactive job uses all: {wanted} is none of "
                f"their multiples"
            )
        job = await self._rest.find(self._name)
        present = await self._workers.workers()
        more = wanted // slots - len(present)
        started: tuple[str, ...] = ()
        if more > 0:
            started = await self._workers.start(more, permit)
        ending = None
        if more < 0:
            await permit()
            leaving = present[wanted // slots :]
            ending = asyncio.ensure_future(self._workers.stop(leaving, finishing(permit)))
        try:
            rescaled = await self._watch.arrived(
                job, lambda found: found.runs and found.scale_out == wanted
            )
            if ending is not None:
                await ending
        except TargetError:
            await self._take_back(started, permit)
            raise
        finally:
            if ending is not None:
                ending.cancel()
            for worker in started:
                await self._workers.narrow(worker)
        if isinstance(rescaled, Rescaled):
            return rescaled
        why = await self._why_not(wanted, started, rescaled)
        await self._take_back(started, permit)
        return Rescaled(scale_out=None, downtime=None, converged_at=None, why=why)

    async def tidy(self, permit: Permit) -> None:
        """Leave it as it is: a worker that was started is at work, and no preparation."""

    async def _take_back(self, started: tuple[str, ...], permit: Permit) -> None:
        left = [each for each in await self._workers.workers() if each in started]
        if left:
            await self._workers.stop(left, finishing(permit))

    async def _why_not(self, wanted: int, started: tuple[str, ...], trouble: str) -> str:
        waited = f"after {self._patience.converge:g} s"
        if trouble:
            return f"{trouble} {waited}"
        registered = {manager.id for manager in await self._rest.task_managers()}
        absent = [worker for worker in started if worker not in registered]
        if absent:
            said = await self._workers.last_line(absent[0]) or "it wrote nothing"
            return f"{', '.join(absent)} did not register {waited}: {said}"
        job = await self._rest.find(self._name)
        return f"{job.scale_out} of {wanted} slots are used {waited}"

    async def _slots(self) -> int:
        managers = await self._rest.task_managers()
        return max((manager.slots for manager in managers), default=1) or 1


def _most(job: Job) -> int:
    """Return the most slots that a job can use: those of its widest vertex."""
    return max((vertex.most for vertex in job.vertices), default=job.scale_out)
