"""A real Flink job whose TaskManagers are pods of a real Kubernetes API server.

Pods are played by processes: each pod that is there has a TaskManager of its name.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError

import pytest

from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.flink import FlinkTarget
from daedalus_executor.adapters.flink_reactive import ReactiveTarget
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.kubernetes import PodWorkers
from daedalus_executor.adapters.kubernetes_api import KubernetesApi
from daedalus_executor.adapters.kubernetes_targets import Kubernetes
from daedalus_executor.domain.kubernetes import DELETION_COST
from daedalus_executor.ports import Patience
from daedalus_local import jobs, topics
from daedalus_local.child import Child
from daedalus_local.flink import JobManager, running_jobmanager
from daedalus_local.kafka import running_kafka
from daedalus_shared.job_spec import JobSpec
from harness.control_plane import ControlPlane
from harness.fixtures import need_tools
from harness.kubernetes import deployment
from harness.rescaling import Permits

pytestmark = [pytest.mark.flink, pytest.mark.timeout(400)]

JOB = jobs.JOBS["wordcount"]
PATIENCE = Patience(converge=240, register=240, release=120)
PODS = "/api/v1/namespaces/default/pods"


@dataclass
class Machine:
    """Runs a TaskManager for each pod that is there."""

    plane: ControlPlane
    manager: JobManager
    running: dict[str, Child] = field(default_factory=dict)

    def pods(self) -> list[str]:
        items = self.plane.call("GET", PODS)["items"]
        left = [pod["metadata"] for pod in items if "deletionTimestamp" not in pod["metadata"]]
        return [meta["name"] for meta in left]

    async def serve(self) -> None:
        while True:
            await asyncio.sleep(0.3)
            try:
                pods = await asyncio.to_thread(self.pods)
            except OSError:  # a busy server: the next question finds the same
                continue
            for pod in pods:
                if pod not in self.running:
                    self.running[pod] = self.manager.taskmanager(pod)
                    await asyncio.to_thread(self.running[pod].start)
            for pod in [pod for pod in self.running if pod not in pods]:
                await asyncio.to_thread(self.running.pop(pod).stop)

    def heed(self) -> None:
        """Let the marked pods go first, as Kubernetes does by itself from 1.22 on."""
        for pod in self.plane.call("GET", PODS)["items"]:
            if DELETION_COST not in pod["metadata"].get("annotations", {}):
                continue
            try:
                self.plane.call(
                    "PATCH",
                    f"{PODS}/{pod['metadata']['name']}/status",
                    {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
                    kind="application/strategic-merge-patch+json",
                )
            except HTTPError as error:
                if error.code != HTTPStatus.NOT_FOUND:  # one that was going has gone
                    raise


class HeedingPermits(Permits):
    """Grants everything; what is marked by then is made to go first."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    async def __call__(self, *, finishing: bool = False) -> None:
        await super().__call__(finishing=finishing)
        await asyncio.to_thread(self._machine.heed)


@dataclass
class Cluster:
    """A job on two pods."""

    machine: Machine
    rest: FlinkRest
    pods: PodWorkers
    clock: SystemClock
    job: str

    def permits(self) -> Permits:
        return HeedingPermits(self.machine)

    def in_place(self) -> FlinkTarget:
        return FlinkTarget(self.rest, JOB.name, self.pods, PATIENCE, self.clock)

    def reactive(self) -> ReactiveTarget:
        return ReactiveTarget(self.rest, JOB.name, self.pods, PATIENCE, self.clock)

    async def registered(self) -> set[str]:
        return {manager.id for manager in await self.rest.task_managers()}


@pytest.fixture
async def cluster(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Cluster]:
    need_tools("java", "javac", "mvn")
    clock = SystemClock()
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        running_jobmanager(tmp_path / "flink") as flink,
    ):
        topics.create(kafka.bootstrap, [JOB])
        control_plane.apply(deployment("managers", 2))
        machine = Machine(control_plane, flink)
        serving = asyncio.create_task(machine.serve())
        try:
            rest = flink.rest
            await asyncio.to_thread(rest.wait_for_workers, 2, 180.0)
            job = await asyncio.to_thread(
                lambda: jobs.start(
                    rest, JOB, bootstrap=kafka.bootstrap, parallelism=2, cost=jobs.Cost()
                )
            )
            await asyncio.to_thread(rest.wait_until_running, job, 180.0)
            spec = JobSpec.model_validate(
                {
                    "job": "wordcount",
                    "engine": {"kind": "flink", "rest": flink.url},
                    "input": {"bootstrap": "kafka:9092", "topics": ["lines"], "group": "words"},
                    "workers": {
                        "kind": "kubernetes",
                        "namespace": "default",
                        "deployment": "managers",
                    },
                    "scale": {"max": 4},
                }
            )
            api = KubernetesApi(control_plane.kubeconfig(), clock, read=5.0, write=5.0)
            pods = Kubernetes(["default"], api, most=4, clock=clock).workers(spec, PATIENCE)
            yield Cluster(
                machine, FlinkRest(flink.url, clock, read=5.0, write=5.0), pods, clock, job
            )
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            for child in machine.running.values():
                child.stop()


async def test_a_flink_job_is_scaled_with_its_pods(cluster: Cluster) -> None:
    found = await cluster.in_place().read()
    assert (found.scale_out, found.running, found.most) == (2, True, 4)

    up = await cluster.in_place().scale(4, cluster.permits())

    assert (up.scale_out, up.why) == (4, "")
    assert await cluster.registered() == set(cluster.machine.pods())

    down = await cluster.in_place().scale(3, cluster.permits())

    # The pod that Flink freed has gone, and no other: the job was not restarted by it.
    assert (down.scale_out, down.why) == (3, "")
    assert len(cluster.machine.pods()) == 3
    job = await cluster.rest.find(JOB.name)
    assert job.runs_at(3)

    # The same job with all the slots that there are: reactive.
    await cluster.rest.require(job, 12, cluster.permits())
    fewer = await cluster.reactive().scale(2, cluster.permits())
    more = await cluster.reactive().scale(3, cluster.permits())

    assert (fewer.scale_out, fewer.why, more.scale_out, more.why) == (2, "", 3, "")
    assert fewer.downtime is not None
    assert fewer.downtime > 0
    told = {"up": up, "down": down, "reactive down": fewer, "reactive up": more}
    print({name: each.downtime for name, each in told.items()})
