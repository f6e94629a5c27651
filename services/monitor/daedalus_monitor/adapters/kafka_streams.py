"""A Kafka Streams job as its workers tell it, each at an endpoint of its own.

All are asked at once. One that does not answer, or answers nonsense, leaves the whole look unknown:
how much the job does without it is not how much it does.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from daedalus_monitor.adapters.exposition import points
from daedalus_monitor.adapters.targets import Target
from daedalus_monitor.domain import streams
from daedalus_monitor.domain.counters import Moment, elapsed
from daedalus_monitor.domain.looks import EngineLook
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.domain.scrapes import Scrape, scraped, with_quota
from daedalus_monitor.domain.streams import Pair
from daedalus_monitor.ports import SourceError
from daedalus_shared.job_spec import JobSpec


class Finds(Protocol):
    """Tells where the workers are."""

    async def find(self) -> list[Target]:
        """Return all workers; may raise `SourceError`."""
        ...


class Asks(Protocol):
    """Asks one worker."""

    async def __call__(self, target: Target, /) -> str:
        """Return its exposition; may raise `SourceError`."""
        ...


class StreamsSource:
    """Looks at one job."""

    def __init__(
        self,
        targets: Finds,
        ask: Asks,
        spec: JobSpec,
        patience: float,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look at the workers that `targets` finds.

        Args:
            targets: Where they are.
            ask: How they are asked.
            spec: The job.
            patience: Seconds that one worker is given to answer.
            steady: A clock: a worker at its quota answers late, and its counts are of then.
        """
        self._targets = targets
        self._ask = ask
        self._topics = spec.input.topics
        self._sample = spec.policy.sample
        self._cores = spec.engine.cores
        self._patience = patience
        self._steady = steady
        self._before: dict[str, Scrape] = {}
        self._run: streams.Run | None = None

    async def look(self, now: Moment) -> EngineLook:
        """Return what the workers say.

        Raises:
            SourceError: Nobody knows where they are, or one of them does not say.
        """
        began = self._steady()
        targets = await self._targets.find()
        answers = await asyncio.gather(*(self._scrape(target, now, began) for target in targets))
        found = {target.id: answer for target, answer in zip(targets, answers, strict=True)}
        scrapes = {name: scrape for name, scrape in found.items() if isinstance(scrape, Scrape)}
        before = self._before
        self._before = {
            name: scrape for name, scrape in (before | scrapes).items() if name in found
        }
        failed = [answer for answer in answers if isinstance(answer, Unknown)]
        if failed:
            raise SourceError(_blamed(len(failed), len(targets), failed[0].why))
        alive = streams.alive(scrapes)
        if isinstance(alive, Unknown):
            raise SourceError(alive.why)
        self._run = streams.run(self._run, now, alive)
        pairs = {name: self._pair(before.get(name), scrape) for name, scrape in alive.items()}
        uptime = streams.uptime(self._run, now, alive)
        return streams.engine_look(pairs, uptime, self._topics)

    async def _scrape(self, target: Target, now: Moment, began: float) -> Reading[Scrape]:
        where = f"{target.server}{target.path}"
        try:
            async with asyncio.timeout(self._patience):
                text = await self._ask(target)
        except TimeoutError:
            return Unknown(f"{where} does not answer within {self._patience:.2g} s")
        except SourceError as error:
            return Unknown(str(error))
        late = self._steady() - began
        at = Moment(now.wall + timedelta(seconds=late), now.steady + late)
        try:
            scrape = scraped(at, points(text))
        except ValueError as error:
            return Unknown(f"{where} answered {error}")
        return with_quota(scrape, self._cores)

    def _pair(self, before: Scrape | None, now: Scrape) -> Pair:
        return Pair(before, now, elapsed(before.at if before else None, now.at, self._sample))


def _blamed(failed: int, asked: int, why: str) -> str:
    return why if asked == 1 else f"{failed} of {asked} workers do not tell: {why}"
