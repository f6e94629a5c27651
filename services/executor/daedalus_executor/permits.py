"""The last question before each change of a target: is this command still ours, and still good?"""

import logging
from typing import Protocol

from daedalus_executor.domain.checks import expired
from daedalus_executor.ports import Clock, ExpiredError, NotOwnerError, TargetError
from daedalus_shared.events import ScaleCommand

log = logging.getLogger(__name__)

_ATTEMPTS = 5
"""Answers of the broker that may come too late, before the change is given up."""


class Ownership(Protocol):
    """Knows which replica serves a job."""

    async def confirm(self, job: str) -> bool:
        """Ask the broker whether this replica still does."""


class CommandPermit:
    """The permit for one command.

    A process may be stopped at any instant, for longer than its session lasts, and woken up when
    another has taken over. So the broker's word is only good for a moment, measured by a clock
    that goes on meanwhile and from before the question was asked.
    """

    def __init__(
        self, command: ScaleCommand, ownership: Ownership, clock: Clock, fresh: float
    ) -> None:
        self._command = command
        self._ownership = ownership
        self._clock = clock
        self._fresh = fresh

    async def __call__(self, *, finishing: bool = False) -> None:
        """Return when the change may be made now."""
        job = self._command.job
        for _ in range(_ATTEMPTS):
            asked = self._clock.monotonic()
            if not await self._ownership.confirm(job):
                raise NotOwnerError(f"{job} is served by another executor")
            if not finishing and expired(self._command, self._clock.now()):
                raise ExpiredError(f"void since {self._command.expires_at.isoformat()}")
            if self._clock.monotonic() - asked <= self._fresh:
                return
        raise TargetError(f"the broker takes more than {self._fresh:g} s to say who serves {job}")
