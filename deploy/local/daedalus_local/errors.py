"""What can go wrong with the local stack, each as one line for the person at the terminal."""

from typing import ClassVar


class StackError(RuntimeError):
    """Something outside this program is missing, taken or broken; the message says what to do."""

    code: ClassVar[int] = 1
    """The command's exit code: the same as of the other commands."""


class OptionError(StackError):
    """What was asked for makes no sense."""

    code: ClassVar[int] = 2


class NoFileError(StackError):
    """A file that was named is not there."""

    code: ClassVar[int] = 4
