"""What a monitor would report of its looks at a simulated job."""

from datetime import datetime, timedelta

from daedalus_shared.events import Sample, Worker
from daedalus_shared.job_spec import EngineKind
from daedalus_simulator.domain.job import Look

PARTITIONS = 36
"""Partitions of the input topics of every simulated job."""

CHECKPOINT = 10.0
"""Seconds of the job's time between two checkpoints."""

_DOWN = dict.fromkeys(("scale_out", "workers", "uptime"), "the job does not run: it is RESTARTING")
_LATENCY = {"latency": "not simulated"}

_MOMENT = timedelta(seconds=0.5)
"""By less than this two instants may differ that are told by a rounded uptime."""


class Monitor:
    """Looks at one job, and remembers since when each worker works."""

    def __init__(self, engine: EngineKind, speed: float = 1.0) -> None:
        """Make a monitor.

        Args:
            engine: Flink starts every worker's part of the job anew, Kafka Streams only what moves.
            speed: Seconds of the job's time that pass in one second on the topics. Rates stay, so
                what waits, and how long the job has run, is divided by it.
        """
        self._restarts = engine is EngineKind.FLINK
        self._speed = speed
        self._since: list[datetime] = []

    def sample(self, look: Look, at: datetime) -> Sample:
        """Return a look as a sample: in an outage the topics tell, the engine does not.

        Args:
            look: What was seen.
            at: Its instant on the topics.
        """
        lag = look.lag / self._speed
        # The values are ours, and validating them takes longer than all else in a backtest.
        if look.uptime <= 0:
            return Sample.model_construct(
                at=at, workload=look.arrivals, lag=lag, unknown=_DOWN | _LATENCY
            )
        uptime = look.uptime / self._speed
        began = at - timedelta(seconds=uptime)
        if self._restarts and self._since and began - self._since[0] > _MOMENT:
            self._since = []
        self._since = self._since[: look.scale_out]
        self._since += [began] * (look.scale_out - len(self._since))
        workers = tuple(
            Worker.model_construct(
                id=f"worker-{number:02}", cpu=cpu, throughput=throughput, since=since
            )
            for number, (cpu, throughput, since) in enumerate(
                zip(look.cpu.tolist(), look.throughput.tolist(), self._since, strict=True)
            )
        )
        return Sample.model_construct(
            at=at,
            scale_out=look.scale_out,
            workload=look.arrivals,
            lag=lag,
            uptime=uptime,
            workers=workers,
            unknown=_LATENCY,
        )
