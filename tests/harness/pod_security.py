"""The restricted Pod Security standard, as pure functions: what a pod breaks of it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ (v1.33). The API server of the
tests is older than the admission that checks it.
"""

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip


def breaches(pod: dict[str, Any]) -> list[str]:
    """Return what a pod's spec breaks of the restricted standard; nothing where it is kept."""
    return [*_of_pod(pod), *(word for container in _all(pod) for word in _of_one(pod, container))]


def _all(pod: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in pod.get(kind, [])]


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    for share in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(share):
            yield share
    for volume in pod.get("volumes", []):
        for kind in sorted(set(volume) - VOLUMES):
            yield f"volume {volume['name']} is a {kind}"
    security = pod.get("securityContext", {})
    for sysctl in security.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _of_both("pod", security)


def _of_one(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    name, security = container["name"], container.get("securityContext", {})
    both = {**pod.get("securityContext", {}), **security}
    if security.get("privileged"):
        yield f"{name} is privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    capabilities = security.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield f"{name} does not drop ALL capabilities"
    for added in sorted(set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}):
        yield f"{name} has {added}"
    if both.get("runAsNonRoot") is not True:
        yield f"{name} may run as root"
    if both.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield f"{name} has no seccomp profile"
    if security.get("procMount", "Default") != "Default":
        yield f"{name} has procMount {security['procMount']}"
    for port in container.get("ports", []):
        if port.get("hostPort"):
            yield f"{name} has host port {port['hostPort']}"
    yield from _of_both(name, security)


def _of_both(name: str, security: dict[str, Any]) -> Iterator[str]:
    if security.get("runAsUser") == 0:
        yield f"{name} runs as user 0"
    if security.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name} is a process of the host"
    if security.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield f"{name} has no AppArmor profile"
    selinux = security.get("seLinuxOptions", {})
    if selinux.get("user") or selinux.get("role"):
        yield f"{name} sets an SELinux user or role"
