"""The computer's clocks."""

import asyncio
import time
from datetime import UTC, datetime

from daedalus_monitor.domain.counters import Moment


class SystemClock:
    """Wall clock and steady clock of this machine."""

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment(datetime.now(UTC), time.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds; at once when they are negative."""
        await asyncio.sleep(max(0.0, seconds))
