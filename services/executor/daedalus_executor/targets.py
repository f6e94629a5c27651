"""Which target a job's spec means, and whether this executor may touch it."""

from collections.abc import Mapping

from daedalus_executor.adapters.compose import ComposeProjects
from daedalus_executor.adapters.flink import FlinkTarget
from daedalus_executor.adapters.flink_reactive import ReactiveTarget
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.kafka_streams import KafkaStreamsTarget
from daedalus_executor.adapters.kubernetes_targets import Kubernetes
from daedalus_executor.ports import Clock, NotAllowedError, Patience, Target, Workers
from daedalus_executor.settings import Waits
from daedalus_shared.events import ScaleOutcome
from daedalus_shared.job_spec import EngineKind, JobSpec


class Targets:
    """The targets that the executor's settings allow, and no others."""

    def __init__(
        self,
        pools: Mapping[str, Workers],
        flink: Mapping[str, FlinkRest],
        waits: Waits,
        clock: Clock,
        *,
        compose: ComposeProjects | None = None,
        kubernetes: Kubernetes | None = None,
    ) -> None:
        self._pools = pools
        self._flink = flink
        self._waits = waits
        self._clock = clock
        self._compose = compose
        self._kubernetes = kubernetes

    def of(self, spec: JobSpec) -> Target:
        """Return the target of a job.

        Raises:
            NotAllowedError: The settings do not allow it, or there is no adapter for it.
        """
        patience = Patience(
            converge=spec.policy.converge_within,
            register=self._waits.register_within,
            release=self._waits.release_within,
            sample=self._waits.sample,
        )
        if spec.engine.kind is EngineKind.KAFKA_STREAMS:
            return self._kafka_streams(spec, patience)
        rest = self._flink.get((spec.engine.rest or "").rstrip("/"))
        if rest is None:
            raise NotAllowedError(
                f"{spec.engine.rest} is not in EXECUTOR_ALLOWED_REST of this executor"
            )
        if spec.workers.flinkdeployment:
            return self._pods(spec).operated(spec, rest, patience)
        pool = self._pool(spec, patience)
        if spec.rescale == "in-place":
            return FlinkTarget(rest, spec.engine_name, pool, patience, self._clock)
        if spec.rescale == "reactive" and pool is not None:
            return ReactiveTarget(rest, spec.engine_name, pool, patience, self._clock)
        raise NotAllowedError(
            f"flink with rescale {spec.rescale} and workers.kind {spec.workers.kind} cannot be "
            "scaled: reactive needs workers, else it is in-place"
        )

    async def tell(self, spec: JobSpec, outcome: ScaleOutcome) -> None:
        """Tell those who look at a job's target what became of a command: a Kubernetes Event."""
        if spec.workers.kind == "kubernetes":
            await self._pods(spec).tell(spec, outcome)

    def _kafka_streams(self, spec: JobSpec, patience: Patience) -> Target:
        if spec.workers.kind == "kubernetes":
            return self._pods(spec).replicas(spec, patience)
        pool = self._pool(spec, patience)
        if pool is None:
            raise NotAllowedError(
                "a Kafka Streams job is scaled by its workers alone, and workers.kind is none"
            )
        return KafkaStreamsTarget(pool, patience, self._clock)

    def _pods(self, spec: JobSpec) -> Kubernetes:
        if self._kubernetes is None:
            raise NotAllowedError("this executor cannot scale on Kubernetes")
        self._kubernetes.allow(spec)
        return self._kubernetes

    def _pool(self, spec: JobSpec, patience: Patience) -> Workers | None:
        if spec.workers.kind == "none":
            return None
        if spec.workers.kind == "compose" and self._compose is not None:
            return self._compose.service(spec.workers.project, spec.workers.service or "")
        if spec.workers.kind == "kubernetes":
            return self._pods(spec).workers(spec, patience)
        if spec.workers.kind != "processes":
            raise NotAllowedError(f"this executor cannot start workers by {spec.workers.kind}")
        pool = self._pools.get(spec.workers.pool or "")
        if pool is None:
            known = ", ".join(sorted(self._pools)) or "none"
            raise NotAllowedError(f"no pool {spec.workers.pool!r} in EXECUTOR_POOLS, only {known}")
        return pool
