"""A Flink job while it is rescaled: whether it has arrived, and how long it was down."""

from collections.abc import Callable

from daedalus_executor.adapters.flink_rest import OVER, FlinkRest, Job, JobGoneError
from daedalus_executor.domain.downtime import down_seconds
from daedalus_executor.ports import Clock, Patience, Rescaled, TargetError

_SAMPLE = 0.1
"""Seconds between two samples of the job's state: a small job restarts within 0.4 s."""


class JobWatch:
    """Watches one job of one Flink cluster."""

    def __init__(self, rest: FlinkRest, name: str, patience: Patience, clock: Clock) -> None:
        self._rest = rest
        self._name = name
        self._patience = patience
        self._clock = clock

    async def arrived(self, job: Job, there: Callable[[Job], bool]) -> Rescaled | str:
        """Return how a job got where it was to go, or what was amiss when it was too late.

        Raises:
            TargetError: The job ended, or another took its place.
        """
        samples: list[tuple[float, bool]] = []
        trouble = ""
        deadline = self._clock.monotonic() + self._patience.converge
        while self._clock.monotonic() <= deadline:
            try:
                samples += await self._sampled(job, self._patience.sample)
                found = await self._rest.job(job.jid)
            except JobGoneError as error:
                raise await self._gone(job) from error
            except TargetError as error:
                trouble = str(error)
                await self._clock.sleep(self._patience.sample)
            else:
                if found.state in OVER:
                    raise TargetError(f"the job became {found.state} while it was rescaled")
                if there(found):
                    down = down_seconds(samples) + await self._rest.start_seconds(found)
                    now = self._clock.now()
                    return Rescaled(scale_out=found.scale_out, downtime=down, converged_at=now)
        return trouble

    async def _sampled(self, job: Job, seconds: float) -> list[tuple[float, bool]]:
        """Return samples of whether the job runs, taken within the next seconds."""
        samples = []
        until = self._clock.monotonic() + seconds
        while self._clock.monotonic() < until:
            await self._clock.sleep(min(_SAMPLE, seconds))
            runs = await self._rest.status(job.jid) == "RUNNING"
            samples.append((self._clock.monotonic(), runs))
        return samples

    async def _gone(self, job: Job) -> TargetError:
        try:
            other = await self._rest.find(self._name)
        except JobGoneError:
            return TargetError(f"the job {self._name!r} ended while it was rescaled")
        return TargetError(
            f"the job {self._name!r} was restarted meanwhile: it had id {job.jid}, now {other.jid}"
        )
