"""What can go wrong, with the exit code that tells a script."""

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """The command's exit codes."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4


class ConsoleError(RuntimeError):
    """What was asked for was refused or failed; one line says why."""

    code: ClassVar[Exit] = Exit.REFUSED


class UsageError(ConsoleError):
    """The command line makes no sense."""

    code: ClassVar[Exit] = Exit.USAGE


class UnreachableError(ConsoleError):
    """Kafka does not answer, or does not let us in."""

    code: ClassVar[Exit] = Exit.UNREACHABLE


class ChangedError(ConsoleError):
    """Somebody else has asked for something since this person looked."""


class NotFoundError(ConsoleError):
    """There is no such job, decision or topic."""

    code: ClassVar[Exit] = Exit.NOT_FOUND
