"""Which workloads of a cluster may be scaled, and what each becomes for a job."""

from collections.abc import Sequence

from daedalus_executor.adapters.flink_deployment import FlinkDeploymentTarget, OperatorNumber
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.kubernetes import Means, PodWorkers, ReplicasTarget
from daedalus_executor.adapters.kubernetes_api import ConflictError, KubernetesApi
from daedalus_executor.domain.kubernetes import Kind, ObjectOnly, Place, event
from daedalus_executor.ports import Clock, NotAllowedError, Patience
from daedalus_shared.events import ScaleOutcome, Status
from daedalus_shared.job_spec import JobSpec

_REASONS = {
    Status.APPLIED: ("Normal", "Rescaled"),
    Status.ALREADY_THERE: ("Normal", "AlreadyThere"),
    Status.WOULD_APPLY: ("Normal", "WouldRescale"),
    Status.SUPERSEDED: ("Normal", "Superseded"),
    Status.REVERTED: ("Normal", "Reverted"),
    Status.EXPIRED: ("Warning", "CommandExpired"),
    Status.REFUSED: ("Warning", "RescaleRefused"),
    Status.FAILED: ("Warning", "RescaleFailed"),
    Status.DID_NOT_CONVERGE: ("Warning", "DidNotConverge"),
}
"""Type and reason of the Kubernetes Event by a command's outcome."""


class Kubernetes:
    """One cluster, of which the executor's settings allow a part."""

    def __init__(
        self, allowed: Sequence[str], api: KubernetesApi, *, most: int, clock: Clock
    ) -> None:
        """Scale what is allowed: `namespace` or `namespace/name`."""
        self._allowed = tuple(allowed)
        self._api = api
        self._most = most
        self._clock = clock

    def allow(self, spec: JobSpec) -> None:
        """Refuse a job whose workload the settings do not name.

        Raises:
            NotAllowedError: They do not.
        """
        place = place_of(spec)
        if not {place.namespace, f"{place.namespace}/{place.name}"} & set(self._allowed):
            setting = "EXECUTOR_KUBERNETES_TARGETS of this executor"
            known = f"only {', '.join(self._allowed)}" if self._allowed else "it is empty"
            raise NotAllowedError(f"{place.namespace}/{place.name} is not in {setting}, {known}")

    def replicas(self, spec: JobSpec, patience: Patience) -> ReplicasTarget:
        """Return a job that is as large as its workload has pods."""
        return ReplicasTarget(place_of(spec), self._means(patience))

    def workers(self, spec: JobSpec, patience: Patience) -> PodWorkers:
        """Return a workload's pods as the workers of an engine."""
        return PodWorkers(place_of(spec), self._means(patience))

    def operated(self, spec: JobSpec, rest: FlinkRest, patience: Patience) -> FlinkDeploymentTarget:
        """Return a job of the Flink operator."""
        number = OperatorNumber(place_of(spec), reactive=spec.rescale == "reactive")
        return FlinkDeploymentTarget(number, self._means(patience), rest, spec.engine_name)

    async def tell(self, spec: JobSpec, outcome: ScaleOutcome) -> None:
        """Write a Kubernetes Event on the workload; the same outcome gives one event."""
        place = place_of(spec)
        kind, reason = _REASONS[outcome.status]
        if outcome.status is Status.APPLIED:
            did = f"scaled from {outcome.from_scale_out} to {outcome.to_scale_out}"
        else:
            did = f"{outcome.status.value}: {outcome.from_scale_out} to {outcome.to_scale_out}"
        why = f": {outcome.why}" if outcome.why else ""
        message = f"{did}{why} (command {outcome.command})"
        async with self._api.connected() as kube:
            found = await kube.get(place.path, ObjectOnly)
            name = f"daedalus.{outcome.command.replace(':', '-').lower()}"
            body = event(place, found.metadata, name, (kind, reason, message), outcome.at)
            try:
                await kube.post(place.events, body)
            except ConflictError:
                return  # told already

    def _means(self, patience: Patience) -> Means:
        return Means(api=self._api, clock=self._clock, patience=patience, most=self._most)


def place_of(spec: JobSpec) -> Place:
    """Return the workload that a job's spec means."""
    workers = spec.workers
    kinds = {
        Kind.DEPLOYMENT: workers.deployment,
        Kind.STATEFUL_SET: workers.statefulset,
        Kind.FLINK_DEPLOYMENT: workers.flinkdeployment,
    }
    kind, name = next((kind, name) for kind, name in kinds.items() if name)
    return Place(kind, workers.namespace or "", name)
