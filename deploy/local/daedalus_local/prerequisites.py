"""What this machine must have before a stack starts; one line for each thing that it lacks."""

import platform
import shutil
from collections.abc import Callable

from daedalus_local import java, proc
from daedalus_local.errors import StackError

MEMORY = 4 * 2**30
"""Bytes: Kafka 0.3 GB, JobManager 0.4, six workers 0.35 each, six services 0.1 to 0.4."""

MEMORY_SIMULATED = 2 * 2**30
"""Bytes: Kafka and five services."""


def check(*, memory: int = MEMORY) -> None:
    """Raise one error that names all that is missing."""
    problems = [said for said in (_problem(each) for each in _checks(memory)) if said]
    if problems:
        raise StackError("\n".join(problems))


def _checks(memory: int) -> list[Callable[[], None]]:
    return [_linux, _jdk, _maven, lambda: enough_memory(proc.free_memory(), memory)]


def enough_memory(free: int, needed: int) -> None:
    """Raise an error when fewer than `needed` bytes are free."""
    if free < needed:
        raise StackError(
            f"{free / 2**30:.1f} GB of memory are free, {needed / 2**30:.0f} GB are needed"
        )


def _linux() -> None:
    if platform.system() != "Linux":
        raise StackError(
            f"the local stack needs Linux (this is {platform.system()}): it finds its processes "
            "again by /proc"
        )


def _jdk() -> None:
    java.find("java")
    java.find("javac")


def _maven() -> None:
    if shutil.which("mvn") is None:
        raise StackError("mvn not found: install Maven (Debian: apt-get install maven)")


def _problem(check: Callable[[], None]) -> str | None:
    try:
        check()
    except StackError as error:
        return str(error)
    return None
