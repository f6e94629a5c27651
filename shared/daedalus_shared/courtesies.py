"""How considerate a planner is beyond its plan: what users of other autoscalers know by name.

All of it is off by default. How the courtesies stack is documented in docs/method.md (Courtesies).
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from daedalus_shared.durations import Seconds
from daedalus_shared.section import Part, PositiveSeconds, Section


def _cron(expression: str) -> str:
    """Return the expression if it has five fields and ever fires.

    Raises:
        ValueError: It does not.
    """
    hint = "write five fields, such as `0 9 * * MON-FRI`"
    if len(expression.split()) != 5:
        raise ValueError(f"not a cron expression; {hint}")
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"{str(error).lower()} in the cron expression; {hint}") from error
    except StopIteration as error:
        raise ValueError(f"never comes; {hint}") from error
    return expression


def _zone(name: str) -> str:
    """Return the name if a time zone is known by it.

    Raises:
        ValueError: None is.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("no known time zone; write one such as Europe/Berlin or UTC") from error
    return name


Cron = Annotated[str, AfterValidator(_cron)]
"""Minute, hour, day of month, month, day of week, as Debian's cron reads them."""

Zone = Annotated[str, AfterValidator(_zone)]
"""A time zone's name in the IANA database."""


class Way(Section):
    """What holds for rescales in one direction."""

    workers: int | None = Field(default=None, ge=1)
    """At most so many workers more, or fewer, in one rescale; null for any number."""

    percent: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """At most so many per cent of the present workers, rounded up; null for any number. Where
    `workers` is set too, the one that allows more holds (as in the HPA's `selectPolicy: Max`)."""

    cooldown: Seconds = 0.0
    """Seconds without such a rescale after the end of the last one of either direction, whoever
    made it."""


class Down(Way):
    """What holds for scale-downs."""

    delay: Seconds = 0.0
    """Seconds for which all plans must have wanted fewer workers; the highest wish within them is
    gone down to (as the HPA's `stabilizationWindowSeconds`, 300 there)."""


class Window(Section):
    """A time that comes again, by the calendar: a compressed run does not compress it."""

    cron: Cron
    """When it begins: minute, hour, day of month, month, day of week."""

    duration: PositiveSeconds
    """Seconds that it lasts."""

    zone: Zone = "UTC"
    """Time zone of `cron`, such as Europe/Berlin."""

    why: str = ""
    """What for; decisions repeat it."""


class Blackout(Window):
    """No rescale in this time, but what people ask for and what brings the job into its bounds."""

    direction: Literal["up", "down", "both"] = "both"
    """Which rescales it forbids."""


class Floor(Window):
    """At least so many workers in this time."""

    scale_out: int = Field(ge=1)
    """Workers."""


class Budget(Section):
    """How many rescales there may be."""

    rescales: int = Field(ge=1, le=50)
    """At most so many within `per`, whether they went well or not."""

    per: PositiveSeconds = 86_400.0
    """Seconds, ending now, in which they are counted."""

    spare_overload: bool = True
    """Whether a scale-up is free without which the backlog would last longer than
    `recovery_target`; it still counts for later ones."""


class Fallback(Section):
    """How many workers to have when nothing is known (as KEDA's `fallback`)."""

    scale_out: int = Field(ge=1)
    """At least so many workers; a job that has more keeps them."""

    after: int = Field(default=3, ge=1)
    """Ticks in a row without a capacity, workload or lag, or without the analyzer, before it
    holds (KEDA's `failureThreshold`)."""


class Revert(Section):
    """How a scale-up that brought nothing is taken back.

    As the Flink operator's detection of ineffective scaling, which only forbids the next one.
    """

    gain: Part = 0.1
    """A scale-up whose measured gain in capacity is below this part of the promised one brought
    nothing (the operator's `scaling.effectiveness.threshold`)."""

    back_off: PositiveSeconds = 1800.0
    """Seconds without another scale-up beyond the former scale-out; doubles each time."""

    longest: PositiveSeconds = 86_400.0
    """Seconds that it doubles up to; after as many without one more, it begins anew."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.back_off > self.longest:
            raise ValueError(f"back_off {self.back_off:g}s is above longest {self.longest:g}s")
        return self


class Unknown(Section):
    """What stands in for a signal that is unknown at a tick.

    Nothing that stands in is a ground to scale down.
    """

    workload: Literal["hold", "last_good", "forecast"] = "hold"
    """`hold` changes nothing, `last_good` goes on with the last one known, `forecast` takes the
    forecast's word for it."""

    lag: Literal["hold", "last_good", "forecast"] = "hold"
    """The same; `forecast` plans by the forecast alone, as if nothing waited."""

    capacity: Literal["hold", "last_good"] = "hold"
    """The same, of all scale-outs."""

    good_for: PositiveSeconds = 300.0
    """Seconds for which a last one known is good; then the job is held."""


class Courtesies(Section):
    """What a rescale must respect beside the plan."""

    up: Way = Way()
    """Limits of scale-ups."""

    down: Down = Down()
    """Limits of scale-downs."""

    blackouts: tuple[Blackout, ...] = Field(default=(), max_length=50)
    """Times without rescales."""

    floors: tuple[Floor, ...] = Field(default=(), max_length=50)
    """Times with a least number of workers; the highest of those that hold counts."""

    budget: Budget | None = None
    """How many rescales there may be; null for any number."""

    fallback: Fallback | None = None
    """Workers when nothing is known; null to hold."""

    revert: Revert | None = None
    """Takes a scale-up back that brought nothing; null to leave it."""

    unknown: Unknown = Unknown()
    """What stands in for an unknown signal."""
