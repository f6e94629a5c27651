"""What `kubectl kustomize` makes of deploy/kubernetes, and questions to it that tests share."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from daedalus_shared.job_spec import JobSpec, read_spec

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
SERVICES = ("monitor", "analyzer", "forecaster", "planner", "executor")
PAGE = "page"
"""What people look at: served like a service, and no part of the loop."""

Manifest = dict[str, Any]
Labels = Mapping[str, str]


def rendered(folder: Path) -> list[Manifest]:
    """Return the objects of a kustomization, in the order in which they would be applied."""
    made = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise RuntimeError(f"{folder}: {made.stderr.strip()}")
    return list(yaml.safe_load_all(made.stdout))


def whole_namespace(folder: Path, namespace: str) -> list[Manifest]:
    """Return the executor's permits for all of a namespace, of every kind that there is."""
    permits = Path(os.path.relpath(FOLDER / "permit", folder))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": [str(permits / found.name) for found in (FOLDER / "permit").iterdir()],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return rendered(folder)


def called(manifest: Manifest) -> str:
    """Return how a message names an object."""
    meta = manifest["metadata"]
    where = f"{meta['namespace']}/" if "namespace" in meta else ""
    return f"{manifest['kind']} {where}{meta['name']}"


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    """Return the objects of these kinds."""
    return [found for found in manifests if found["kind"] in kinds]


def workloads(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return what has pods."""
    return [found for found in manifests if "template" in found.get("spec", {})]


def containers(workload: Manifest, *, first: bool = True) -> list[Manifest]:
    """Return the containers of a pod, and those that run first where they are wanted."""
    pod = workload["spec"]["template"]["spec"]
    return [*(pod.get("initContainers", []) if first else []), *pod["containers"]]


def environment(manifests: Sequence[Manifest], workload: Manifest, container: Manifest) -> Labels:
    """Return the variables of a container, those of ConfigMaps looked up."""
    namespace = workload["metadata"]["namespace"]
    data = {
        found["metadata"]["name"]: found.get("data", {})
        for found in of_kind(manifests, "ConfigMap")
        if found["metadata"]["namespace"] == namespace
    }
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= data[source["configMapRef"]["name"]]
    for variable in container.get("env", []):
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        else:
            reference = variable["valueFrom"]["configMapKeyRef"]
            found[variable["name"]] = data[reference["name"]][reference["key"]]
    return found


def job_files(manifests: Sequence[Manifest]) -> list[JobSpec]:
    """Return the jobs that are declared."""
    [declare] = [found for found in workloads(manifests) if found["metadata"]["name"] == "declare"]
    [name] = [
        volume["configMap"]["name"]
        for volume in declare["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "jobs"
    ]
    [files] = [
        found["data"]
        for found in of_kind(manifests, "ConfigMap")
        if found["metadata"]["name"] == name
    ]
    return [read_spec(text) for text in files.values()]


def selected(selector: Manifest | None, labels: Labels) -> bool:
    """Return whether a selector means these labels; the empty one means all, None nothing."""
    if selector is None:
        return False
    assert set(selector) <= {"matchLabels"}, selector  # nothing else is used, nor understood here
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


@dataclass(frozen=True)
class Pod:
    """The end of a connection."""

    namespace: str
    labels: Labels
    ports: Mapping[str, int]
    """By name."""

    @classmethod
    def of(cls, workload: Manifest) -> "Pod":
        """Return a pod of this workload."""
        ports = [port for found in containers(workload) for port in found.get("ports", [])]
        return cls(
            namespace=workload["metadata"]["namespace"],
            labels=workload["spec"]["template"]["metadata"]["labels"],
            ports={port["name"]: port["containerPort"] for port in ports},
        )


class Network:
    """Which connections the NetworkPolicies of some objects allow."""

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        self._policies = of_kind(manifests, "NetworkPolicy")
        self._namespaces = {
            found["metadata"]["name"]: found["metadata"].get("labels", {})
            for found in of_kind(manifests, "Namespace")
        }

    def allows(self, source: Pod, target: Pod, port: int) -> bool:
        """Return whether the one may leave, and the other be entered, by this port."""
        return any(
            self._means(rule.get("to"), policy, target) and _opens(rule, port, target)
            for policy, rule in self._rules(source, "Egress")
        ) and any(
            self._means(rule.get("from"), policy, source) and _opens(rule, port, target)
            for policy, rule in self._rules(target, "Ingress")
        )

    def ways_out(self, source: Pod) -> set[int]:
        """Return the ports that a pod may connect to anywhere."""
        return {port["port"] for _, rule in self._rules(source, "Egress") for port in rule["ports"]}

    def _rules(self, pod: Pod, way: str) -> Iterator[tuple[Manifest, Manifest]]:
        for policy in self._policies:
            spec = policy["spec"]
            here = policy["metadata"]["namespace"] == pod.namespace
            if here and way in spec["policyTypes"] and selected(spec["podSelector"], pod.labels):
                for rule in spec.get(way.lower(), []):
                    yield policy, rule

    def _means(self, peers: Sequence[Manifest] | None, policy: Manifest, pod: Pod) -> bool:
        if peers is None:
            return True
        return any(self._is(peer, policy, pod) for peer in peers)

    def _is(self, peer: Manifest, policy: Manifest, pod: Pod) -> bool:
        if "ipBlock" in peer:
            return False
        if "namespaceSelector" in peer:
            name = {"kubernetes.io/metadata.name": pod.namespace}
            labels = {**self._namespaces.get(pod.namespace, {}), **name}
            here = selected(peer["namespaceSelector"], labels)
        else:
            here = policy["metadata"]["namespace"] == pod.namespace
        return here and selected(peer.get("podSelector", {}), pod.labels)


def _opens(rule: Manifest, port: int, target: Pod) -> bool:
    return any(found["port"] in (port, _name(target, port)) for found in rule["ports"])


def _name(target: Pod, port: int) -> str | None:
    return next((name for name, number in target.ports.items() if number == port), None)
