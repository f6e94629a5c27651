"""A job of the Flink operator: its FlinkDeployment is changed, and nothing behind its back.

In place: the job's parallelism; reactive: the replicas of its TaskManagers, by the scale
subresource. The operator does the rest, maybe by a new job from a savepoint, so the job is looked
up by its name each time.
"""

from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.kubernetes import Means, no_rivals, set_number
from daedalus_executor.adapters.kubernetes_api import AwayError, Connection
from daedalus_executor.domain.checks import Found
from daedalus_executor.domain.downtime import down_seconds
from daedalus_executor.domain.kubernetes import MANAGER, FlinkDeployment, Place
from daedalus_executor.ports import NotAllowedError, Permit, Rescaled, TargetError, finishing

_AT_WORK = frozenset({None, "DEPLOYED", "STABLE"})
"""States of a deployment in which its job can be rescaled; None before the operator says one."""


class OperatorNumber:
    """The field of a FlinkDeployment that is the scale-out."""

    def __init__(self, place: Place, *, reactive: bool) -> None:
        self.place = place
        self._reactive = reactive
        self._path = ("taskManager", "replicas") if reactive else ("job", "parallelism")

    @property
    def field(self) -> str:
        """Its name, as people write it."""
        return ".".join(("spec", *self._path))

    async def look(self, kube: Connection) -> FlinkDeployment:
        """Return the FlinkDeployment.

        Raises:
            NotAllowedError: The operator scales it itself.
        """
        found = await kube.get(self.place.path, FlinkDeployment)
        if found.scales_itself:
            raise NotAllowedError(
                f"{self.place} is scaled by the Flink operator's own autoscaler "
                "(job.autoscaler.enabled): switch it off, two would fight"
            )
        return found

    def of(self, found: FlinkDeployment) -> int:
        """Return the number; `TargetError` where it is not set."""
        section = found.spec.task_manager if self._reactive else found.spec.job
        if section is None or section.number is None:
            raise TargetError(f"{self.place} has no {self.field}")
        return section.number

    def author(self, found: FlinkDeployment) -> str:
        """Return who set it last, if it was not us."""
        author = found.metadata.author_of("spec", *self._path)
        return "" if author == MANAGER else author

    async def read(self, kube: Connection) -> tuple[int, str]:
        """Return it, and the version that says so."""
        found = await self.look(kube)
        return self.of(found), found.metadata.resource_version

    async def write(self, kube: Connection, version: str, wanted: int) -> None:
        """Set it."""
        if self._reactive:
            await kube.patch(self.place.scale, version, {"spec": {"replicas": wanted}})
        else:
            section, name = self._path
            await kube.patch(self.place.path, version, {"spec": {section: {name: wanted}}})

    async def changed(self, kube: Connection, found: int) -> str:
        """Say who set it to another number meanwhile."""
        who = self.author(await self.look(kube)) or "somebody else"
        return f"{who} set {self.field} of {self.place} to {found} meanwhile: it is left so"


class FlinkDeploymentTarget:
    """One FlinkDeployment and the job that it runs."""

    def __init__(self, number: OperatorNumber, means: Means, rest: FlinkRest, name: str) -> None:
        self._number = number
        self._means = means
        self._clock = means.clock
        self._rest = rest
        self._name = name

    async def read(self) -> Found:
        """Return how the job is now."""
        async with self._means.api.connected() as kube:
            await no_rivals(kube, self._number.place)
            declared = await self._number.look(kube)
        state = declared.status.lifecycle_state
        job = await self._rest.find(self._name)
        widest = max((vertex.most for vertex in job.vertices), default=job.scale_out)
        most, limit = min(
            (widest, f"the job's maximum parallelism is {widest}"),
            (self._means.most, self._means.limit),
        )
        at_work = state in _AT_WORK
        return Found(
            scale_out=job.scale_out,
            running=job.runs and at_work,
            status=(job.state if at_work else str(state)) + _because(declared),
            most=most,
            limit=limit,
            declared=True,
            author=self._number.author(declared),
        )

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        """Ask the operator for it, and wait until the job runs so; else take it back."""
        async with self._means.api.connected() as kube:
            before, _ = await self._number.read(kube)
            await set_number(self._number, kube, (before, wanted), permit, self._means)
            samples, why = await self._arrived(kube, wanted)
            if not why:
                return Rescaled(
                    scale_out=wanted,
                    # Asked for before a crash: how long it was down is not known.
                    downtime=down_seconds(samples) if before != wanted else None,
                    converged_at=self._clock.now(),
                )
            back = (wanted, before)
            await set_number(self._number, kube, back, finishing(permit), self._means)
        return Rescaled(scale_out=None, downtime=None, converged_at=None, why=why)

    async def tidy(self, permit: Permit) -> None:
        """Leave it as it is: nothing is prepared before a change."""

    async def _arrived(self, kube: Connection, wanted: int) -> tuple[list[tuple[float, bool]], str]:
        """Return samples of whether the job ran, and what was amiss when it was too late."""
        samples: list[tuple[float, bool]] = []
        deadline = self._clock.monotonic() + self._means.patience.converge
        while True:
            runs, there, status = await self._job(wanted)
            samples.append((self._clock.monotonic(), runs))
            try:
                found = await self._number.look(kube)
            except (AwayError, NotAllowedError) as error:
                status = str(error)
            else:
                if (value := self._number.of(found)) != wanted:
                    raise TargetError(await self._number.changed(kube, value))
                if there and found.status.lifecycle_state in _AT_WORK:
                    return samples, ""
                status += _because(found)
            if self._clock.monotonic() > deadline:
                return samples, f"{status} after {self._means.patience.converge:g} s"
            await self._clock.sleep(self._means.patience.sample)

    async def _job(self, wanted: int) -> tuple[bool, bool, str]:
        """Return whether the job runs, whether it does as wanted, and how it is."""
        try:
            job = await self._rest.find(self._name)
        except TargetError as error:  # a new JobManager takes its time
            return False, False, str(error)
        status = f"the job is {job.state} at {job.scale_out} of {wanted}"
        return job.runs, job.runs and job.scale_out == wanted, status


def _because(found: FlinkDeployment) -> str:
    return f" ({' '.join(found.status.error.split())[:300]})" if found.status.error else ""
