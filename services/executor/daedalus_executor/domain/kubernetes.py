"""What Kubernetes says of a workload that can be scaled, of its pods, and of who else scales it.

Only what is needed is read of each answer, and it is checked as it is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""Annotation by which a Deployment chooses the pods that go first, from Kubernetes 1.22 on."""

FIRST = "-1000"
"""The cost of a pod that is to go: less than any other's, whose default is 0."""

MANAGER = "daedalus-executor"
"""What Kubernetes notes as the author of our changes."""

AUTOSCALER = "job.autoscaler.enabled"
"""Setting of a FlinkDeployment by which the Flink operator scales it itself."""


class Kind(Enum):
    """What can be scaled, and where the API has it."""

    DEPLOYMENT = ("Deployment", "apps/v1", "deployments")
    STATEFUL_SET = ("StatefulSet", "apps/v1", "statefulsets")
    FLINK_DEPLOYMENT = ("FlinkDeployment", "flink.apache.org/v1beta1", "flinkdeployments")

    def __init__(self, title: str, version: str, plural: str) -> None:
        self.title = title
        self.version = version
        self.plural = plural


@dataclass(frozen=True, slots=True)
class Place:
    """One object of the API."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return it as people write it: `Deployment jobs/ysb`."""
        return f"{self.kind.title} {self.namespace}/{self.name}"

    @property
    def group(self) -> str:
        """Path of all objects of this kind in the namespace."""
        return f"/apis/{self.kind.version}/namespaces/{self.namespace}/{self.kind.plural}"

    @property
    def path(self) -> str:
        """Path of the object."""
        return f"{self.group}/{self.name}"

    @property
    def scale(self) -> str:
        """Path of its scale subresource."""
        return f"{self.path}/scale"

    @property
    def pods(self) -> str:
        """Path of all pods in the namespace."""
        return f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def autoscalers(self) -> str:
        """Path of all HPAs in the namespace."""
        return f"/apis/autoscaling/v1/namespaces/{self.namespace}/horizontalpodautoscalers"

    @property
    def events(self) -> str:
        """Path of all events in the namespace."""
        return f"/api/v1/namespaces/{self.namespace}/events"


class _Answer(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class OwnerReference(_Answer):
    """Who made an object."""

    kind: str
    name: str
    controller: bool = False


class Managed(_Answer):
    """Which fields of an object somebody set last."""

    manager: str = ""
    fields: Mapping[str, Any] = Field(default_factory=dict, alias="fieldsV1")


class Metadata(_Answer):
    """What every object has."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str
    generation: int = 0
    creation_timestamp: datetime
    deletion_timestamp: datetime | None = None
    owner_references: tuple[OwnerReference, ...] = ()
    managed_fields: tuple[Managed, ...] = ()

    @property
    def owner(self) -> OwnerReference | None:
        """Who makes the object be as it is; None for one that somebody wrote."""
        return next((each for each in self.owner_references if each.controller), None)

    def author_of(self, *path: str) -> str:
        """Return who set a field last; empty where it is not noted."""
        for managed in self.managed_fields:
            found: Any = managed.fields
            for part in path:
                found = found.get(f"f:{part}") if isinstance(found, Mapping) else None
            if found is not None:
                return managed.manager
        return ""


class Condition(_Answer):
    """One of the things that hold of an object."""

    type: str
    status: str
    message: str = ""
    reason: str = ""


class ObjectOnly(_Answer):
    """Any object: which one it is."""

    metadata: Metadata


class _ReplicaSpec(_Answer):
    replicas: int = Field(default=1, ge=0)


class _ReplicaStatus(_Answer):
    replicas: int = Field(default=0, ge=0)
    ready_replicas: int = Field(default=0, ge=0)
    updated_replicas: int = Field(default=0, ge=0)
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()


class Workload(_Answer):
    """A Deployment or StatefulSet."""

    metadata: Metadata
    spec: _ReplicaSpec
    status: _ReplicaStatus = _ReplicaStatus()

    @property
    def wanted(self) -> int:
        """Pods asked for."""
        return self.spec.replicas

    @property
    def ready(self) -> int:
        """Pods that are ready."""
        return self.status.ready_replicas

    @property
    def author(self) -> str:
        """Who set the number of pods last; empty where it is not noted."""
        return self.metadata.author_of("spec", "replicas")

    @property
    def settled(self) -> bool:
        """Whether exactly the pods asked for are there, ready, and of the newest version."""
        return not self.unsettled

    @property
    def unsettled(self) -> str:
        """What is not as asked for; empty where all is."""
        status, wanted = self.status, self.wanted
        if status.observed_generation < self.metadata.generation:
            return "not yet seen by its controller"
        if status.updated_replicas < status.replicas:
            return f"being rolled out: {status.updated_replicas} of {status.replicas} pods are new"
        if status.replicas > wanted:
            return f"left with {status.replicas} pods, {wanted} are wanted"
        if status.ready_replicas < wanted:
            return f"waiting for pods: {status.ready_replicas} of {wanted} are ready"
        return ""

    @property
    def failure(self) -> str:
        """Why pods cannot be made, such as a quota; empty where they can."""
        return next(
            (
                each.message
                for each in self.status.conditions
                if each.type == "ReplicaFailure" and each.status == "True"
            ),
            "",
        )


class _State(_Answer):
    reason: str = ""
    message: str = ""


class _Container(_Answer):
    name: str
    state: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def waiting(self) -> str:
        found = self.state.get("waiting")
        if not isinstance(found, Mapping):
            return ""
        state = _State.model_validate(found)
        return ": ".join(part for part in (state.reason, state.message) if part)


class _PodStatus(_Answer):
    phase: str = "Pending"
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[_Container, ...] = ()


class Pod(_Answer):
    """One pod."""

    metadata: Metadata
    status: _PodStatus = _PodStatus()

    @property
    def name(self) -> str:
        """Its name, which is its host name too."""
        return self.metadata.name

    @property
    def works(self) -> bool:
        """Whether it is one of the workers: not about to end, and not over."""
        over = self.status.phase in {"Succeeded", "Failed"}
        return self.metadata.deletion_timestamp is None and not over

    @property
    def ready(self) -> bool:
        """Whether it says of itself that it works."""
        return self.works and self._condition("Ready").status == "True"

    @property
    def no_room(self) -> str:
        """The scheduler's word for why no node takes it; empty where one has."""
        scheduled = self._condition("PodScheduled")
        unschedulable = scheduled.status == "False" and scheduled.reason == "Unschedulable"
        return scheduled.message or "no node has room" if unschedulable else ""

    @property
    def trouble(self) -> str:
        """Why it does not work, as far as it is told."""
        waiting = next(
            (each.waiting for each in self.status.container_statuses if each.waiting), ""
        )
        return self.no_room or waiting or self._condition("Ready").message or self.status.phase

    def _condition(self, kind: str) -> Condition:
        unknown = Condition(type=kind, status="Unknown")
        return next((each for each in self.status.conditions if each.type == kind), unknown)


class Pods(_Answer):
    """All pods of a selector."""

    items: tuple[Pod, ...]

    def workers(self, *, ordered: bool) -> tuple[Pod, ...]:
        """Return those that work, oldest first, or `ordered` by the numbers of a StatefulSet."""
        found = [pod for pod in self.items if pod.works]
        if ordered:
            return tuple(sorted(found, key=lambda pod: _ordinal(pod.name)))
        return tuple(sorted(found, key=lambda pod: (pod.metadata.creation_timestamp, pod.name)))


class ScaleStatus(_Answer):
    """What a scale subresource tells of its pods."""

    selector: str = ""


class Scale(_Answer):
    """A scale subresource."""

    metadata: Metadata
    spec: _ReplicaSpec = _ReplicaSpec(replicas=0)
    status: ScaleStatus = ScaleStatus()


class _Reference(_Answer):
    kind: str
    name: str


class _AutoscalerSpec(_Answer):
    scale_target_ref: _Reference


class Autoscaler(_Answer):
    """A HorizontalPodAutoscaler: what it scales."""

    metadata: Metadata
    spec: _AutoscalerSpec


class Autoscalers(_Answer):
    """All HPAs of a namespace; KEDA makes one for each of its ScaledObjects."""

    items: tuple[Autoscaler, ...]

    def of(self, place: Place) -> tuple[str, ...]:
        """Return the names of those that scale an object."""
        wanted = (place.kind.title, place.name)
        return tuple(
            each.metadata.name
            for each in self.items
            if (each.spec.scale_target_ref.kind, each.spec.scale_target_ref.name) == wanted
        )


class _Job(_Answer):
    number: int | None = Field(default=None, alias="parallelism")


class _TaskManager(_Answer):
    number: int | None = Field(default=None, alias="replicas")


class _FlinkSpec(_Answer):
    job: _Job | None = None
    task_manager: _TaskManager | None = None
    flink_configuration: Mapping[str, Any] = Field(default_factory=dict)


class _FlinkStatus(_Answer):
    error: str | None = None
    lifecycle_state: str | None = None


class FlinkDeployment(_Answer):
    """A job of the Flink operator."""

    metadata: Metadata
    spec: _FlinkSpec
    status: _FlinkStatus = _FlinkStatus()

    @property
    def scales_itself(self) -> bool:
        """Whether the operator's own autoscaler is on."""
        found = self.spec.flink_configuration
        section: Any = found
        for part in AUTOSCALER.split("."):  # the newer form is nested
            section = section.get(part) if isinstance(section, Mapping) else None
        return any(str(value).lower() == "true" for value in (found.get(AUTOSCALER), section))


def why_not_ready(pods: Sequence[Pod]) -> str:
    """Return why pods do not work, the commonest reason first; empty where all do."""
    waiting = [pod for pod in pods if pod.works and not pod.ready]
    without_room = [pod for pod in waiting if pod.no_room]
    if without_room:
        many = f"{len(without_room)} of {len(pods)} pods are pending for lack of room"
        return f"{many}: {without_room[0].no_room}"
    if waiting:
        return f"{waiting[0].name} is not ready: {waiting[0].trouble}"
    return ""


def selected(labels: str) -> dict[str, str]:
    """Return the query for the pods of a selector."""
    return {"labelSelector": labels}


def event(
    place: Place, scaled: Metadata, name: str, told: tuple[str, str, str], at: datetime
) -> dict[str, Any]:
    """Return a Kubernetes Event on an object.

    Args:
        place: The object.
        scaled: Its metadata.
        name: Name of the event: the same for the same command, so that it appears once.
        told: Type (`Normal` or `Warning`), reason (one word) and message.
        at: When it was.
    """
    kind, reason, message = told
    seen = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": place.namespace},
        "involvedObject": {
            "apiVersion": place.kind.version,
            "kind": place.kind.title,
            "namespace": place.namespace,
            "name": place.name,
            "uid": scaled.uid,
            "resourceVersion": scaled.resource_version,
        },
        "type": kind,
        "reason": reason,
        "message": message[:1024],
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": MANAGER,
        "firstTimestamp": seen,
        "lastTimestamp": seen,
        "count": 1,
    }


def _ordinal(name: str) -> int:
    number = name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def named(pods: Iterable[Pod]) -> tuple[str, ...]:
    """Return the names of pods."""
    return tuple(pod.name for pod in pods)
