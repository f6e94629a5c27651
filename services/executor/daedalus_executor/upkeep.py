"""Looks after pools between commands: a worker that died by itself must not seem to be there.

Whoever reads where the workers answer (the monitor, a Prometheus) would wait for it for ever. To
look is enough: a pool clears away what has ended.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from daedalus_executor.ports import Clock, TargetError

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks: sooner than a Kafka Streams group gives up a silent member."""


class Pool(Protocol):
    """What clears away its dead when it is looked at."""

    @property
    def name(self) -> str:
        """What it is called."""

    async def workers(self) -> tuple[str, ...]:
        """Return who runs; may raise `TargetError`."""


async def look_after(pools: Iterable[Pool], clock: Clock) -> None:
    """Look at each pool now and then, until cancelled; return when there is none."""
    pools = tuple(pools)
    said: dict[str, str] = {}
    while pools:
        for pool in pools:
            try:
                await pool.workers()
            except (TargetError, OSError) as error:
                if said.get(pool.name) != str(error):
                    log.warning("cannot look after pool %s: %s", pool.name, error)
                said[pool.name] = str(error)
            else:
                said.pop(pool.name, None)
            await asyncio.sleep(0)
        await clock.sleep(EVERY)
