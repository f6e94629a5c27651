"""Kubernetes objects that tests apply."""

from typing import Any

Json = dict[str, Any]


def namespace(name: str) -> Json:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment(
    name: str, replicas: int, *, cpu: str = "10m", notes: dict[str, str] | None = None
) -> Json:
    """A Deployment whose pods are labelled `app`, with annotations for `harness.kubelet`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, **_pods(name, cpu, notes or {})},
    }


def stateful_set(name: str, replicas: int) -> Json:
    """A StatefulSet alike."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "serviceName": name, **_pods(name, "10m", {})},
    }


def flink_definition() -> Json:
    """The Flink operator's FlinkDeployment, as far as it can be scaled."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "flinkdeployments.flink.apache.org"},
        "spec": {
            "group": "flink.apache.org",
            "scope": "Namespaced",
            "names": {
                "kind": "FlinkDeployment",
                "plural": "flinkdeployments",
                "singular": "flinkdeployment",
            },
            "versions": [
                {
                    "name": "v1beta1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                    "subresources": {
                        "scale": {
                            "specReplicasPath": ".spec.taskManager.replicas",
                            "statusReplicasPath": ".status.taskManager.replicas",
                            "labelSelectorPath": ".status.taskManager.labelSelector",
                        }
                    },
                }
            ],
        },
    }


def _pods(name: str, cpu: str, notes: dict[str, str]) -> Json:
    container = {"name": "worker", "image": "none", "resources": {"requests": {"cpu": cpu}}}
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}, "annotations": notes},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        },
    }
