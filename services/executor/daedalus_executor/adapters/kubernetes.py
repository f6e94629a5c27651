"""Deployments and StatefulSets as workers: their number is set by the scale subresource.

What is asked for is written once a command, on the version that was read, and then looked after
until the pods are there and ready. Somebody else's change meanwhile is named and left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from daedalus_executor.adapters.kubernetes_api import (
    AwayError,
    ConflictError,
    Connection,
    KubernetesApi,
)
from daedalus_executor.domain.checks import Found
from daedalus_executor.domain.kubernetes import (
    DELETION_COST,
    FIRST,
    MANAGER,
    Autoscalers,
    Kind,
    Place,
    Pod,
    Pods,
    Scale,
    Workload,
    named,
    selected,
    why_not_ready,
)
from daedalus_executor.ports import (
    Clock,
    NotAllowedError,
    Patience,
    Permit,
    Rescaled,
    TargetError,
    finishing,
)

_LOOK = 5.0
"""Seconds after which a workload is looked at although its watch told of no change."""

_AGAIN = 0.1
"""Seconds until the next attempt to change what has changed meanwhile."""

_APPEAR = 20.0
"""Seconds for the controllers to make, or end, the pods that were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a workload is scaled with."""

    api: KubernetesApi
    clock: Clock
    patience: Patience
    most: int
    """The most pods that the executor's settings allow."""

    @property
    def limit(self) -> str:
        """Why no more, as a sentence."""
        return f"EXECUTOR_KUBERNETES_MOST of this executor is {self.most}"


class Replicas:
    """The number of pods of one workload."""

    def __init__(self, place: Place, means: Means) -> None:
        self.place = place
        self._means = means
        self._clock = means.clock
        self._patience = means.patience

    async def check(self, kube: Connection) -> None:
        """Look whether anybody else scales it.

        Raises:
            NotAllowedError: An HPA does, or it belongs to an operator.
        """
        found = await kube.get(self.place.path, Workload)
        owner = found.metadata.owner
        if owner is not None:
            field = f"workers.{owner.kind.lower()}: {owner.name}"
            hint = f" (name it: {field})" if owner.kind == Kind.FLINK_DEPLOYMENT.title else ""
            raise NotAllowedError(
                f"{self.place} belongs to {owner.kind} {owner.name}, which sets it back{hint}"
            )
        await no_rivals(kube, self.place)

    async def look(self, kube: Connection) -> Workload:
        """Return the workload as it is now."""
        return await kube.get(self.place.path, Workload)

    async def scale(self, kube: Connection) -> Scale:
        """Return its scale subresource."""
        return await kube.get(self.place.scale, Scale)

    async def pods(self, kube: Connection) -> tuple[Pod, ...]:
        """Return the pods that are not about to end, the next to go last."""
        selector = (await self.scale(kube)).status.selector
        if not selector:
            raise TargetError(f"{self.place} selects no pods")
        found = await kube.get(self.place.pods, Pods, selected(selector))
        return found.workers(ordered=self.place.kind is Kind.STATEFUL_SET)

    async def read(self, kube: Connection) -> tuple[int, str]:
        """Return how many pods are asked for, and the version that says so."""
        found = await self.scale(kube)
        return found.spec.replicas, found.metadata.resource_version

    async def write(self, kube: Connection, version: str, wanted: int) -> None:
        """Ask for so many pods."""
        await kube.patch(self.place.scale, version, {"spec": {"replicas": wanted}})

    async def set(self, kube: Connection, before: int, wanted: int, permit: Permit) -> None:
        """Ask for so many pods, unless they are asked for already."""
        await set_number(self, kube, (before, wanted), permit, self._means)

    async def settled(self, kube: Connection, wanted: int) -> str:
        """Return when exactly the pods wanted are ready, or why they are not in time.

        Raises:
            TargetError: Somebody asked for another number meanwhile.
        """
        deadline = self._clock.monotonic() + self._patience.converge
        while True:
            seen, trouble = None, ""
            try:
                seen = await self.look(kube)
            except (AwayError, NotAllowedError) as error:
                # A server that has just started refuses everybody, until it has read the roles.
                trouble = str(error)
            if seen is not None and seen.wanted != wanted:
                raise TargetError(await self.changed(kube, seen.wanted))
            if seen is not None and seen.settled:
                return ""
            left = deadline - self._clock.monotonic()
            if left <= 0:
                waited = f"after {self._patience.converge:g} s"
                return f"{trouble or await self.trouble(kube, seen)} {waited}"
            if seen is not None:
                version = seen.metadata.resource_version
                within = min(left, _LOOK)
                await kube.changed(self.place.group, self.place.name, version, within)
            else:
                await self._clock.sleep(min(left, 1.0))

    async def trouble(self, kube: Connection, seen: Workload | None) -> str:
        """Say what keeps a workload from being as asked for."""
        if seen is None:
            return f"{self.place} is not known"
        try:
            pods = why_not_ready(await self.pods(kube))
        except TargetError:
            pods = ""
        return ": ".join(part for part in (seen.unsettled, seen.failure or pods) if part)

    async def changed(self, kube: Connection, replicas: int) -> str:
        """Say who asked for another number of pods meanwhile."""
        author = (await self.look(kube)).author
        who = author if author and author != MANAGER else "somebody else"
        return f"{who} asked for {replicas} pods of {self.place} meanwhile: it is left so"


class Number(Protocol):
    """A number in an object of the API, which is the scale-out."""

    async def read(self, kube: Connection) -> tuple[int, str]:
        """Return it, and the version of the object that says so."""

    async def write(self, kube: Connection, version: str, wanted: int) -> None:
        """Set it, as long as the object is of this version."""

    async def changed(self, kube: Connection, found: int) -> str:
        """Say who set it to another number meanwhile."""


async def set_number(
    number: Number, kube: Connection, change: tuple[int, int], permit: Permit, means: Means
) -> None:
    """Set a number from one to another, unless that is done already.

    A write that got no answer may have landed or not: that is read before the next.

    Raises:
        TargetError: Somebody set it to another one meanwhile, or the server stays away.
    """
    before, wanted = change
    deadline = means.clock.monotonic() + means.patience.converge
    while True:
        try:
            found, version = await number.read(kube)
            if found == wanted:
                return
            if found != before:
                raise TargetError(await number.changed(kube, found))
            await permit()
            await number.write(kube, version, wanted)
        except ConflictError:
            wait = _AGAIN  # its status changed: look again
        except AwayError as error:
            if means.clock.monotonic() > deadline:
                raise
            wait = max(error.wait, means.patience.sample)
        else:
            return
        await means.clock.sleep(wait)


async def no_rivals(kube: Connection, place: Place) -> None:
    """Refuse what an HPA scales too."""
    rivals = (await kube.get(place.autoscalers, Autoscalers)).of(place)
    if rivals:
        raise NotAllowedError(
            f"{place} is scaled by the HorizontalPodAutoscaler {', '.join(rivals)} too: "
            "remove it (or the KEDA ScaledObject that made it), two would fight"
        )


class ReplicasTarget:
    """A job that is as large as its workload has pods: Kafka Streams."""

    def __init__(self, place: Place, means: Means) -> None:
        self._means = means
        self._replicas = Replicas(place, means)

    async def read(self) -> Found:
        """Return how the job is now."""
        async with self._means.api.connected() as kube:
            await self._replicas.check(kube)
            seen = await self._replicas.look(kube)
            running = seen.settled and seen.wanted > 0
            status = "running" if running else await self._replicas.trouble(kube, seen)
        return Found(
            scale_out=seen.wanted,
            running=running,
            status=status or "scaled to zero",
            most=self._means.most,
            limit=self._means.limit,
            declared=True,
            author="" if seen.author == MANAGER else seen.author,
        )

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        """Ask for the pods wanted and wait for them; what finds no room is taken back."""
        async with self._means.api.connected() as kube:
            before = (await self._replicas.look(kube)).wanted
            if before != wanted:
                await self._replicas.set(kube, before, wanted, permit)
            why = await self._replicas.settled(kube, wanted)
            after = wanted
            if why and before <= wanted:
                ready = (await self._replicas.look(kube)).ready
                # After a crash it is not known how many there were before.
                after = before if before < wanted else max(1, min(ready, wanted))
                await self._replicas.set(kube, wanted, after, finishing(permit))
        return Rescaled(
            scale_out=after,
            downtime=None,  # which partitions were without an owner does not show in pods
            converged_at=None if why else self._means.clock.now(),
            why=why,
        )

    async def tidy(self, permit: Permit) -> None:
        """Leave it as it is: nothing is prepared before a change."""


class PodWorkers:
    """The port `Workers` on a workload's pods: TaskManagers of a Flink cluster."""

    def __init__(self, place: Place, means: Means) -> None:
        self._place = place
        self._means = means
        self._clock = means.clock
        self._replicas = Replicas(place, means)

    @property
    def name(self) -> str:
        """The workload as people write it."""
        return str(self._place)

    @property
    def most(self) -> int:
        """The most pods at a time."""
        return self._means.most

    async def check(self) -> None:
        """Refuse what somebody else scales."""
        async with self._means.api.connected() as kube:
            await self._replicas.check(kube)

    async def workers(self) -> tuple[str, ...]:
        """Return the pods that are not about to end."""
        async with self._means.api.connected() as kube:
            return named(await self._replicas.pods(kube))

    async def ready(self) -> Mapping[str, int | None]:
        """Return the pods that are ready."""
        async with self._means.api.connected() as kube:
            pods = await self._replicas.pods(kube)
        return dict.fromkeys(pod.name for pod in pods if pod.ready)

    async def start(self, count: int, permit: Permit) -> tuple[str, ...]:
        """Ask for so many more pods, and return their names once they are made."""
        async with self._means.api.connected() as kube:
            known = named(await self._replicas.pods(kube))
            before = (await self._replicas.scale(kube)).spec.replicas
            await self._replicas.set(kube, before, before + count, permit)
            deadline = self._clock.monotonic() + _APPEAR
            while True:
                pods = named(await self._replicas.pods(kube))
                new = tuple(pod for pod in pods if pod not in known)
                if len(new) >= count:
                    return new
                if self._clock.monotonic() > deadline:
                    await self._replicas.set(kube, before + count, before, finishing(permit))
                    why = (await self._replicas.look(kube)).failure or "its controller makes none"
                    raise TargetError(f"no more pods of {self._place} after {_APPEAR:g} s: {why}")
                await self._clock.sleep(self._means.patience.sample)

    async def narrow(self, worker: str) -> None:
        """Leave it: a pod has the limits of its workload from the start."""

    async def stop(self, workers: Sequence[str], permit: Permit) -> None:
        """End these pods, and no others: they are marked as the first to go.

        A StatefulSet ends its highest numbers, whatever is wanted.
        """
        async with self._means.api.connected() as kube:
            before = (await self._replicas.scale(kube)).spec.replicas
            present = named(await self._replicas.pods(kube))
            leaving = [worker for worker in present if worker in workers]
            if self._place.kind is Kind.STATEFUL_SET:
                if leaving and leaving != list(present[-len(leaving) :]):
                    last = ", ".join(present[-len(leaving) :])
                    raise TargetError(f"{self._place} ends {last} first, not {', '.join(leaving)}")
            else:
                for worker in leaving:
                    await permit()
                    note = {"metadata": {"annotations": {DELETION_COST: FIRST}}}
                    await kube.patch(f"{self._place.pods}/{worker}", None, note)
            await self._replicas.set(kube, before, max(0, before - len(leaving)), permit)
            await self._gone(kube, present, leaving)

    async def last_line(self, worker: str) -> str:
        """Return why a pod does not work, as far as Kubernetes tells."""
        async with self._means.api.connected() as kube:
            for pod in await self._replicas.pods(kube):
                if pod.name == worker:
                    return pod.trouble
        return "it is gone"

    async def _gone(self, kube: Connection, present: Sequence[str], leaving: Sequence[str]) -> None:
        deadline = self._clock.monotonic() + _APPEAR
        while True:
            left = set(named(await self._replicas.pods(kube)))
            ended = [pod for pod in present if pod not in left]
            if len(ended) >= len(leaving):
                break
            if self._clock.monotonic() > deadline:
                raise TargetError(f"{', '.join(leaving)} did not end within {_APPEAR:g} s")
            await self._clock.sleep(self._means.patience.sample)
        spared = [pod for pod in leaving if pod in left]
        if spared:
            others = ", ".join(pod for pod in ended if pod not in leaving)
            raise TargetError(
                f"Kubernetes ended {others} and not {', '.join(spared)}, which were marked: "
                f"{DELETION_COST} is heeded from Kubernetes 1.22 on"
            )
