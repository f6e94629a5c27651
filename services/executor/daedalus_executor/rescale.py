"""One command from stored intent to its end, with every check on the way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from daedalus_executor.domain.checks import Found, Known, Result, judge, refuse
from daedalus_executor.domain.state import (
    ExecutorState,
    Intent,
    begin,
    in_hand,
    noticed,
    observe,
)
from daedalus_executor.permits import CommandPermit
from daedalus_executor.ports import (
    Clock,
    ExpiredError,
    NotAllowedError,
    NotOwnerError,
    Permit,
    Target,
    TargetError,
)
from daedalus_shared.control import JobControl
from daedalus_shared.events import ScaleOutcome, Status
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.relay import Relay


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a rescale is carried out with."""

    target: Callable[[JobSpec], Target]
    """The target of a job; raises `NotAllowedError`."""

    tell: Callable[[JobSpec, ScaleOutcome], Awaitable[None]]
    """Tells whoever looks at the target, not at our topics, what became of a command."""

    clock: Clock
    source: str
    """Who the outcomes come from."""

    fresh: float
    """Seconds that the broker's word on who serves a job is good for."""

    look: float
    """Seconds between two looks at a job that is in transit."""


class Rescale:
    """One attempt to bring one command to its end."""

    def __init__(self, means: Means, relay: Relay[ExecutorState], intent: Intent) -> None:
        self._means = means
        self._relay = relay
        self._intent = intent
        self._command = intent.command
        self._permit: Permit = CommandPermit(self._command, relay, means.clock, means.fresh)

    async def run(self, control: JobControl, state: ExecutorState) -> Result | None:
        """Return how the command ended; None when another has taken its place.

        Raises:
            NotOwnerError: Another executor serves the job; the command is its business.
        """
        command, spec = self._command, control.newest
        if spec is None:
            return Result(status=Status.REFUSED, why="the job is not declared")
        begun = self._intent.started_at is not None
        if not begun and (refused := refuse(command, spec, self._means.clock.now())):
            return refused
        try:
            target = self._means.target(spec)
            found = await (self._settled(target, spec) if begun else target.read())
            if begun and found.scale_out != command.to_scale_out:
                ended = refuse(command, spec, self._means.clock.now()) or self._judge(state, found)
            else:
                ended = self._judge(state, found)
            if ended is None:
                return await self._carry_out(target, found)
            if begun:
                await target.tidy(self._permit)
        except NotAllowedError as error:
            return Result(status=Status.REFUSED, why=str(error))
        except TargetError as error:
            return Result(status=Status.FAILED, why=str(error))
        return ended

    def _judge(self, state: ExecutorState, found: Found) -> Result | None:
        seen = observe(state, found.scale_out if found.running else None)
        undone = noticed(state, found.scale_out, self._command.tick) if found.running else None
        known = Known(
            scale_out=state.scale_out,
            generation=seen.generation,
            begun=self._intent.started_at is not None,
            left_alone=undone.sentence() if undone and self._command.tick < undone.until else "",
        )
        return judge(self._command, known, found)

    async def _carry_out(self, target: Target, found: Found) -> Result | None:
        command, now = self._command, self._means.clock.now()
        if not await self._relay.apply(
            command.job, lambda state: begin(state, command, found.scale_out, now)
        ):
            raise NotOwnerError(f"{command.job} is served by another executor")
        if not self._in_hand():
            return None
        try:
            rescaled = await target.scale(command.to_scale_out, self._permit)
        except ExpiredError as error:
            return await self._failed(target, Status.EXPIRED, error)
        except (TargetError, NotAllowedError) as error:
            return await self._failed(target, Status.FAILED, error)
        converged = rescaled.converged_at is not None
        return Result(
            status=Status.APPLIED if converged else Status.DID_NOT_CONVERGE,
            why=rescaled.why,
            after=rescaled.scale_out,
            downtime=rescaled.downtime,
            converged_at=rescaled.converged_at,
        )

    def _in_hand(self) -> bool:
        """Whether the command was not superseded while the target was looked at."""
        if not self._relay.owns(self._command.job):
            raise NotOwnerError(f"{self._command.job} is served by another executor")
        _, state = self._relay.jobs()[self._command.job]
        return in_hand(state, self._command) is not None

    async def _failed(self, target: Target, status: Status, error: Exception) -> Result:
        try:
            found = await target.read()
        except (TargetError, NotAllowedError):
            return Result(status=status, why=str(error))
        after = found.scale_out if found.running else None
        return Result(status=status, why=str(error), after=after)

    async def _settled(self, target: Target, spec: JobSpec) -> Found:
        """Return how the job is when what was begun before a crash is no longer in transit."""
        clock = self._means.clock
        deadline = clock.monotonic() + spec.policy.converge_within
        while not (found := await target.read()).running and clock.monotonic() < deadline:
            await clock.sleep(self._means.look)
        return found
