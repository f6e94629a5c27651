"""The simulator as a service: stands in for monitor, executor and the jobs on the real topics.

The only module that reads the environment, the clock and Kafka. One process plays an instance's
jobs; nothing of its memory is kept: who starts it again finds on the topics which commands were
answered, and at which scale-out (`Simulator.restore`).
"""

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime

from aiohttp import web
from confluent_kafka import KafkaException

from daedalus_shared import roles, telemetry, usage
from daedalus_shared.access import Access, Needs
from daedalus_shared.events import ControlEvent, ScaleCommand, ScaleOutcome
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_shared.topics import TopicError, topic_of
from daedalus_simulator.adapters import traces
from daedalus_simulator.adapters.topics import Topics
from daedalus_simulator.domain import shapes
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.traces import Trace, TraceError
from daedalus_simulator.settings import Settings
from daedalus_simulator.simulator import Scene, Simulator, compressed, declarations, undeclared

log = logging.getLogger(__name__)

JOBS = telemetry.gauge("daedalus_simulator_jobs", "Jobs that are played.", by="simulator")
BEHIND = telemetry.gauge(
    "daedalus_simulator_behind_seconds",
    "Seconds that the newest report was late.",
    by="simulator",
)

_PACE = 0.02
"""Seconds between two looks at the topics."""

_BURST = 200
"""Samples and reports that are made before the topics are looked at again."""

_RETRY = 2.0
"""Seconds between attempts to find Kafka and the topics at the start."""

_LATE = 5.0
"""Seconds behind the clock from which on it is said, that often."""


def scene(settings: Settings) -> Scene:
    """Return what the jobs meet.

    Raises:
        TraceError: The trace cannot be used.
    """
    found: tuple[Trace, ...]
    if settings.trace is not None:
        found = (traces.read(settings.trace),)
    else:
        seconds = round(settings.minutes * 60)
        found = tuple(
            shapes.generate(name, settings.seed, seconds, settings.peak) for name in settings.shapes
        )
    return Scene(
        traces=found,
        speed=settings.speed,
        engine=None if settings.engine == "declared" else ENGINES[settings.engine],
        seed=settings.seed,
        workers=settings.workers,
    )


class Service:
    """The simulator on its topics, in wall time."""

    def __init__(self, settings: Settings, simulator: Simulator) -> None:
        self._settings = settings
        self._simulator = simulator
        self._stopped = asyncio.Event()
        self._topics: Topics | None = None
        self._said_late = 0.0
        self._why: str | None = "Kafka was not found yet"

    async def run(self) -> None:
        """Play until SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        runner = await self._serve()
        try:
            partitions = await self._find_topics()
            if partitions is not None:
                await self._play(Topics(self._settings, partitions))
        finally:
            await runner.cleanup()

    async def _play(self, topics: Topics) -> None:
        self._topics = topics
        try:
            self._simulator.restore(
                await asyncio.to_thread(topics.history, (ControlEvent, ScaleOutcome))
            )
            now = datetime.now(UTC)
            await asyncio.to_thread(self._simulator.begin, now)
            topics.write(undeclared(self._own(), self._simulator, now))
            topics.follow((ControlEvent, ScaleCommand))
            self._why = None
            while not self._stopped.is_set():
                pause = _PACE if self._step(topics) else 0.0
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), pause)
        finally:
            topics.close()

    def _step(self, topics: Topics) -> bool:
        """Do what has come and what is due; return whether all of it is done."""
        now = datetime.now(UTC)
        simulator = self._simulator
        for event in topics.read():
            topics.write(simulator.handle(event, now))
            if event.job not in simulator.jobs:
                telemetry.JOBS.forget(event.job)
        JOBS.set(len(simulator.jobs))
        topics.write(simulator.advance(now, _BURST))
        due = simulator.due
        behind = max(0.0, (now - due).total_seconds()) if due else 0.0
        BEHIND.set(behind)
        self._say_late(behind, now)
        return behind == 0.0

    def _say_late(self, behind: float, now: datetime) -> None:
        if behind > _LATE and now.timestamp() - self._said_late > _LATE:
            self._said_late = now.timestamp()
            log.warning(
                "%.0f s behind the clock: %d jobs at speed %g are too much for this machine",
                behind,
                len(self._simulator.jobs),
                self._settings.speed,
            )

    def _own(self) -> list[JobSpec]:
        settings = self._settings
        policy = compressed(Policy(mode=settings.mode, planner=settings.planner), settings.speed)
        return declarations(settings.jobs, settings.instance, policy, settings.max_workers)

    async def _find_topics(self) -> int | None:
        """Return the topics' number of partitions, once Kafka has them all; None when stopped."""
        role = roles.SIMULATOR
        needs = Needs(
            reads=frozenset(map(topic_of, role.reads)), writes=frozenset(map(topic_of, role.writes))
        )
        access = Access(self._settings, needs)
        while not self._stopped.is_set():
            try:
                return await access.look()
            except TopicError as error:
                wrong = str(error)
            if wrong != self._why:
                log.warning("waiting for Kafka at %s: %s", self._settings.bootstrap, wrong)
            self._why = wrong
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), _RETRY)
        return None

    def _unready(self) -> str | None:
        return self._why or (self._topics.trouble if self._topics else None)

    async def _serve(self) -> web.AppRunner:
        """Answer /healthz, /readyz and /metrics."""
        settings = self._settings
        runner = web.AppRunner(telemetry.health_app(self._unready), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.http_host, settings.http_port).start()
        except OSError as error:
            where = f"{settings.http_host}:{settings.http_port}"
            raise SystemExit(f"cannot listen on {where}: {error.strerror}") from error
        log.info("healthz, readyz and metrics at %s", runner.addresses[0])
        return runner


def main() -> None:
    """Run until SIGTERM."""
    usage.heed(Settings, "daedalus_simulator", sys.argv[1:])
    settings = Settings.read()
    source = f"simulator/{settings.instance}"
    telemetry.log_json(source, settings.log_level)
    prefix = f"{settings.instance}-"
    try:
        simulator = Simulator(
            source, scene(settings), lambda job: not settings.jobs or job.startswith(prefix)
        )
    except TraceError as error:
        sys.exit(f"daedalus-simulator: SIMULATOR_TRACE: {error}")
    try:
        asyncio.run(Service(settings, simulator).run())
    except KafkaException as error:
        sys.exit(f"daedalus-simulator: Kafka: {error.args[0].str()}")


if __name__ == "__main__":
    main()
