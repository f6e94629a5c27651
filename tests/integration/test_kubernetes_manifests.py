"""The manifests on a real API server, and what the accounts in them may do there.

The server is of Kubernetes 1.20. What it lacks is taken out by name before it is asked; newer
versions' schemas are held in tests/unit/deploy.
"""

import json
import time
import urllib.error
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pytest

from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.kubernetes_api import KubernetesApi
from daedalus_executor.adapters.kubernetes_targets import Kubernetes
from daedalus_executor.ports import Patience
from daedalus_shared.events import ScaleOutcome, Status
from harness.control_plane import ControlPlane
from harness.manifests import (
    FOLDER,
    PAGE,
    SERVICES,
    Manifest,
    called,
    containers,
    environment,
    job_files,
    rendered,
    whole_namespace,
    workloads,
)
from harness.rescaling import Permits
from harness.rights import everything, permitted

PLURALS = {"NetworkPolicy": "networkpolicies"}

MERGE = "application/merge-patch+json"

CLUSTER_WIDE = {"Namespace", "CustomResourceDefinition", "PersistentVolume"}

DEMO, DAEDALUS, JOBS = "daedalus-demo", "daedalus", "jobs"

STREAMING = "streaming"
"""A namespace with every permit, for all of its workloads."""


@pytest.fixture(scope="module")
def demo(control_plane: ControlPlane) -> list[Manifest]:
    return rendered(FOLDER / "overlays" / "demo")


@pytest.fixture(scope="module")
def production(control_plane: ControlPlane) -> list[Manifest]:
    return rendered(FOLDER / "overlays" / "production")


@pytest.fixture(scope="module")
def streaming(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> list[Manifest]:
    return whole_namespace(tmp_path_factory.mktemp("permit"), STREAMING)


@pytest.fixture(scope="module")
def cluster(
    control_plane: ControlPlane,
    demo: Sequence[Manifest],
    production: Sequence[Manifest],
    streaming: Sequence[Manifest],
) -> ControlPlane:
    """The cluster with what has to be there before: namespaces, and others' definitions."""
    for definition in (
        _definition("monitoring.coreos.com", "PodMonitor"),
        _definition("flink.apache.org", "FlinkDeployment"),
    ):
        apply(control_plane, definition)
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=240s", "crd", "--all")
    names = {found["metadata"].get("namespace") for found in (*demo, *production, *streaming)}
    for name in names - {None}:
        made = [found for found in demo if called(found) == f"Namespace {name}"]
        apply(control_plane, *made or [_object("v1", "Namespace", name)])
    return control_plane


@pytest.fixture(scope="module")
def running(cluster: ControlPlane, demo: Sequence[Manifest]) -> ControlPlane:
    """The cluster with the demo applied, and a volume for its Kafka."""
    apply(cluster, *demo)
    for namespace in (DAEDALUS, DEMO):
        cluster.kubectl(
            "wait", "-n", namespace, "--for=condition=Available", "--timeout=240s",
            "deployment", "--all",
        )  # fmt: skip
    claims = f"/api/v1/namespaces/{DAEDALUS}/persistentvolumeclaims"
    until(
        lambda: {
            found["metadata"]["name"]: found["status"].get("phase")
            for found in cluster.call("GET", claims)["items"]
        },
        {"data-kafka-0": "Pending"},
    )
    _provision(cluster, DAEDALUS, "data-kafka-0")
    cluster.kubectl("rollout", "status", "-n", DAEDALUS, "--timeout=240s", "statefulset/kafka")
    return cluster


def test_the_server_accepts_every_object(
    cluster: ControlPlane,
    demo: Sequence[Manifest],
    production: Sequence[Manifest],
    streaming: Sequence[Manifest],
) -> None:
    refused = []
    for found in (*demo, *production, *streaming):
        try:
            apply(cluster, found, dry=True)
        except urllib.error.HTTPError as error:
            with error:
                refused.append(f"{called(found)}: {json.load(error)['message']}")
    assert refused == []


def test_the_dry_run_can_fail(cluster: ControlPlane, demo: Sequence[Manifest]) -> None:
    wrong = deepcopy(next(found for found in demo if found["kind"] == "Deployment"))
    wrong["spec"]["replica"] = 3

    with pytest.raises(urllib.error.HTTPError) as refused:
        apply(cluster, wrong, dry=True)

    with refused.value as answer:
        assert "replica: field not declared" in json.load(answer)["message"]


def test_the_demo_comes_up(running: ControlPlane, demo: Sequence[Manifest]) -> None:
    ready = {
        (namespace, found["metadata"]["name"]): found["status"].get("readyReplicas")
        for namespace in (DAEDALUS, DEMO)
        for kind in ("deployments", "statefulsets")
        for found in running.call("GET", f"/apis/apps/v1/namespaces/{namespace}/{kind}")["items"]
    }
    wanted = {
        (found["metadata"]["namespace"], found["metadata"]["name"]) for found in workloads(demo)
    }
    assert ready == dict.fromkeys(wanted, 1)

    budgets = f"/apis/policy/v1beta1/namespaces/{DAEDALUS}/poddisruptionbudgets"
    until(
        lambda: {
            found["metadata"]["name"]: (
                found["status"].get("expectedPods"),
                found["status"].get("disruptionsAllowed"),
            )
            for found in running.call("GET", budgets)["items"]
        },
        dict.fromkeys([*SERVICES, PAGE], (1, 1)),
    )


def test_production_comes_up(cluster: ControlPlane, production: Sequence[Manifest]) -> None:
    """In place of the demo's services: the names are the same."""
    apply(cluster, *(found for found in production if found["kind"] != "Namespace"))
    for service in SERVICES:
        cluster.kubectl(
            "rollout", "status", "-n", DAEDALUS, "--timeout=240s", f"deployment/{service}"
        )
        found = cluster.call("GET", f"/apis/apps/v1/namespaces/{DAEDALUS}/deployments/{service}")
        assert found["status"]["readyReplicas"] == 2
    cluster.kubectl("rollout", "status", "-n", DAEDALUS, "--timeout=240s", f"deployment/{PAGE}")


def test_another_apply_leaves_what_the_executor_set(
    running: ControlPlane, demo: Sequence[Manifest]
) -> None:
    scale = f"/apis/apps/v1/namespaces/{DEMO}/deployments/wordcount/scale"
    executor = _token(running, DAEDALUS, "executor")
    running.call("PATCH", scale, {"spec": {"replicas": 3}}, token=executor, kind=MERGE)

    apply(running, *demo)

    assert running.call("GET", scale)["spec"]["replicas"] == 3
    running.kubectl("rollout", "status", "-n", DEMO, "--timeout=240s", "deployment/wordcount")


ANYBODY = {
    "create selfsubjectaccessreviews.authorization.k8s.io",
    "create selfsubjectrulesreviews.authorization.k8s.io",
}
"""What every account of a cluster may do: ask what it may do."""

OBSERVE = {"list pods", "list horizontalpodautoscalers.autoscaling", "create events"}


def _scales(name: str) -> set[str]:
    return {
        f"{verb} {kind}.apps{sub} {name}"
        for kind in ("deployments", "statefulsets")
        for verb, sub in (("get", ""), ("watch", ""), ("get", "/scale"), ("patch", "/scale"))
    }


async def test_the_executor_may_scale_the_named_workload_and_nothing_else(
    running: ControlPlane,
) -> None:
    """Every verb of every resource, on the name that is permitted and on another."""
    asks = everything(running, DEMO, ["wordcount", "other"])

    found = await permitted(running, _token(running, DAEDALUS, "executor"), asks)

    assert len(asks) > 400
    assert found == _scales("wordcount") | OBSERVE


async def test_all_permits_together_add_pods_and_flink_deployments_alone(
    running: ControlPlane, streaming: Sequence[Manifest]
) -> None:
    apply(running, *streaming)
    asks = everything(running, STREAMING, ["any"])

    found = await permitted(running, _token(running, DAEDALUS, "executor"), asks)

    assert found == {
        *_scales("any"),
        *OBSERVE,
        "watch deployments.apps",
        "watch statefulsets.apps",
        "patch pods any",
        "get flinkdeployments.flink.apache.org any",
        "patch flinkdeployments.flink.apache.org any",
        "patch flinkdeployments.flink.apache.org/scale any",
    }


@pytest.mark.parametrize("namespace", [DAEDALUS, "kube-system", None])
async def test_the_executor_may_do_nothing_elsewhere(
    running: ControlPlane, namespace: str | None
) -> None:
    """In its own namespace, in another, and in none."""
    asks = everything(running, namespace, ["wordcount"])

    found = await permitted(running, _token(running, DAEDALUS, "executor"), asks)

    assert found == (ANYBODY if namespace is None else set())


@pytest.mark.parametrize(
    "account", ["monitor", "analyzer", "forecaster", "planner", "declare", "page", "kafka"]
)
async def test_the_other_accounts_may_do_nothing(running: ControlPlane, account: str) -> None:
    token = _token(running, DAEDALUS, account)
    review = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    for namespace in (DAEDALUS, DEMO, STREAMING):
        body = {"spec": {"namespace": namespace}}
        rules = running.call("POST", review, body, token=token)["status"]["resourceRules"]
        assert {
            f"{verb} {resource}.{group}"
            for rule in rules
            for verb in rule["verbs"]
            for resource in rule["resources"]
            for group in rule["apiGroups"]
        } == ANYBODY


@pytest.mark.parametrize("path", ["/metrics", "/logs", "/debug/pprof/", "/api/v1/nodes"])
def test_the_executor_is_refused_the_servers_own_pages(running: ControlPlane, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        running.call("GET", path, token=_token(running, DAEDALUS, "executor"))

    with refused.value as answer:
        assert answer.code == 403


def test_the_executor_may_be_nobody_else(running: ControlPlane) -> None:
    account = str(running.account(DAEDALUS, "executor"))
    command = ["--kubeconfig", account, "--as", "system:admin", "get", "pods", "-n", DEMO]

    with pytest.raises(RuntimeError, match="cannot impersonate resource"):
        running.kubectl(*command)


async def test_the_executor_does_what_it_is_for_by_its_own_token(
    running: ControlPlane, demo: Sequence[Manifest]
) -> None:
    """The demo's job file, the demo's settings, the demo's Role."""
    [spec] = job_files(demo)
    [executor] = [found for found in workloads(demo) if found["metadata"]["name"] == "executor"]
    variables = environment(demo, executor, containers(executor)[0])
    allowed = json.loads(variables["EXECUTOR_KUBERNETES_TARGETS"])
    clock = SystemClock()
    api = KubernetesApi(running.account(DAEDALUS, "executor"), clock, read=30, write=30)
    kubernetes = Kubernetes(allowed, api, most=10, clock=clock)
    kubernetes.allow(spec)
    target = kubernetes.replicas(spec, Patience(converge=240, sample=0.2))

    before = await target.read()
    rescaled = await target.scale(4, Permits())
    outcome = ScaleOutcome(
        job=spec.job,
        at=clock.now(),
        tick=clock.now(),
        source="executor/executor",
        command="wordcount|1",
        from_scale_out=before.scale_out,
        to_scale_out=4,
        generation=1,
        status=Status.APPLIED,
    )
    await kubernetes.tell(spec, outcome)

    assert before.running
    assert (rescaled.scale_out, rescaled.why) == (4, "")
    deployment = f"/apis/apps/v1/namespaces/{DEMO}/deployments/wordcount"
    assert running.call("GET", deployment)["status"]["readyReplicas"] == 4
    events = running.call("GET", f"/api/v1/namespaces/{DEMO}/events")["items"]
    [told] = [found for found in events if found["reason"] == "Rescaled"]
    assert told["involvedObject"]["name"] == "wordcount"


def until(ask: Callable[[], object], wanted: object) -> None:
    """Wait for what a controller does in its own time."""
    deadline = time.monotonic() + 240
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == wanted


def apply(plane: ControlPlane, *manifests: Manifest, dry: bool = False) -> None:
    """Apply objects on the server's side, which refuses a field that it does not know."""
    for found in manifests:
        older = _older(found)
        query = "?fieldManager=test&force=true" + ("&dryRun=All" if dry else "")
        plane.call("PATCH", _path(older) + query, older, kind="application/apply-patch+yaml")


def _older(manifest: Manifest) -> Manifest:
    """Return an object without what Kubernetes 1.20 lacks: those fields, and policy/v1."""
    found = deepcopy(manifest)
    if found["kind"] == "PodDisruptionBudget":
        found["apiVersion"] = "policy/v1beta1"
        del found["spec"]["unhealthyPodEvictionPolicy"]
    pod = found.get("spec", {}).get("template", {}).get("spec", {})
    for spread in pod.get("topologySpreadConstraints", []):
        del spread["matchLabelKeys"]
    return found


def _path(manifest: Manifest) -> str:
    kind, meta = manifest["kind"], manifest["metadata"]
    version = manifest["apiVersion"]
    place = "" if kind in CLUSTER_WIDE else f"namespaces/{meta['namespace']}/"
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    return f"/{'apis' if '/' in version else 'api'}/{version}/{place}{plural}/{meta['name']}"


def _object(version: str, kind: str, name: str, **rest: Any) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


def _definition(group: str, kind: str) -> Manifest:
    plural = f"{kind.lower()}s"
    version = {"monitoring.coreos.com": "v1", "flink.apache.org": "v1beta1"}[group]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    scale = {
        "specReplicasPath": ".spec.taskManager.replicas",
        "statusReplicasPath": ".status.taskManager.replicas",
    }
    return _object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"{plural}.{group}",
        spec={
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                    "subresources": {"scale": scale} if kind == "FlinkDeployment" else {},
                }
            ],
        },
    )


def _provision(plane: ControlPlane, namespace: str, claim: str) -> None:
    """Do what a storage class would: make a volume, and bind it."""
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}"
    found = plane.call("GET", path)
    volume = _object(
        "v1",
        "PersistentVolume",
        claim,
        spec={
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/nowhere"},
            "claimRef": {"namespace": namespace, "name": claim, "uid": found["metadata"]["uid"]},
        },
    )
    plane.call("POST", "/api/v1/persistentvolumes", volume)
    bound = {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}}
    plane.patch(path, {**bound, "spec": {"volumeName": claim}})
    plane.patch(f"{path}/status", {"status": {"phase": "Bound"}})


def _token(plane: ControlPlane, namespace: str, account: str) -> str:
    config = json.loads(plane.account(namespace, account).read_text())
    return str(config["users"][0]["user"]["token"])
