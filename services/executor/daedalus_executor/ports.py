"""What the executor asks of a target, and what can go wrong with one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from daedalus_executor.domain.checks import Found


class TargetError(RuntimeError):
    """A target does not answer, or does not do what it was asked; the message says what."""


class NotAllowedError(ValueError):
    """The executor's settings do not allow this target, or it knows no such target."""


class ExpiredError(RuntimeError):
    """The command became void before the change was made."""


class NotOwnerError(RuntimeError):
    """Another executor serves the job now: this one must not touch it."""


class Permit(Protocol):
    """Asked immediately before each change of a target, with nothing awaited in between."""

    async def __call__(self, *, finishing: bool = False) -> None:
        """Return when the change may be made.

        Args:
            finishing: The change only completes or takes back what was begun, so that the command's
                expiry does not count.

        Raises:
            ExpiredError: The command is void.
            NotOwnerError: Another executor serves the job.
            TargetError: It cannot be found out who serves the job.
        """


def finishing(permit: Permit) -> Permit:
    """Return a permit for what completes or takes back a change."""

    async def ask(*, finishing: bool = True) -> None:
        del finishing
        await permit(finishing=True)

    return ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescaled:
    """How a change of the scale-out went."""

    scale_out: int | None
    """Workers found after; None when unknown."""

    downtime: float | None
    """Seconds without processing; None when not measured."""

    converged_at: datetime | None
    """When the scale-out wanted was seen to run; None when it was not."""

    why: str = ""
    """What did not go as wanted."""

    def but(self, why: str) -> "Rescaled":
        """Return this with what did not go as wanted."""
        return replace(self, why=why)


class Target(Protocol):
    """A job that can be scaled."""

    async def read(self) -> Found:
        """Return how the job is now.

        Raises:
            TargetError: It does not answer, or knows no such job.
        """

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        """Change the scale-out and return when it has converged, or will not.

        May be called again after a crash in the middle: what is done already is not done twice.

        Raises:
            TargetError: It failed; the job was left running as it was.
            ExpiredError: The command became void first; nothing was changed.
            NotOwnerError: Another executor took over; what was begun is its business.
        """

    async def tidy(self, permit: Permit) -> None:
        """Take back preparations, such as workers started, of a change that is not made."""


class Workers(Protocol):
    """The workers of one job, whoever runs them; each method raises `TargetError` on failure."""

    @property
    def name(self) -> str:
        """What they are called together."""

    @property
    def most(self) -> int:
        """The most workers at a time."""

    async def workers(self) -> tuple[str, ...]:
        """Return the names of those that run, oldest first."""

    async def ready(self) -> Mapping[str, int | None]:
        """Return those that say of themselves that they work, each with its number of tasks.

        None stands for a worker that does not tell how many it has.
        """

    async def check(self) -> None:
        """Look whether anybody else scales them.

        Raises:
            NotAllowedError: Somebody does: two who scale the same would fight.
        """

    async def start(self, count: int, permit: Permit) -> tuple[str, ...]:
        """Start so many, by a permit for each change, and return their names.

        A Flink worker has its name as its resource id.
        """

    async def narrow(self, worker: str) -> None:
        """Give one its lasting CPU quota."""

    async def stop(self, workers: Sequence[str], permit: Permit) -> None:
        """End these by a permit for each change, and return when they have ended."""

    async def last_line(self, worker: str) -> str:
        """Return the last line that a worker wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what, in seconds."""

    converge: float
    """For the job to work at the scale-out asked for."""

    register: float = 60.0
    """For a started worker: 3 s with a whole core, 16 s with a quarter of one."""

    release: float = 60.0
    """For the engine to free workers: 7 to 9 s with a slot idle timeout of 5 s."""

    sample: float = 0.5
    """Between two looks at the job."""


class Clock(Protocol):
    """The time, and waiting."""

    def now(self) -> datetime:
        """Return the wall clock's time, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that go on while the process is stopped, and never back."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
