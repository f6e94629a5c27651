"""What can go wrong on the command line, with the exit code that tells a script."""

from typing import ClassVar


class CommandError(RuntimeError):
    """What was asked for was refused or failed; one line says why."""

    code: ClassVar[int] = 1


class UsageError(CommandError):
    """The command line makes no sense."""

    code: ClassVar[int] = 2


class UnreachableError(CommandError):
    """Kafka does not answer."""

    code: ClassVar[int] = 3


class NotFoundError(CommandError):
    """There is no such job, topic or file, or nothing in it."""

    code: ClassVar[int] = 4
