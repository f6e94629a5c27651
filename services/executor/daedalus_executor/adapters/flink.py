"""A Flink job as a target: resource requirements over REST, and a pool that gives it workers.

Up: start workers → registered → ask for the parallelism → converged → narrow their quotas. Not
before: deploying a job takes a new worker 2.4 CPU seconds, 12 s of downtime at a fifth of a core.
Down: ask for the parallelism → converged → wait for freed workers → stop exactly those, since
which ones Flink frees is arbitrary. A job without a pool is given no workers, its parallelism alone
is set.

Downtime is the time in which not all tasks worked. The job's state is sampled while it changes;
that its tasks are still being deployed and restored afterwards only shows in details that the
server refreshes each 3 s by default, so that part is taken from the tasks' own times.
"""

import logging

from daedalus_executor.adapters.flink_rest import FlinkRest, Job
from daedalus_executor.adapters.flink_watch import JobWatch
from daedalus_executor.adapters.flink_workers import FlinkWorkers
from daedalus_executor.domain.checks import Found
from daedalus_executor.ports import (
    Clock,
    ExpiredError,
    Patience,
    Permit,
    Rescaled,
    TargetError,
    Workers,
)

log = logging.getLogger(__name__)


class FlinkTarget:
    """One job of one Flink cluster."""

    def __init__(
        self, rest: FlinkRest, name: str, pool: Workers | None, patience: Patience, clock: Clock
    ) -> None:
        self._rest = rest
        self._name = name
        self._workers = None if pool is None else FlinkWorkers(rest, pool, patience, clock)
        self._watch = JobWatch(rest, name, patience, clock)
        self._patience = patience
        self._clock = clock

    async def read(self) -> Found:
        """Return how the job is now."""
        if self._workers is not None:
            await self._workers.check()
        job = await self._rest.find(self._name)
        managers = await self._rest.task_managers()
        most = min((vertex.most for vertex in job.vertices), default=job.scale_out)
        bounds = [(most, f"the job's maximum parallelism is {most}")]
        if self._workers is not None:
            bounds.append(self._workers.most(managers))
        else:
            free = sum(manager.free for manager in managers)
            bounds.append((job.scale_out + free, f"{free} more slots are free"))
        most, limit = min(bounds)
        return Found(
            scale_out=job.scale_out,
            running=job.runs,
            status="starting" if job.state == "RUNNING" else job.state,
            most=most,
            limit=limit,
        )

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        """Change the job's parallelism, and the number of its workers with it."""
        job = await self._rest.find(self._name)
        try:
            rescaled = await self._provide_and_change(job, wanted, permit)
        except (ExpiredError, TargetError):
            await self._tidy_if_possible(permit)
            raise
        if rescaled.converged_at is None:
            await self._tidy_if_possible(permit)
        elif self._workers is not None:
            rescaled = rescaled.but(await self._workers.release(wanted, permit))
        return rescaled

    async def _provide_and_change(self, job: Job, wanted: int, permit: Permit) -> Rescaled:
        if self._workers is None:
            return await self._change(job, wanted, permit)
        try:
            await self._workers.provide(wanted - job.scale_out, permit)
            return await self._change(job, wanted, permit)
        finally:
            await self._workers.narrow()

    async def tidy(self, permit: Permit) -> None:
        """Stop the workers that the job does not use."""
        if self._workers is not None:
            job = await self._rest.find(self._name)
            await self._workers.stop_idle(job.scale_out, permit)

    async def _tidy_if_possible(self, permit: Permit) -> None:
        try:
            await self.tidy(permit)
        except TargetError as error:
            log.warning("unused workers of %s are left: %s", self._name, error)

    async def _change(self, job: Job, wanted: int, permit: Permit) -> Rescaled:
        """Ask for the parallelism, unless it is there already, and wait for it."""
        if job.runs_at(wanted):  # asked for before a crash: how long it was down is not known
            return Rescaled(scale_out=wanted, downtime=None, converged_at=self._clock.now())
        await self._rest.require(job, wanted, permit)
        arrived = await self._watch.arrived(job, lambda found: found.runs_at(wanted))
        if isinstance(arrived, Rescaled):
            return arrived
        return await self._give_up(job, wanted, permit, arrived)

    async def _give_up(self, job: Job, wanted: int, permit: Permit, trouble: str) -> Rescaled:
        """Ask for what runs now, so that nothing changes by itself later."""
        found = await self._rest.find(self._name)
        present = found.scale_out if found.runs else job.scale_out
        await self._rest.require(found, present, permit, finishing=True)
        run = f"{present} of {wanted} workers run" if found.runs else f"the job is {found.state}"
        why = f"{run} after {self._patience.converge:g} s"
        return Rescaled(
            scale_out=present if found.runs else None,
            downtime=None,
            converged_at=None,
            why=f"{why} ({trouble})" if trouble else why,
        )
