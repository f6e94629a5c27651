"""What the tests of rescales share: a clock that obeys, and permits that run out."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from daedalus_executor.ports import NotOwnerError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self, passed: float = 0.0) -> None:
        self.passed = passed

    def now(self) -> datetime:
        """Return noon and what has passed since."""
        return NOON + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Return the seconds passed."""
        return self.passed

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and others run."""
        self.passed += seconds
        await asyncio.sleep(0)


@dataclass
class Permits:
    """Records what it was asked for, and refuses from the n-th on."""

    refuse: Exception | None = None
    after: float = math.inf
    asked: list[bool] = field(default_factory=list)

    async def __call__(self, *, finishing: bool = False) -> None:
        """Allow it, or refuse; what completes a change is refused to one who is not the owner."""
        self.asked.append(finishing)
        owner_is_other = isinstance(self.refuse, NotOwnerError)
        if self.refuse and len(self.asked) > self.after and (owner_is_other or not finishing):
            raise self.refuse
