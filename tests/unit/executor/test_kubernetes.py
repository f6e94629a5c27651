"""What is read off Kubernetes' answers, on plain values."""

from typing import Any

import pytest

from daedalus_executor.domain.kubernetes import (
    Autoscalers,
    FlinkDeployment,
    Kind,
    Place,
    Pods,
    Workload,
    why_not_ready,
)

META = {"name": "x", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}


def workload(wanted: int, generation: int = 1, **status: Any) -> Workload:
    meta = {**META, "generation": generation}
    found = {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 3}
    return Workload.model_validate(
        {"metadata": meta, "spec": {"replicas": wanted}, "status": found | status}
    )


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(workload(3), "", id="as wanted"),
        pytest.param(workload(3, generation=2), "not yet seen by its controller", id="unseen"),
        pytest.param(workload(4), "waiting for pods: 3 of 4 are ready", id="more to come"),
        pytest.param(workload(3, readyReplicas=1), "1 of 3 are ready", id="not ready"),
        pytest.param(workload(2), "left with 3 pods, 2 are wanted", id="some to go"),
        pytest.param(
            workload(3, replicas=4, updatedReplicas=1), "1 of 4 pods are new", id="rolled out"
        ),
    ],
)
def test_a_workload_is_settled_when_nothing_is_missing(found: Workload, why: str) -> None:
    assert why in found.unsettled
    assert found.settled == (not why)


def test_a_status_that_is_not_there_yet_is_not_settled() -> None:
    found = Workload.model_validate({"metadata": {**META, "generation": 1}, "spec": {}})

    assert found.wanted == 1
    assert not found.settled


def test_the_author_of_the_number_is_told_by_its_field() -> None:
    fields: Any = {"f:spec": {"f:replicas": {}}}
    managed = [
        {"manager": "helm", "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "argocd-controller", "fieldsV1": fields},
    ]
    found = Workload.model_validate({"metadata": {**META, "managedFields": managed}, "spec": {}})

    assert found.author == "argocd-controller"


def pod(name: str, phase: str = "Running", **status: Any) -> dict[str, Any]:
    return {"metadata": {**META, "name": name}, "status": {"phase": phase, **status}}


READY: Any = {"conditions": [{"type": "Ready", "status": "True"}]}
NO_ROOM: Any = {
    "conditions": [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient memory.",
        }
    ]
}


def test_pods_without_room_come_before_other_reasons() -> None:
    waiting = [{"name": "w", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    pods = Pods.model_validate(
        {
            "items": [
                pod("a", **READY),
                pod("b", containerStatuses=waiting),
                pod("c", "Pending", **NO_ROOM),
                pod("d", "Failed"),
            ]
        }
    ).workers(ordered=False)

    assert [each.name for each in pods] == ["a", "b", "c"]
    assert why_not_ready(pods) == (
        "1 of 3 pods are pending for lack of room: 0/3 nodes are available: 3 Insufficient memory."
    )
    assert why_not_ready(pods[:2]) == "b is not ready: CrashLoopBackOff"
    assert why_not_ready(pods[:1]) == ""


def test_pods_of_a_stateful_set_are_ordered_by_number() -> None:
    pods = Pods.model_validate({"items": [pod("w-10"), pod("w-9"), pod("w-0")]})

    assert [each.name for each in pods.workers(ordered=True)] == ["w-0", "w-9", "w-10"]


def test_an_hpa_is_of_the_object_that_it_names() -> None:
    def hpa(name: str, kind: str, target: str) -> dict[str, Any]:
        spec = {"scaleTargetRef": {"kind": kind, "name": target}}
        return {"metadata": {**META, "name": name}, "spec": spec}

    found = Autoscalers.model_validate(
        {
            "items": [
                hpa("a", "Deployment", "x"),
                hpa("b", "StatefulSet", "x"),
                hpa("c", "Deployment", "y"),
            ]
        }
    )

    assert found.of(Place(Kind.DEPLOYMENT, "jobs", "x")) == ("a",)


@pytest.mark.parametrize(
    ("settings", "itself"),
    [
        pytest.param({}, False, id="by default"),
        pytest.param({"job.autoscaler.enabled": "true"}, True, id="flat"),
        pytest.param({"job.autoscaler.enabled": "false"}, False, id="off"),
        pytest.param({"job": {"autoscaler": {"enabled": True}}}, True, id="nested"),
        pytest.param({"job": "x"}, False, id="something else"),
    ],
)
def test_the_operators_autoscaler_is_found_in_both_forms(
    settings: dict[str, Any], itself: bool
) -> None:
    found = FlinkDeployment.model_validate(
        {"metadata": META, "spec": {"flinkConfiguration": settings}}
    )

    assert found.scales_itself is itself
