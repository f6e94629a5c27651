"""A real Kubernetes API server with etcd, controllers and a scheduler, and a kubelet that is none.

The folder of binaries is named by `DAEDALUS_KUBE_BIN`: etcd, etcdctl, kube-apiserver,
kube-controller-manager, kube-scheduler. Pods are bound by the real scheduler to nodes that
`harness.kubelet` plays.
"""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daedalus_local.ports import free_port

VARIABLE = "DAEDALUS_KUBE_BIN"
ADMIN = "admin-token"
CONTROLLERS = (
    "deployment,replicaset,statefulset,garbagecollector,disruption,endpoint,namespace,"
    "serviceaccount,podgc,horizontalpodautoscaling,job"
)


BUILT_WITHIN = 600.0
"""Seconds that CI waits for binaries which are being built beside the tests."""


def need_binaries() -> Path:
    """Return the folder of binaries; skip the test where there is none, or fail it in CI."""
    named = os.environ.get(VARIABLE)
    if named and _built(Path(named)):
        return Path(named)
    why = f"needs {VARIABLE}: a folder with etcd, kube-apiserver, kube-controller-manager"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def _built(folder: Path) -> bool:
    """Whether the binaries are there; a lock beside their folder says that somebody builds them."""
    deadline = time.monotonic() + BUILT_WITHIN
    while not (folder / "kube-apiserver").exists():
        failed = Path(f"{folder}.failed").exists()
        if failed or not Path(f"{folder}.lock").exists() or time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


class ControlPlane:
    """One cluster on loopback, in a folder of its own."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries = binaries
        self.folder = folder
        ports: list[int] = []
        for _ in range(3):
            ports.append(free_port(avoid=ports))
        self.port, self._etcd, self._peer = ports
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["openssl", "genrsa", "-out", str(folder / "sa.key"), "2048"],
            check=True,
            capture_output=True,
        )
        (folder / "tokens.csv").write_text(f'{ADMIN},admin,admin,"system:masters"\n')

    @property
    def url(self) -> str:
        """Where the API server answers."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        """The certificate that it is known by."""
        return self.folder / "certs" / "apiserver.crt"

    def kubeconfig(
        self, name: str = "admin", token: str = ADMIN, namespace: str = "default"
    ) -> Path:
        """Return a kubeconfig for whoever holds the token."""
        cluster = {"server": self.url, "certificate-authority": str(self.authority)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [
                {
                    "name": "test",
                    "context": {"cluster": "test", "user": name, "namespace": namespace},
                }
            ],
            "current-context": "test",
        }
        path = self.folder / f"kubeconfig-{namespace}-{name}"
        path.write_text(json.dumps(config))
        return path

    def account(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig with a ServiceAccount's own token."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.call("POST", path, {"spec": {"expirationSeconds": 3600}})
        return self.kubeconfig(name, answer["status"]["token"], namespace)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = ADMIN,
        kind: str = "application/json",
    ) -> Any:
        """Ask the API server; `urllib.error.HTTPError` where it refuses."""
        request = urllib.request.Request(  # noqa: S310 -- https
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
        )
        context = ssl.create_default_context(cafile=self.authority)
        with urllib.request.urlopen(  # noqa: S310 -- https
            request, context=context, timeout=30
        ) as answer:
            return json.load(answer)

    def patch(self, path: str, body: object) -> Any:
        """Merge something into an object."""
        return self.call("PATCH", path, body, kind="application/merge-patch+json")

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Apply objects as `kubectl apply` would."""
        self.kubectl("apply", "-n", namespace, "-f", "-", given=json.dumps(_listed(objects)))

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl as the admin and return what it wrote; what it complains about is raised."""
        found = subprocess.run(
            ["kubectl", "--kubeconfig", str(self.kubeconfig()), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {found.stderr.strip()}")
        return found.stdout

    def start(self) -> None:
        """Start etcd, the API server, the controllers and the scheduler."""
        self.start_etcd()
        self.start_server()
        self.start_controllers()

    def start_etcd(self) -> None:
        """Start etcd, on the data that is there."""
        peer, client = (f"http://127.0.0.1:{port}" for port in (self._peer, self._etcd))
        self._spawn(
            "etcd",
            "--name=test",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=test={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )

    def start_server(self) -> None:
        """Start the API server and return when it is ready."""
        key = self.folder / "sa.key"
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'certs'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--api-audiences=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
        )
        self._ready("kube-apiserver", f"{self.url}/readyz")

    def start_controllers(self) -> None:
        """Start the controllers and the scheduler."""
        silent = ["--port=0", "--secure-port=0"]  # nobody asks them for anything
        common = [f"--kubeconfig={self.kubeconfig()}", "--leader-elect=false", *silent]
        self._spawn(
            "kube-controller-manager",
            *common,
            f"--controllers={CONTROLLERS}",
            f"--service-account-private-key-file={self.folder / 'sa.key'}",
        )
        self._spawn("kube-scheduler", *common)

    def kill(self, name: str = "kube-apiserver") -> None:
        """SIGKILL one of the processes."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def freeze(self, name: str = "etcd") -> None:
        """Stop one of the processes until it is thawed."""
        self._running[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str = "etcd") -> None:
        """Let a frozen process go on."""
        self._running[name].send_signal(signal.SIGCONT)

    def compact(self) -> None:
        """Forget all old versions: who watches from one is told 410."""
        etcdctl = [str(self.binaries / "etcdctl"), f"--endpoints=http://127.0.0.1:{self._etcd}"]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        status = subprocess.check_output(
            [*etcdctl, "endpoint", "status", "-w", "json"], env=environment
        )
        revision = json.loads(status)[0]["Status"]["header"]["revision"]
        subprocess.run(
            [*etcdctl, "compact", str(revision)], check=True, env=environment, capture_output=True
        )

    @contextmanager
    def kubelet(self, *options: str) -> Iterator[None]:
        """Play the nodes; `python -m harness.kubelet --help` tells the options."""
        log = (self.folder / "kubelet.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.kubelet", str(self.kubeconfig()), *options],
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[1],
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()
            log.close()

    def stop(self) -> None:
        """End all."""
        for name in reversed(list(self._running)):
            self._running[name].send_signal(signal.SIGCONT)
            self.kill(name)
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def _spawn(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(self.binaries / name), *arguments], stdout=log, stderr=log, cwd=self.folder
            )

    def _ready(self, name: str, url: str, seconds: float = 240.0) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # no certificate yet
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._running[name].poll() is not None:
                raise RuntimeError(f"{name} ended: see {self.folder / name}.log")
            try:
                with urllib.request.urlopen(  # noqa: S310 -- https
                    url, context=context, timeout=2
                ):
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"{name} is not ready after {seconds:g} s")


@contextmanager
def running_control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Start a cluster with one node of 1,000 cores, and end it after."""
    plane = ControlPlane(need_binaries(), folder)
    try:
        plane.start()
        with plane.kubelet():
            yield plane
    finally:
        plane.stop()


def _listed(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
