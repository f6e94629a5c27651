"""Every rule of the restricted Pod Security standard is noticed where it is broken."""

from copy import deepcopy
from typing import Any

import pytest

from harness.pod_security import breaches

LOCKED: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "one",
            "ports": [{"containerPort": 8080}],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            },
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


def test_a_pod_that_keeps_to_it() -> None:
    assert breaches(LOCKED) == []


def test_an_init_container_is_looked_at_too() -> None:
    assert breaches({**LOCKED, "initContainers": [{"name": "first"}]}) == [
        "first may gain privileges",
        "first does not drop ALL capabilities",
    ]


@pytest.mark.parametrize(
    ("changed", "breach"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "hostPID"),
        ({"hostIPC": True}, "hostIPC"),
        ({"volumes": [{"name": "d", "hostPath": {"path": "/"}}]}, "volume d is a hostPath"),
        ({"volumes": [{"name": "d", "nfs": {}}]}, "volume d is a nfs"),
    ],
)
def test_of_the_pod(changed: dict[str, Any], breach: str) -> None:
    assert breaches({**LOCKED, **changed}) == [breach]


@pytest.mark.parametrize(
    ("changed", "breach"),
    [
        ({"runAsNonRoot": False}, "one may run as root"),
        ({"seccompProfile": {"type": "Unconfined"}}, "one has no seccomp profile"),
        ({"runAsUser": 0}, "pod runs as user 0"),
        ({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}, "sysctl kernel.msgmax"),
        ({"seLinuxOptions": {"role": "r"}}, "pod sets an SELinux user or role"),
        ({"windowsOptions": {"hostProcess": True}}, "pod is a process of the host"),
        ({"appArmorProfile": {"type": "Unconfined"}}, "pod has no AppArmor profile"),
    ],
)
def test_of_the_pods_context(changed: dict[str, Any], breach: str) -> None:
    assert breaches({**LOCKED, "securityContext": {**LOCKED["securityContext"], **changed}}) == [
        breach
    ]


@pytest.mark.parametrize(
    ("changed", "breach"),
    [
        ({"privileged": True}, "one is privileged"),
        ({"allowPrivilegeEscalation": True}, "one may gain privileges"),
        ({"capabilities": {"drop": ["CHOWN"]}}, "one does not drop ALL capabilities"),
        ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "one has SYS_ADMIN"),
        ({"runAsNonRoot": False}, "one may run as root"),
        ({"runAsUser": 0}, "one runs as user 0"),
        ({"seccompProfile": {"type": "Unconfined"}}, "one has no seccomp profile"),
        ({"procMount": "Unmasked"}, "one has procMount Unmasked"),
    ],
)
def test_of_a_containers_context(changed: dict[str, Any], breach: str) -> None:
    pod = deepcopy(LOCKED)
    pod["containers"][0]["securityContext"] |= changed

    assert breaches(pod) == [breach]


def test_of_a_port() -> None:
    pod = deepcopy(LOCKED)
    pod["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 80}]

    assert breaches(pod) == ["one has host port 80"]
