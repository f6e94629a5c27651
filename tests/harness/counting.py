"""A service that counts: the least state that shows a message lost, doubled or out of order.

Run as a process: `python -m harness.counting`, configured by `COUNTING_…`.
"""

import asyncio
import os
import zlib
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_settings import SettingsConfigDict

from daedalus_shared.control import JobControl
from daedalus_shared.events import Decision, Event, JobMetrics
from daedalus_shared.relay import Hooks
from daedalus_shared.service import Step
from daedalus_shared.settings import ServiceSettings
from daedalus_shared.streams import run

NEVER = "1970-01-01T00:00:00+00:00"


class Count(BaseModel):
    """How many reports came, and a digest of their order."""

    model_config = ConfigDict(frozen=True)

    at: str = NEVER
    count: int = 0
    digest: int = 0


class Counting:
    """Answers each report with a decision that tells count and digest."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (JobMetrics,)
    RESULTS: ClassVar[tuple[type[Event], ...]] = (Decision,)
    KIND: ClassVar[str] = "Count"
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[type[BaseModel]] = Count

    name = "counting"

    def __init__(self, instance: str, fail_on: str | None = None) -> None:
        self.instance = instance
        self._fail_on = fail_on

    def needs(
        self, _control: JobControl, _state: Count | None, _event: Event
    ) -> frozenset[type[Event]]:
        return frozenset()

    def handle(self, _control: JobControl, state: Count | None, event: Event) -> Step[Count]:
        before = state or Count()
        if not isinstance(event, JobMetrics) or event.at.isoformat() <= before.at:
            return Step(state)
        if event.job == self._fail_on:
            raise RuntimeError(f"a bug in the handling of {event.job}")
        after = count(before, event)
        told = Decision(
            job=event.job,
            at=event.at,
            tick=event.at,
            source=f"counting/{self.instance}",
            planner=self.instance,
            reason="counted",
            sentence=f"{after.count} {after.digest}",
        )
        return Step(after, (told,))


def count(before: Count, event: JobMetrics) -> Count:
    """Return the count with one more report; the digest depends on the order of all."""
    at = event.at.isoformat()
    digest = zlib.crc32(f"{before.digest}|{at}".encode())
    return Count(at=at, count=before.count + 1, digest=digest)


class Slow(Hooks[Count]):
    """Takes its time over each message, so that a kill finds one in hand."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def prepare(self, control: JobControl, state: Count | None, event: Event) -> None:
        await asyncio.sleep(self._seconds)


class Settings(ServiceSettings):
    """The environment, each variable prefixed ``COUNTING_``."""

    model_config = SettingsConfigDict(**{**ServiceSettings.model_config, "env_prefix": "COUNTING_"})


def main() -> None:
    settings = Settings.read()
    slow = Slow(float(os.environ.get("SECONDS_A_MESSAGE", "0")))
    run(Counting(settings.instance, os.environ.get("FAIL_ON")), settings, slow)


if __name__ == "__main__":
    main()
