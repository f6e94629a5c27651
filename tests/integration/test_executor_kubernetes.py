"""Scaling on a real Kubernetes API server, by the executor's own account and nobody else's.

The server is of Kubernetes 1.20, with its controllers and its scheduler; pods are played. What a
server does not do on demand (429, 500, nonsense, a watch that breaks) comes from a stub.
"""

import asyncio
import json
import random
import re
import threading
import time
import urllib.error
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.flink_deployment import FlinkDeploymentTarget
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.kubernetes import PodWorkers, ReplicasTarget
from daedalus_executor.adapters.kubernetes_api import KubernetesApi
from daedalus_executor.adapters.kubernetes_targets import Kubernetes
from daedalus_executor.domain.kubernetes import DELETION_COST
from daedalus_executor.ports import NotAllowedError, NotOwnerError, Patience, Rescaled, TargetError
from daedalus_shared.job_spec import JobSpec
from harness.control_plane import ControlPlane
from harness.fake_flink import VERTEX, FakeFlink
from harness.kubernetes import deployment, flink_definition, namespace, stateful_set
from harness.manifests import whole_namespace
from harness.rescaling import Permits

pytestmark = pytest.mark.timeout(300)

JOBS = "jobs"

PATIENCE = 90.0
"""Seconds for what comes about at once on a machine that is not busy."""


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    """The cluster with a namespace of jobs, and the permits that the manifests give."""
    control_plane.apply(namespace(JOBS), namespace("daedalus"), flink_definition())
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    control_plane.apply({**account, "metadata": {"name": "executor"}}, namespace="daedalus")
    permits = whole_namespace(tmp_path_factory.mktemp("permits"), JOBS)
    control_plane.apply(*permits, namespace=JOBS)
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=180s", "crd", "--all")
    return control_plane


class Clock(SystemClock):
    """The time, and what a test has skipped of it."""

    skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped


class Cluster:
    """The cluster as the executor has it, for one workload of a test."""

    def __init__(
        self, plane: ControlPlane, kubeconfig: Path, most: int = 10, write: float = 20.0
    ) -> None:
        self.plane = plane
        self.clock = Clock()
        # Longer than a busy machine stalls: a write without an answer costs another permit.
        self.api = KubernetesApi(kubeconfig, self.clock, read=20.0, write=write)
        self.kubernetes = Kubernetes([JOBS], self.api, most=most, clock=self.clock)

    def job(self, **workers: str) -> JobSpec:
        flink = "flinkdeployment" in workers
        kind = "flink" if flink else "kafka-streams"
        return JobSpec.model_validate(
            {
                "job": "words",
                "engine": {"kind": kind} | ({"rest": "http://flink:8081"} if flink else {}),
                "input": {"bootstrap": "kafka:9092", "topics": ["lines"], "group": "words"},
                "workers": {"kind": "kubernetes", "namespace": JOBS, **workers},
                "scale": {"min": 1, "max": 12},
            }
        )

    def target(self, *, within: float = PATIENCE, **workers: str) -> ReplicasTarget:
        patience = Patience(converge=within, sample=0.2)
        return self.kubernetes.replicas(self.job(**workers), patience)

    def pods(self, deployment: str) -> PodWorkers:
        return self.kubernetes.workers(
            self.job(deployment=deployment), Patience(converge=PATIENCE, sample=0.2)
        )

    def replicas(self, name: str, plural: str = "deployments") -> int:
        return int(self.workload(name, plural)["spec"]["replicas"])

    def workload(self, name: str, plural: str = "deployments") -> Any:
        return self.plane.call("GET", f"/apis/apps/v1/namespaces/{JOBS}/{plural}/{name}")

    def running(self, name: str) -> list[str]:
        query = f"/api/v1/namespaces/{JOBS}/pods?labelSelector=app%3D{name}"
        items = self.plane.call("GET", query)["items"]
        left = [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]
        return sorted(pod["metadata"]["name"] for pod in left)


@pytest.fixture
def cluster(plane: ControlPlane) -> Cluster:
    return Cluster(plane, plane.account("daedalus", "executor"))


async def until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.1)


async def settled(cluster: Cluster, name: str, *made: dict[str, Any]) -> None:
    """Apply a workload and wait until its pods are ready."""
    cluster.plane.apply(*made, namespace=JOBS)
    plural = "statefulsets" if made[0]["kind"] == "StatefulSet" else "deployments"

    def ready() -> bool:
        found = cluster.workload(name, plural)
        return bool(found["status"].get("readyReplicas", 0) == found["spec"]["replicas"])

    await until(ready)


async def test_a_deployment_is_scaled_up_and_down(cluster: Cluster) -> None:
    await settled(cluster, "plain", deployment("plain", 2))
    target = cluster.target(deployment="plain")

    before = await target.read()
    up = await target.scale(5, Permits())
    between = await target.read()
    down = await target.scale(1, Permits())

    assert (before.scale_out, before.running, before.most) == (2, True, 10)
    assert (up.scale_out, up.why, between.scale_out) == (5, "", 5)
    assert up.converged_at is not None
    assert up.downtime is None  # pods do not tell
    assert (down.scale_out, down.why) == (1, "")
    assert len(cluster.running("plain")) == 1


async def test_a_stateful_set_is_scaled_up_and_down(cluster: Cluster) -> None:
    await settled(cluster, "ordered", stateful_set("ordered", 1))
    target = cluster.target(statefulset="ordered")

    up = await target.scale(4, Permits())
    down = await target.scale(2, Permits())

    assert (up.scale_out, up.why, down.scale_out, down.why) == (4, "", 2, "")
    assert cluster.running("ordered") == ["ordered-0", "ordered-1"]


async def test_one_permit_a_command(cluster: Cluster) -> None:
    await settled(cluster, "permitted", deployment("permitted", 1))
    permits = Permits()

    await cluster.target(deployment="permitted").scale(4, permits)

    assert permits.asked == [False]


async def test_a_refused_permit_changes_nothing(cluster: Cluster) -> None:
    await settled(cluster, "refused", deployment("refused", 1))

    with pytest.raises(NotOwnerError):
        await cluster.target(deployment="refused").scale(
            3, Permits(NotOwnerError("taken over"), after=0)
        )

    assert cluster.replicas("refused") == 1


async def test_a_command_that_landed_before_a_crash_is_seen_through(cluster: Cluster) -> None:
    await settled(cluster, "crashed", deployment("crashed", 1))
    path = f"/apis/apps/v1/namespaces/{JOBS}/deployments/crashed/scale"
    cluster.plane.patch(path, {"spec": {"replicas": 3}})
    permits = Permits()

    rescaled = await cluster.target(deployment="crashed").scale(3, permits)

    assert (rescaled.scale_out, rescaled.why, permits.asked) == (3, "", [])


async def out_of_patience(
    cluster: Cluster, name: str, wanted: int, seen: Callable[[], bool]
) -> Rescaled:
    """Scale, with the patience at its end soon after Kubernetes has told what is amiss."""
    scaling = asyncio.create_task(cluster.target(deployment=name).scale(wanted, Permits()))
    try:
        await until(lambda: seen() or scaling.done())
        await asyncio.sleep(0.5)  # for an answer on the way that does not tell it yet
        cluster.clock.skipped = PATIENCE
        return await scaling
    finally:
        scaling.cancel()


async def test_pods_without_room_are_told_as_such_and_taken_back(cluster: Cluster) -> None:
    await settled(cluster, "huge", deployment("huge", 2, cpu="300"))

    def without_room() -> bool:
        query = f"/api/v1/namespaces/{JOBS}/pods?labelSelector=app%3Dhuge"
        return "Unschedulable" in json.dumps(cluster.plane.call("GET", query))

    rescaled = await out_of_patience(cluster, "huge", 6, without_room)

    assert rescaled.converged_at is None
    assert "pods are pending for lack of room: 0/1 nodes are available" in rescaled.why
    assert "Insufficient cpu" in rescaled.why
    assert (rescaled.scale_out, cluster.replicas("huge")) == (2, 2)


async def test_a_pod_that_does_not_start_is_named_with_its_reason(cluster: Cluster) -> None:
    await settled(cluster, "imageless", deployment("imageless", 1))
    broken = deployment("imageless", 1, notes={"kubelet.test/waiting": "ImagePullBackOff"})
    cluster.plane.apply(broken, namespace=JOBS)
    target = cluster.target(deployment="imageless")
    await until(lambda: len(cluster.running("imageless")) == 2)  # the old one stays meanwhile

    told = re.compile(
        r"being rolled out: 1 of 2 pods are new: "
        r"imageless-\S+ is not ready: ImagePullBackOff: as the test wants"
    )

    deadline = time.monotonic() + PATIENCE
    found = await target.read()
    while not told.fullmatch(found.status) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)  # scheduler, kubelet and controllers have their say in turn
        found = await target.read()

    assert not found.running
    assert told.fullmatch(found.status), found.status


async def test_pods_that_are_forbidden_are_told(cluster: Cluster) -> None:
    await settled(cluster, "capped", deployment("capped", 1))
    limit = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}}
    spec = {"limits": [{"type": "Pod", "max": {"cpu": "1m"}}]}
    cluster.plane.apply({**limit, "spec": spec}, namespace=JOBS)
    try:
        rescaled = await out_of_patience(
            cluster, "capped", 3, lambda: "ReplicaFailure" in json.dumps(cluster.workload("capped"))
        )
    finally:
        cluster.plane.kubectl("delete", "-n", JOBS, "limitrange", "small")

    assert "is forbidden: " in rescaled.why
    assert cluster.replicas("capped") == 1


async def test_an_hpa_on_the_same_target_is_refused_by_name(cluster: Cluster) -> None:
    await settled(cluster, "shared", deployment("shared", 1))
    cluster.plane.kubectl("autoscale", "-n", JOBS, "deployment", "shared", "--max=3")

    with pytest.raises(NotAllowedError, match="HorizontalPodAutoscaler shared too: remove it"):
        await cluster.target(deployment="shared").read()
    with pytest.raises(NotAllowedError, match="two would fight"):
        await cluster.pods("shared").check()


async def test_what_an_operator_owns_is_refused(cluster: Cluster) -> None:
    kind = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment"}
    cluster.plane.apply({**kind, "metadata": {"name": "ysb"}, "spec": {}}, namespace=JOBS)
    path = f"/apis/flink.apache.org/v1beta1/namespaces/{JOBS}/flinkdeployments/ysb"
    uid = cluster.plane.call("GET", path)["metadata"]["uid"]
    owner = {**kind, "name": "ysb", "uid": uid, "controller": True}
    made = deployment("owned", 1)
    made["metadata"]["ownerReferences"] = [owner]
    cluster.plane.apply(made, namespace=JOBS)

    with pytest.raises(NotAllowedError, match=r"name it: workers\.flinkdeployment: ysb"):
        await cluster.target(deployment="owned").read()


async def test_somebody_who_sets_it_back_meanwhile_is_left_alone(cluster: Cluster) -> None:
    never = {"kubelet.test/unready": "true"}
    cluster.plane.apply(deployment("fought", 1, notes=never), namespace=JOBS)
    target = cluster.target(deployment="fought")
    scaling = asyncio.create_task(target.scale(3, Permits()))
    await until(lambda: cluster.replicas("fought") == 3)

    await asyncio.to_thread(
        cluster.plane.kubectl, "scale", "-n", JOBS, "deployment/fought", "--replicas=2"
    )

    with pytest.raises(TargetError, match=r"asked for 2 pods of Deployment jobs/fought meanwhile"):
        await scaling
    assert cluster.replicas("fought") == 2


class Meddling(Permits):
    """Lets something happen between the permit and the change."""

    def __init__(self, meddle: Callable[[], object], times: int = 1) -> None:
        super().__init__()
        self._meddle = meddle
        self._times = times

    async def __call__(self, *, finishing: bool = False) -> None:
        await super().__call__(finishing=finishing)
        if len(self.asked) <= self._times:
            await asyncio.to_thread(self._meddle)


async def test_a_version_that_is_old_by_now_is_read_anew(cluster: Cluster) -> None:
    await settled(cluster, "moving", deployment("moving", 1))
    permits = Meddling(
        lambda: cluster.plane.kubectl(
            "annotate", "--overwrite", "-n", JOBS, "deploy/moving", f"at={time.monotonic()}"
        ),
        times=2,
    )

    rescaled = await cluster.target(deployment="moving").scale(2, permits)

    assert (rescaled.scale_out, rescaled.why) == (2, "")
    assert permits.asked == [False, False, False]  # a permit for each attempt


async def test_a_change_by_somebody_just_before_ours_stays(cluster: Cluster) -> None:
    await settled(cluster, "overtaken", deployment("overtaken", 1))
    permits = Meddling(
        lambda: cluster.plane.kubectl("scale", "-n", JOBS, "deploy/overtaken", "--replicas=4")
    )

    with pytest.raises(TargetError, match=r"asked for 4 pods of .* meanwhile: it is left so"):
        await cluster.target(deployment="overtaken").scale(2, permits)

    assert cluster.replicas("overtaken") == 4


async def test_a_write_without_an_answer_is_done_once(plane: ControlPlane) -> None:
    """Its storage hangs: the request times out, and has landed or not."""
    cluster = Cluster(plane, plane.account("daedalus", "executor"), write=1.5)
    await settled(cluster, "hanging", deployment("hanging", 1))
    generation = cluster.workload("hanging")["metadata"]["generation"]
    thawed: list[threading.Timer] = []

    def hang() -> None:
        cluster.plane.freeze()
        thaw = threading.Timer(4.0, cluster.plane.thaw)
        thaw.start()
        thawed.append(thaw)

    permits = Meddling(hang)
    try:
        rescaled = await cluster.target(deployment="hanging", within=240).scale(3, permits)
    finally:
        cluster.plane.thaw()
        thawed[0].join()

    assert (rescaled.scale_out, rescaled.why) == (3, "")
    assert cluster.workload("hanging")["metadata"]["generation"] == generation + 1


async def test_a_server_that_is_gone_for_a_while_is_waited_for(cluster: Cluster) -> None:
    never = {"kubelet.test/unready": "true"}
    await settled(cluster, "patient", deployment("patient", 1))
    cluster.plane.apply(deployment("patient", 1, notes=never), namespace=JOBS)
    scaling = asyncio.create_task(
        cluster.target(deployment="patient", within=240).scale(2, Permits())
    )
    await until(lambda: cluster.replicas("patient") == 2)

    cluster.plane.kill()
    with pytest.raises(TargetError, match="Kubernetes does not answer"):
        await cluster.target(deployment="patient").read()
    await asyncio.to_thread(cluster.plane.start_server)
    cluster.plane.apply(deployment("patient", 2), namespace=JOBS)

    rescaled = await scaling
    assert (rescaled.scale_out, rescaled.why) == (2, "")


async def test_a_watch_that_has_lost_its_place_costs_a_second(cluster: Cluster) -> None:
    await settled(cluster, "compacted", deployment("compacted", 1))
    old = cluster.workload("compacted")["metadata"]["resourceVersion"]
    cluster.plane.apply(deployment("compacted", 2), namespace=JOBS)
    await until(lambda: len(cluster.running("compacted")) == 2)
    cluster.plane.compact()
    group = f"/apis/apps/v1/namespaces/{JOBS}/deployments"

    async with cluster.api.connected() as kube:
        began = time.monotonic()
        await kube.changed(group, "compacted", old, 60.0)

    assert time.monotonic() - began < 30


async def test_a_watch_wakes_up_at_a_change(cluster: Cluster) -> None:
    await settled(cluster, "watched", deployment("watched", 1))
    version = cluster.workload("watched")["metadata"]["resourceVersion"]
    group = f"/apis/apps/v1/namespaces/{JOBS}/deployments"

    async with cluster.api.connected() as kube:
        waiting = asyncio.create_task(kube.changed(group, "watched", version, 30.0))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        cluster.plane.kubectl("annotate", "-n", JOBS, "deploy/watched", "seen=1")
        await asyncio.wait_for(waiting, 25)


@pytest.mark.parametrize(
    ("workers", "why"),
    [
        pytest.param({"deployment": "none"}, 'deployments.apps "none" not found', id="404"),
        pytest.param({"namespace": "kube-system", "deployment": "x"}, "cannot get", id="403"),
    ],
)
async def test_what_is_not_there_or_forbidden_is_named(
    cluster: Cluster, workers: Any, why: str
) -> None:
    with pytest.raises((TargetError, NotAllowedError), match=why):
        await cluster.target(**workers).read()


async def test_the_settings_bound_what_a_job_file_may_name(cluster: Cluster) -> None:
    with pytest.raises(NotAllowedError, match=r"other/x is not in EXECUTOR_KUBERNETES_TARGETS"):
        cluster.kubernetes.allow(cluster.job(namespace="other", deployment="x"))
    narrow = Kubernetes([f"{JOBS}/a"], cluster.api, most=1, clock=cluster.clock)
    with pytest.raises(NotAllowedError, match=r"only jobs/a"):
        narrow.allow(cluster.job(deployment="b"))
    narrow.allow(cluster.job(deployment="a"))


async def test_a_token_that_nobody_knows_is_told(plane: ControlPlane) -> None:
    stranger = Cluster(plane, plane.kubeconfig("stranger", token="nonsense"))

    with pytest.raises(TargetError, match="does not know who asks: Unauthorized"):
        await stranger.target(deployment="plain").read()


@pytest.mark.parametrize("text", [None, "", "{", "apiVersion: v1\nkind: Config\n"])
async def test_a_wrong_kubeconfig_is_named(
    plane: ControlPlane, tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)

    with pytest.raises(TargetError, match=f"no way to Kubernetes by {path}"):
        await Cluster(plane, path).target(deployment="plain").read()


async def test_without_a_service_account_the_setting_is_named(plane: ControlPlane) -> None:
    api = KubernetesApi(None, SystemClock(), read=1, write=1)

    with pytest.raises(TargetError, match=r"EXECUTOR_KUBECONFIG elsewhere.*host/port is not set"):
        async with api.connected():
            pass


# -- pods as Flink's TaskManagers ------------------------------------------------------------------


async def test_pods_are_started_and_named(cluster: Cluster) -> None:
    await settled(cluster, "managers", deployment("managers", 1))
    pods = cluster.pods("managers")
    before = await pods.workers()

    started = await pods.start(2, Permits())

    assert len(started) == 2
    assert set(await pods.workers()) == {*before, *started}
    await until(lambda: cluster.workload("managers")["status"].get("readyReplicas") == 3)
    assert set(await pods.ready()) == {*before, *started}


async def test_the_pods_that_are_to_go_are_marked(cluster: Cluster) -> None:
    await settled(cluster, "marked", deployment("marked", 3))
    pods = cluster.pods("marked")
    oldest, *others = await pods.workers()
    # It goes first in 1.20; the mark is heeded from 1.22 on.
    await unready(cluster, "marked", oldest)
    permits = Permits()

    await pods.stop([oldest], permits)

    assert set(await pods.workers()) == set(others)
    assert permits.asked == [False, False]  # the mark, the number
    gone = cluster.plane.call("GET", f"/api/v1/namespaces/{JOBS}/pods?labelSelector=app%3Dmarked")
    marks = {
        pod["metadata"]["name"]: pod["metadata"].get("annotations", {}).get(DELETION_COST)
        for pod in gone["items"]
    }
    assert all(mark is None for name, mark in marks.items() if name != oldest)


async def test_another_pod_that_went_is_named(cluster: Cluster) -> None:
    await settled(cluster, "unheeded", deployment("unheeded", 3))
    pods = cluster.pods("unheeded")
    oldest, *others = await pods.workers()
    # So that 1.20, which knows no mark, ends one of them.
    await unready(cluster, "unheeded", *others)

    with pytest.raises(TargetError, match=rf"ended .* and not {oldest}, which were marked"):
        await pods.stop([oldest], Permits())


async def unready(cluster: Cluster, name: str, *pods: str) -> None:
    """Let pods be unready, and wait until the controllers know."""
    status = {"conditions": [{"type": "Ready", "status": "False"}]}
    for pod in pods:
        cluster.plane.call(
            "PATCH",
            f"/api/v1/namespaces/{JOBS}/pods/{pod}/status",
            {"status": status},
            kind="application/strategic-merge-patch+json",
        )
    left = cluster.replicas(name) - len(pods)
    await until(lambda: cluster.workload(name)["status"].get("readyReplicas") == left)


# -- the Flink operator ----------------------------------------------------------------------------


class Operator:
    """Plays the Flink operator: what a FlinkDeployment says becomes of its job."""

    def __init__(self, plane: ControlPlane, flink: FakeFlink, name: str, field: str) -> None:
        self.plane = plane
        self.path = f"/apis/flink.apache.org/v1beta1/namespaces/{JOBS}/flinkdeployments/{name}"
        self.heeds = True
        self._flink = flink
        self._field = field

    async def serve(self) -> None:
        section, name = self._field.split(".")
        seen = None
        while True:
            found = await asyncio.to_thread(self.plane.call, "GET", self.path)
            wanted = found["spec"][section][name]
            if self.heeds and wanted != seen:
                body = {VERTEX: {"parallelism": {"upperBound": wanted}}}
                await asyncio.to_thread(self._flink.put, "ysb", body, 0, 0.0)
                seen = wanted
            await asyncio.sleep(0.2)


@asynccontextmanager
async def operated(
    cluster: Cluster, name: str, field: str, within: float = PATIENCE, /, **settings: str
) -> AsyncIterator[tuple[Operator, FlinkDeploymentTarget]]:
    """A FlinkDeployment at 2, its operator, and the executor's target."""
    section, key = field.split(".")
    cluster.plane.apply(
        {
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": name},
            "spec": {section: {key: 2}, "flinkConfiguration": settings},
        },
        namespace=JOBS,
    )
    with FakeFlink(random.Random(1), slow=0.05).running() as flink:
        flink.add("ysb", 2)
        spec = cluster.job(flinkdeployment=name)
        engine = spec.engine.model_copy(update={"name": "ysb"})
        rescale = "reactive" if section == "taskManager" else "in-place"
        spec = spec.model_copy(update={"engine": engine, "rescale": rescale})
        rest = FlinkRest(flink.url, cluster.clock, read=20.0, write=20.0)
        operator = Operator(cluster.plane, flink, name, field)
        serving = asyncio.create_task(operator.serve())
        try:
            yield (
                operator,
                cluster.kubernetes.operated(spec, rest, Patience(converge=within, sample=0.2)),
            )
        finally:
            serving.cancel()


@pytest.mark.parametrize("field", ["job.parallelism", "taskManager.replicas"])
async def test_a_flink_deployment_is_scaled_by_its_operator(cluster: Cluster, field: str) -> None:
    async with operated(cluster, field.lower().replace(".", "-"), field) as (operator, target):
        found = await target.read()
        rescaled = await target.scale(5, Permits())

        assert (found.scale_out, found.running) == (2, True)
        assert (rescaled.scale_out, rescaled.why) == (5, "")
        assert rescaled.downtime is not None
        section, name = field.split(".")
        assert operator.plane.call("GET", operator.path)["spec"][section][name] == 5


async def test_an_operator_that_does_nothing_is_told_and_taken_back(cluster: Cluster) -> None:
    async with operated(cluster, "idle", "job.parallelism", 8) as (operator, target):
        await asyncio.sleep(0.5)
        operator.heeds = False

        rescaled = await target.scale(5, Permits())

        assert rescaled.converged_at is None
        assert rescaled.why == "the job is RUNNING at 2 of 5 after 8 s"
        assert operator.plane.call("GET", operator.path)["spec"]["job"]["parallelism"] == 2


async def test_the_operators_own_autoscaler_is_refused(cluster: Cluster) -> None:
    settings = {"job.autoscaler.enabled": "true"}
    async with operated(cluster, "scaled", "job.parallelism", **settings) as (_, target):
        with pytest.raises(NotAllowedError, match="Flink operator's own autoscaler"):
            await target.read()


# -- what a server does not do on demand -----------------------------------------------------------


@asynccontextmanager
async def stub(folder: Path, answer: Callable[[web.Request], Any]) -> AsyncIterator[KubernetesApi]:
    """An API server that answers as told."""

    async def serve(request: web.Request) -> web.StreamResponse:
        found: web.StreamResponse = await answer(request)
        return found

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://{host}:{port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "stub"
    path.write_text(json.dumps(config))
    try:
        yield KubernetesApi(path, SystemClock(), read=20.0, write=20.0)
    finally:
        await runner.cleanup()


def target_of(api: KubernetesApi) -> ReplicasTarget:
    spec = JobSpec.model_validate(
        {
            "job": "words",
            "engine": {"kind": "kafka-streams"},
            "input": {"bootstrap": "kafka:9092", "topics": ["lines"], "group": "words"},
            "workers": {"kind": "kubernetes", "namespace": JOBS, "deployment": "words"},
            "scale": {"max": 12},
        }
    )
    clock = SystemClock()
    return Kubernetes([JOBS], api, most=10, clock=clock).replicas(
        spec, Patience(converge=PATIENCE, sample=0.2)
    )


def workload(replicas: int) -> dict[str, Any]:
    meta = {"name": "words", "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    status = {"replicas": replicas, "readyReplicas": replicas, "updatedReplicas": replicas}
    return {"metadata": meta, "spec": {"replicas": replicas}, "status": status, "items": []}


async def test_a_server_that_asks_for_a_pause_gets_it(tmp_path: Path) -> None:
    asked: list[float] = []

    async def busy(request: web.Request) -> web.Response:
        asked.append(time.monotonic())
        if len(asked) == 1:
            return web.json_response(
                {"message": "slow down"}, status=429, headers={"Retry-After": "2"}
            )
        return web.json_response(workload(3))

    async with stub(tmp_path, busy) as api:
        found = await target_of(api).read()

    assert found.scale_out == 3
    assert asked[1] - asked[0] >= 2


async def test_a_write_that_is_refused_for_now_is_tried_again_by_another_permit(
    tmp_path: Path,
) -> None:
    wanted, writes = 1, 0

    async def busy(request: web.Request) -> web.Response:
        nonlocal wanted, writes
        if request.method == "PATCH":
            writes += 1
            if writes < 3:
                return web.json_response({"message": "etcd has no leader"}, status=500)
            wanted = (await request.json())["spec"]["replicas"]
        return web.json_response(workload(wanted))

    permits = Permits()
    async with stub(tmp_path, busy) as api:
        rescaled = await target_of(api).scale(2, permits)

    assert (rescaled.scale_out, writes, len(permits.asked)) == (2, 3, 3)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param("<html>proxy</html>", "answered what Kubernetes does not", id="no JSON"),
        pytest.param("[]", "answered what Kubernetes does not", id="a list"),
        pytest.param('{"metadata": {}}', "metadata.name: Field required", id="half an object"),
        pytest.param(
            json.dumps(workload(3) | {"spec": {"replicas": -1}}), "spec.replicas", id="minus one"
        ),
    ],
)
async def test_an_answer_that_is_none_is_named_with_its_field(
    tmp_path: Path, body: str, why: str
) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with stub(tmp_path, nonsense) as api:
        with pytest.raises(TargetError, match=why):
            await target_of(api).read()


async def test_a_watch_that_breaks_or_never_works_is_done_without(tmp_path: Path) -> None:
    ready = 1

    async def broken(request: web.Request) -> web.StreamResponse:
        nonlocal ready
        if "watch" in request.query:
            ready = 2
            stream = web.StreamResponse()
            await stream.prepare(request)
            await stream.write(b'{"type": "MODI')
            assert request.transport is not None
            request.transport.close()
            return stream
        found = workload(2)
        found["status"]["readyReplicas"] = ready
        return web.json_response(found)

    async with stub(tmp_path, broken) as api:
        rescaled = await target_of(api).scale(2, Permits())

    assert (rescaled.scale_out, rescaled.why) == (2, "")


def test_the_account_may_do_nothing_else(plane: ControlPlane) -> None:
    config = json.loads(plane.account("daedalus", "executor").read_text())
    token = config["users"][0]["user"]["token"]

    with pytest.raises(urllib.error.HTTPError, match="403"):
        plane.call("DELETE", f"/apis/apps/v1/namespaces/{JOBS}/deployments/plain", token=token)
