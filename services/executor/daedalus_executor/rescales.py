"""Carries out the stored intents: a task a job, so that no job holds up another."""

import asyncio
import logging
from collections.abc import Iterable

from daedalus_executor.domain.checks import Result
from daedalus_executor.domain.state import ExecutorState, conclude
from daedalus_executor.ports import NotAllowedError, NotOwnerError, TargetError
from daedalus_executor.rescale import Means, Rescale
from daedalus_executor.upkeep import Pool, look_after
from daedalus_shared import telemetry
from daedalus_shared.control import JobControl
from daedalus_shared.events import Event, ScaleCommand, ScaleOutcome, Status
from daedalus_shared.relay import Hooks, Relay
from daedalus_shared.service import Step

log = logging.getLogger(__name__)

_TELL = 5.0
"""Seconds for telling the target of an outcome."""

UNDER_WAY = telemetry.gauge(
    "daedalus_executor_rescales_under_way", "Jobs that a command is in hand of.", by="executor"
)


class Rescales(Hooks[ExecutorState]):
    """The work beside the fold: from intent to outcome."""

    def __init__(self, means: Means, pools: Iterable[Pool] = ()) -> None:
        """Carry out commands by `means`, and look after `pools` meanwhile."""
        self._means = means
        self._pools = tuple(pools)
        self._relay: Relay[ExecutorState] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._broken: asyncio.Future[None] | None = None
        for status in Status:
            telemetry.OUTCOMES.labels(status)  # from 0 on: an increase must show at the first

    def stored(self, job: str, control: JobControl, state: ExecutorState | None) -> None:
        """Begin with, or resume, what is in hand of a job."""
        del control  # looked up when the task runs
        if state is not None and state.last is not None:
            telemetry.JOBS.fold(state.last)  # also what another replica brought about
        relay = self._relay
        if relay is None or job in self._tasks or state is None or state.pending is None:
            return
        task = asyncio.create_task(self._serve(relay, job), name=f"rescale {job}")
        self._tasks[job] = task
        UNDER_WAY.set(len(self._tasks))
        task.add_done_callback(lambda done: self._ended(job, done))

    def dropped(self) -> None:
        """Stop all work: the next owner resumes it from the stored intents."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        UNDER_WAY.set(0)

    async def background(self, relay: Relay[ExecutorState]) -> None:
        """Take up what was stored before, and fail when a task fails by a bug."""
        self._broken = asyncio.get_running_loop().create_future()
        self._relay = relay
        for job, (control, state) in relay.jobs().items():
            self.stored(job, control, state)
        upkeep = asyncio.create_task(look_after(self._pools, self._means.clock), name="upkeep")
        try:
            await asyncio.gather(self._broken, upkeep)
        finally:
            upkeep.cancel()
            tasks = list(self._tasks.values())
            self.dropped()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, job: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job) is task:
            del self._tasks[job]
            UNDER_WAY.set(len(self._tasks))
        error = None if task.cancelled() else task.exception()
        if error is not None and self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)
        elif self._relay is not None and self._relay.owns(job):
            # What was stored between the task's last look and its end.
            self.stored(job, *self._relay.jobs()[job])

    async def _serve(self, relay: Relay[ExecutorState], job: str) -> None:
        while relay.owns(job):
            control, state = relay.jobs()[job]
            if state is None or state.pending is None:
                return
            rescale = Rescale(self._means, relay, state.pending)
            try:
                result = await rescale.run(control, state)
            except NotOwnerError as error:
                # By the broker's word, which may come before the relay hears of it.
                log.warning("left alone: %s", error)
                await self._means.clock.sleep(self._means.look)
                continue
            if result is not None and not await self._conclude(
                relay, state.pending.command, result
            ):
                await self._means.clock.sleep(self._means.look)

    async def _conclude(
        self, relay: Relay[ExecutorState], command: ScaleCommand, result: Result
    ) -> bool:
        """Publish how a command ended; False when another executor serves the job now."""
        now = self._means.clock.now()
        control, _ = relay.jobs().get(command.job, (JobControl(), None))

        told: list[Event] = []

        def change(state: ExecutorState | None) -> Step[ExecutorState]:
            step = conclude(state, command, result, self._means.source, now)
            told.extend(step.events)
            over = control.newest is None and step.state is not None and not step.state.pending
            return Step(None, step.events) if over else step

        wanted = f"{command.from_scale_out} → {command.to_scale_out}"
        if not await relay.apply(command.job, change):
            log.warning("%s %s: another executor is to tell the outcome", command.job, wanted)
            return False
        log.info("%s %s: %s %s", command.job, wanted, result.status, result.why)
        await self._tell(control, told)
        return True

    async def _tell(self, control: JobControl, told: Iterable[Event]) -> None:
        """Tell those who look at the target; the topic is the record, so it may fail."""
        for outcome in told:
            if control.newest is None or not isinstance(outcome, ScaleOutcome):
                continue
            try:
                async with asyncio.timeout(_TELL):
                    await self._means.tell(control.newest, outcome)
            except (TargetError, NotAllowedError, TimeoutError) as error:
                log.warning("%s: its target was not told: %s", outcome.job, error)
