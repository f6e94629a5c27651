"""Plays the nodes of a cluster: pods that the scheduler binds become Running and Ready, and end.

`python -m harness.kubelet KUBECONFIG`. Annotations of a pod say what else shall become of it:
`kubelet.test/waiting: ImagePullBackOff` keeps it from starting, for this reason;
`kubelet.test/unready: "true"` lets it run, and never be ready.
"""

import argparse
import asyncio
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

Json = dict[str, Any]

MERGE = {"Content-Type": "application/merge-patch+json"}


class Kubelet:
    """Answers for every node."""

    def __init__(self, session: aiohttp.ClientSession, grace: float) -> None:
        self._session = session
        self._grace = grace
        self._busy: set[asyncio.Task[None]] = set()

    async def register(self, node: str, cores: float) -> None:
        """Make a node, unless it is there."""
        room = {"cpu": f"{cores:g}", "memory": "1Ti", "pods": "10000"}
        body = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node, "labels": {"kubernetes.io/hostname": node}},
            "status": {
                "capacity": room,
                "allocatable": room,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        async with self._session.post("/api/v1/nodes", json=body):
            pass
        # A new node is tainted as not ready; who would take that away does not run here.
        async with self._session.patch(
            f"/api/v1/nodes/{node}", headers=MERGE, data='{"spec": {"taints": null}}'
        ):
            pass

    async def serve(self) -> None:
        """Serve until cancelled; begin anew when a watch ends."""
        while True:
            try:
                await self._follow()
            except (aiohttp.ClientError, TimeoutError, ValueError):
                await asyncio.sleep(0.3)

    async def _follow(self) -> None:
        async with self._session.get("/api/v1/pods") as answer:
            answer.raise_for_status()  # a server that comes up says 429 or 500
            found = await answer.json()
        for pod in found["items"]:
            self._take(pod)
        query = {"watch": "1", "resourceVersion": found["metadata"]["resourceVersion"]}
        async with self._session.get(
            "/api/v1/pods", params=query, timeout=aiohttp.ClientTimeout(total=300)
        ) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                change = json.loads(line)
                if change["type"] == "ERROR":
                    return
                if change["type"] in {"ADDED", "MODIFIED"}:
                    self._take(change["object"])

    def _take(self, pod: Json) -> None:
        task = asyncio.create_task(self._handle(pod))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _handle(self, pod: Json) -> None:
        meta, status = pod["metadata"], pod.get("status", {})
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if not pod["spec"].get("nodeName"):
            return
        try:
            if meta.get("deletionTimestamp"):
                await asyncio.sleep(self._grace)
                async with self._session.delete(path, json={"gracePeriodSeconds": 0}):
                    pass
            elif status.get("phase", "Pending") == "Pending" and "startTime" not in status:
                async with self._session.patch(
                    f"{path}/status", headers=MERGE, data=json.dumps({"status": _began(pod)})
                ):
                    pass
        except aiohttp.ClientError:
            pass  # the next watch tells of it again


def _began(pod: Json) -> Json:
    notes = pod["metadata"].get("annotations", {})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    waiting, ready = notes.get("kubelet.test/waiting"), "kubelet.test/unready" not in notes
    names = [container["name"] for container in pod["spec"]["containers"]]
    if waiting:
        state: Json = {"waiting": {"reason": waiting, "message": "as the test wants"}}
    else:
        state = {"running": {"startedAt": now}}
    common = {"ready": ready and not waiting, "restartCount": 0, "image": "none", "imageID": ""}
    containers = [{"name": name, "state": state, **common} for name in names]
    word = "True" if ready and not waiting else "False"
    conditions = [
        {"type": kind, "status": word, "lastTransitionTime": now}
        for kind in ("Ready", "ContainersReady")
    ]
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
    return {
        "phase": "Pending" if waiting else "Running",
        "conditions": [*conditions, scheduled],
        "containerStatuses": containers,
        "podIP": "10.1.0.1",
        "startTime": now,
    }


async def main() -> None:
    """Serve the nodes of one cluster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("--node", default="roomy")
    parser.add_argument("--cores", type=float, default=1000.0)
    parser.add_argument("--grace", type=float, default=0.2, help="seconds a pod takes to end")
    chosen = parser.parse_args()
    config = json.loads(chosen.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    async with aiohttp.ClientSession(
        cluster["server"],
        headers={"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
        connector=aiohttp.TCPConnector(ssl=context, limit=20),
        read_bufsize=2**21,
    ) as session:
        kubelet = Kubelet(session, chosen.grace)
        await kubelet.register(chosen.node, chosen.cores)
        await kubelet.serve()


if __name__ == "__main__":
    asyncio.run(main())
