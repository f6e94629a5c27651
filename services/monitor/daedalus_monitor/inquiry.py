"""Asks all sources of one job at once, and waits for none of them longer than the look may take."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook, credible, merged
from daedalus_monitor.domain.offsets import Offsets
from daedalus_monitor.domain.readings import Reading, Unknown, within
from daedalus_monitor.ports import LatencySource, SourceError, Sources
from daedalus_shared.durations import LONGEST

T = TypeVar("T")

FACTS_FOR = 12
"""Looks for which max parallelism and checkpoint interval are remembered: a source that is only
needed for these is not asked each time."""

NO_SOURCE = (
    "no source tells of this engine's workers: the job file has neither engine.metrics nor "
    "metrics.prometheus"
)

NO_FACTS = EngineLook.nothing("not seen yet")


class Inquiry:
    """The sources of one job."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._facts = NO_FACTS
        self._age = 0

    async def look(self, now: Moment, budget: float) -> tuple[EngineLook, Offsets]:
        """Ask all; what fails or takes more than `budget` seconds is unknown with the reason."""
        engine, offsets, latency = await asyncio.gather(
            self._engine(now, budget),
            _bounded(self._sources.offsets.look(), budget),
            _latency(self._sources.latency, now, budget),
        )
        if latency is not None:
            engine = replace(engine, latency=latency)
        return engine, Offsets.nothing(offsets.why) if isinstance(offsets, Unknown) else offsets

    async def _engine(self, now: Moment, budget: float) -> EngineLook:
        """Ask one engine source after the other, until nothing is unknown."""
        sources = self._sources.engines
        if not sources:
            return EngineLook.nothing(NO_SOURCE)
        self._age += 1
        facts = self._facts if self._age < FACTS_FOR else NO_FACTS
        found: EngineLook | None = None
        for source in sources:
            answer = await _bounded(source.look(now), budget / len(sources))
            look = (
                EngineLook.nothing(answer.why) if isinstance(answer, Unknown) else credible(answer)
            )
            found = look if found is None else merged(found, look)
            if self._complete(found.with_facts(facts)):
                break
        found = found or NO_FACTS
        if found.knows_facts:
            self._facts, self._age = found, 0
        return found.with_facts(facts)

    def _complete(self, look: EngineLook) -> bool:
        if self._sources.latency is not None:
            look = replace(look, latency=0.0)  # is asked for elsewhere
        return look.complete


async def _latency(
    source: LatencySource | None, now: Moment, budget: float
) -> Reading[float] | None:
    if source is None:
        return None
    return within(await _bounded(source.look(now), budget), LONGEST, "latency")


async def _bounded(answer: Awaitable[Reading[T]], seconds: float) -> Reading[T]:
    """Return a source's answer, or why there is none in time."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        return Unknown(f"no answer within {seconds:.2g} s")
    except SourceError as error:
        return Unknown(str(error))
