"""A reading is a value, or the reason why there is none. It is never a stand-in number."""

import math
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")
N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a signal could not be read."""

    why: str


Reading: TypeAlias = T | Unknown
"""A value or the reason why there is none."""

MOST = 2.0**63
"""No counter of a JVM or of Kafka goes as far: sums of what reads less stay finite."""

CPU_SLACK = 1.1
"""A CPU share above 1 by measuring is cut; from here on it is nonsense."""


def number(value: object, what: str) -> Reading[float]:
    """Read a number that can neither be negative nor NaN, nor more than a counter can hold.

    >>> number("12.5", "throughput")
    12.5
    >>> number("NaN", "throughput")
    Unknown(why="throughput reads 'NaN', not a number")
    >>> number(-1, "lag")
    Unknown(why='lag reads -1, which is negative')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return Unknown(f"{what} reads {value!r}, not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return Unknown(f"{what} reads {value!r}, not a number")
    if not math.isfinite(found):
        return Unknown(f"{what} reads {value!r}, not a number")
    if found < 0:
        return Unknown(f"{what} reads {value!r}, which is negative")
    if found > MOST:
        return Unknown(f"{what} reads {value!r}, more than there can be")
    return found


def share(value: object, what: str) -> Reading[float]:
    """Read a part of a whole.

    >>> share("0.25", "CPU"), share(1.02, "CPU")
    (0.25, 1.0)
    >>> share(250, "CPU")
    Unknown(why='CPU reads 250, not a share of 1')
    """
    found = number(value, what)
    if isinstance(found, Unknown):
        return found
    if found > CPU_SLACK:
        return Unknown(f"{what} reads {value!r}, not a share of 1")
    return min(found, 1.0)


def within(reading: Reading[N], most: N, what: str) -> Reading[N]:
    """Return a reading from 0 to the most that an event may tell; any other is unknown.

    >>> within(12.5, 1e15, "lag"), within(1e16, 1e15, "lag")
    (12.5, Unknown(why='lag reads more than the 1e+15 that there can be'))
    """
    if isinstance(reading, Unknown) or 0 <= reading <= most:
        return reading
    if reading > most:
        return Unknown(f"{what} reads more than the {most:g} that there can be")
    return Unknown(f"{what} reads {reading:g}, which there cannot be")


def either(first: Reading[T], second: Reading[T]) -> Reading[T]:
    """Return the first reading, the second where the first is unknown, or both reasons."""
    if not isinstance(first, Unknown):
        return first
    if not isinstance(second, Unknown):
        return second
    return first if first == second else Unknown(f"{first.why}; {second.why}")


def load(value: object, what: str) -> Reading[float]:
    """Read a JVM's CPU load since it was read last.

    The JDK says exactly 0 where it has nothing to compare with: the first time, and when somebody
    else has read it within the same period of the quota. A JVM that runs is never at 0.

    >>> load("0.065", "CPU")
    0.065
    >>> load("0.0", "CPU")
    Unknown(why='CPU was read by somebody else just now, and says nothing')
    """
    found = share(value, what)
    return (
        Unknown(f"{what} was read by somebody else just now, and says nothing")
        if found == 0
        else found
    )
