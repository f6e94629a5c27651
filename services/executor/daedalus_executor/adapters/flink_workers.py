"""The pool behind a Flink job: as many TaskManagers as the job has use for."""

import math
from collections.abc import Sequence

from daedalus_executor.adapters.flink_rest import FlinkRest, TaskManager
from daedalus_executor.ports import Clock, Patience, Permit, TargetError, Workers, finishing


class FlinkWorkers:
    """Starts what is missing and stops what is free."""

    def __init__(self, rest: FlinkRest, pool: Workers, patience: Patience, clock: Clock) -> None:
        self._rest = rest
        self._pool = pool
        self._patience = patience
        self._clock = clock

    def most(self, managers: Sequence[TaskManager]) -> tuple[int, str]:
        """Return the most slots that the pool can give, and why no more."""
        limit = f"pool {self._pool.name} holds {self._pool.most} workers"
        return self._pool.most * _slots(managers), limit

    async def check(self) -> None:
        """Refuse what somebody else scales too."""
        await self._pool.check()

    async def provide(self, slots: int, permit: Permit) -> None:
        """Start workers until so many slots are free; return when all have registered.

        Workers that were started before a crash count, whether they have registered yet or not.
        """
        managers = await self._rest.task_managers()
        registered = {manager.id for manager in managers}
        coming = [each for each in await self._pool.workers() if each not in registered]
        free = sum(manager.free for manager in managers)
        missing = math.ceil((slots - free) / _slots(managers))
        if missing > len(coming):
            coming += await self._pool.start(missing - len(coming), permit)
        if missing > 0:
            await self._registered(coming)

    async def narrow(self) -> None:
        """Give all workers their lasting quota."""
        for worker in await self._pool.workers():
            await self._pool.narrow(worker)

    async def release(self, needed: int, permit: Permit) -> str:
        """Stop workers beyond the slots needed, as the engine frees them; return what is amiss."""
        deadline = self._clock.monotonic() + self._patience.release
        while (left := await self.stop_idle(needed, permit)) > 0:
            if self._clock.monotonic() > deadline:
                return f"{left} workers were not freed within {self._patience.release:g} s"
            await self._clock.sleep(self._patience.sample)
        return ""

    async def stop_idle(self, needed: int, permit: Permit) -> int:
        """Stop unused workers beyond the slots needed; return how many are too many still."""
        managers = {manager.id: manager for manager in await self._rest.task_managers()}
        workers = await self._pool.workers()
        coming = [worker for worker in workers if worker not in managers]
        idle = [each for each in workers if each in managers and managers[each].idle]
        a_worker = _slots(list(managers.values()))
        present = sum(manager.slots for manager in managers.values()) + len(coming) * a_worker
        surplus = max(0, min(len(workers), (present - needed) // a_worker))
        ended = [*coming, *reversed(idle)][:surplus]
        if ended:
            await self._pool.stop(ended, finishing(permit))
        return surplus - len(ended)

    async def _registered(self, coming: Sequence[str]) -> None:
        deadline = self._clock.monotonic() + self._patience.register
        while True:
            registered = {manager.id for manager in await self._rest.task_managers()}
            running = await self._pool.workers()
            absent = [worker for worker in coming if worker not in registered]
            if not absent:
                return
            ended = next((worker for worker in absent if worker not in running), None)
            if ended is not None:
                said = await self._pool.last_line(ended) or "it wrote nothing"
                raise TargetError(f"worker {ended} ended before it had registered: {said}")
            if self._clock.monotonic() > deadline:
                waited = f"within {self._patience.register:g} s"
                said = await self._pool.last_line(absent[0])
                raise TargetError(f"{', '.join(absent)} did not register {waited}: {said}")
            await self._clock.sleep(self._patience.sample)


def _slots(managers: Sequence[TaskManager]) -> int:
    """Return how many slots a worker has; 1 while none is there to ask."""
    return max((manager.slots for manager in managers), default=1) or 1
