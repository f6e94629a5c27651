"""Keeps one watch a job that this replica owns: each in a task of its own, so none waits."""

import asyncio
import logging

from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.monitor import Draft, Monitor, MonitorState
from daedalus_monitor.ports import Clock, Connect
from daedalus_monitor.watch import Watch
from daedalus_shared.control import JobControl
from daedalus_shared.relay import Hooks, Relay

log = logging.getLogger(__name__)


class Polling(Hooks[MonitorState]):
    """What the monitor does beside its fold."""

    def __init__(self, monitor: Monitor, connect: Connect, clock: Clock, still_after: int) -> None:
        self._monitor = monitor
        self._connect = connect
        self._clock = clock
        self._still_after = still_after
        self._controls: dict[str, JobControl] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    def stored(self, job: str, control: JobControl, state: MonitorState | None) -> None:
        """Take note of what is wanted of a job."""
        del state
        self._controls[job] = control
        if (control.newest is not None) != self._watched(job):
            self._changed.set()

    def dropped(self) -> None:
        """Stop all watches: the jobs are somebody else's now."""
        self._controls.clear()
        for job in list(self._watches):
            self._stop(job)

    async def background(self, relay: Relay[MonitorState]) -> None:
        """Start and stop watches as jobs come and go; a bug in one ends the service."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._changed.clear()
                    self._reconcile(tasks, relay)
                    await self._changed.wait()
        finally:
            await self._connect.close()

    def _reconcile(self, tasks: asyncio.TaskGroup, relay: Relay[MonitorState]) -> None:
        for job, control in self._controls.items():
            if control.newest is None:
                self._stop(job)
            elif not self._watched(job):
                log.info("watching %s", job)
                self._watches[job] = tasks.create_task(self._watch(job, relay), name=job)

    async def _watch(self, job: str, relay: Relay[MonitorState]) -> None:
        async def publish(draft: Draft, now: Moment) -> None:
            # Forgotten while its last look was under way: a report would bring its state back.
            if self._controls.get(job, JobControl()).newest is not None:
                await relay.apply(job, lambda state: self._monitor.report(state, draft, now.wall))

        watch = Watch(
            control=lambda: self._controls.get(job, JobControl()),
            connect=self._connect,
            clock=self._clock,
            publish=publish,
            still_after=self._still_after,
        )
        await watch.run()

    def _watched(self, job: str) -> bool:
        task = self._watches.get(job)
        return task is not None and not task.done()

    def _stop(self, job: str) -> None:
        task = self._watches.pop(job, None)
        if task is not None:
            task.cancel()
