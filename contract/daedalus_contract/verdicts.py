"""What a check says: passed, failed or not tested, and one line that tells what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "not tested"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's result."""

    name: str
    """The check, one or two words."""

    mark: Mark
    said: str
    """One line: what was expected, what came, and how to mend it."""


def passed(name: str, said: str) -> Verdict:
    """Return that all is well."""
    return Verdict(name, Mark.PASSED, said)


def skipped(name: str, said: str) -> Verdict:
    """Return that this was not tested, and how it would be."""
    return Verdict(name, Mark.SKIPPED, said)


def judged(name: str, wrong: Sequence[str], *, well: str, mend: str) -> Verdict:
    """Return a verdict on a list of what is wrong: its first entry is told, and how many there are.

    Args:
        name: The check.
        wrong: What came instead of what was expected, each with its place.
        well: What is said when nothing is wrong.
        mend: How to mend it.
    """
    if not wrong:
        return passed(name, well)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Verdict(name, Mark.FAILED, f"{wrong[0]}{more}. {mend}")
