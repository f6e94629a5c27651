"""The part of Docker's API that compose services are scaled by, in this process, on a unix socket.

It holds containers as Docker tells of them, and does to them what it is asked; what a new one does
(work, end at once, never become healthy) is set.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal

from aiohttp import web

IMAGE = "sha256:" + "1" * 64

NETWORKS = ("shop_default", "shop_back")


def _id(number: int) -> str:
    return f"{number:012x}" + "f" * 52


def _forget(socket: Path) -> None:
    socket.unlink(missing_ok=True)


def _refusal(status: int, why: str) -> web.Response:
    """Return it as Docker does, without a charset."""
    body = json.dumps({"message": why}).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": "application/json"})


class FakeDocker:
    """An engine with one compose project, `shop`."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.created: list[dict[str, Any]] = []
        self.joined: list[tuple[str, dict[str, Any]]] = []
        self.becomes: Literal["healthy", "starting", "ended", "restarting"] = "healthy"
        self.image = IMAGE
        self.refuses: dict[str, str] = {}
        """Sentence by which a kind of call is refused, such as `start`."""
        self._numbers = count(1)

    def compose_up(self, service: str, number: int = 1, **changes: Any) -> str:
        """Add a container as compose makes it; return its short id."""
        whole = _id(next(self._numbers))
        name = f"shop-{service}-{number}"
        found: dict[str, Any] = {
            "Id": whole,
            "Created": float(len(self.containers)),
            "Name": f"/{name}",
            "Image": IMAGE,
            "RestartCount": 0,
            "State": {"Status": "running", "Health": {"Status": "healthy"}},
            "Config": {
                "Hostname": whole[:12],
                "Image": "shop/counter",
                "Env": ["A=1"],
                "Tty": False,
                "StopTimeout": 15,
                "Healthcheck": {"Test": ["CMD", "healthy"]},
                "Labels": {
                    "com.docker.compose.project": "shop",
                    "com.docker.compose.service": service,
                    "com.docker.compose.container-number": str(number),
                    "com.docker.compose.oneoff": "False",
                    "com.docker.compose.config-hash": "abc",
                    "com.docker.compose.image": IMAGE,
                },
            },
            "HostConfig": {
                "NetworkMode": "shop_default",
                "NanoCpus": 400_000_000,
                "Memory": 1 << 28,
                "RestartPolicy": {"Name": "unless-stopped"},
                "Mounts": [{"Type": "volume", "Source": "shop_data", "Target": "/data"}],
            },
            "NetworkSettings": {
                "Networks": {
                    network: {
                        "Aliases": [name, service, whole[:12]],
                        "MacAddress": "02:42:ac:14:00:05",
                        "IPAddress": "172.20.0.5",
                    }
                    for network in reversed(NETWORKS)
                }
            },
            "Log": ["starting\n"],
        }
        self.containers[whole] = found | changes
        return whole[:12]

    def states(self) -> dict[str, str]:
        """Return the state of each container by its name."""
        found = self.containers.values()
        return {each["Name"].lstrip("/"): each["State"]["Status"] for each in found}

    @asynccontextmanager
    async def at(self, socket: Path) -> AsyncIterator[str]:
        """Answer at this socket for the length of the block; yield the address."""
        app = web.Application(middlewares=[self._noted])
        routes = [
            web.get("/version", self._version),
            web.get("/{v}/containers/json", self._list),
            web.post("/{v}/containers/create", self._create),
            web.get("/{v}/containers/{id}/json", self._show),
            web.get("/{v}/containers/{id}/logs", self._logs),
            web.post("/{v}/containers/{id}/start", self._start),
            web.post("/{v}/containers/{id}/stop", self._stop),
            web.delete("/{v}/containers/{id}", self._delete),
            web.get("/{v}/images/{name:.+}/json", self._image),
            web.get("/{v}/networks/{name}", self._network),
            web.post("/{v}/networks/{name}/connect", self._connect),
        ]
        app.add_routes(routes)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.UnixSite(runner, str(socket)).start()
            yield f"unix://{socket}"
        finally:
            await runner.cleanup()
            _forget(socket)

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        kind = handler.__name__.lstrip("_")
        if request.method != "GET":
            named = self.containers.get(self._whole(request.match_info.get("id", "")), {})
            self.calls.append(f"{kind} {named.get('Name', '').lstrip('/')}".strip())
        if kind in self.refuses:
            return _refusal(500, self.refuses[kind])
        try:
            answer: web.StreamResponse = await handler(request)
        except KeyError as error:
            return _refusal(404, f"No such container: {error}")
        return answer

    def _whole(self, start: str) -> str:
        return next((each for each in self.containers if start and each.startswith(start)), start)

    def _named(self, request: web.Request) -> dict[str, Any]:
        return self.containers[self._whole(request.match_info["id"])]

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.45"})

    async def _list(self, request: web.Request) -> web.Response:
        wanted = json.loads(request.query["filters"])
        found = []
        for each in self.containers.values():
            labels = [f"{key}={value}" for key, value in each["Config"]["Labels"].items()]
            state = each["State"]["Status"]
            health = each["State"].get("Health", {"Status": "none"})["Status"]
            if (
                set(wanted["label"]) <= set(labels)
                and state in wanted.get("status", [state])
                and health in wanted.get("health", [health])
            ):
                entry = {key: each[key] for key in ("Id", "Created")}
                found.append(entry | {"State": state, "Labels": each["Config"]["Labels"]})
        return web.json_response(found)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._named(request))

    async def _logs(self, request: web.Request) -> web.Response:
        lines = self._named(request)["Log"][-int(request.query["tail"]) :]
        body = b"".join(
            b"\x01\x00\x00\x00" + len(line).to_bytes(4, "big") + line.encode() for line in lines
        )
        kind = "application/vnd.docker.multiplexed-stream"
        return web.Response(body=body, content_type=kind)

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        whole, name = _id(next(self._numbers)), request.query["name"]
        if name in self.states():
            return _refusal(409, f"{name} is in use")
        self.created.append(body)
        self.containers[whole] = {
            "Id": whole,
            "Created": float(len(self.containers)),
            "Name": f"/{name}",
            "Image": self.image,
            "RestartCount": 0,
            "State": {"Status": "created"},
            "Config": {"Hostname": whole[:12], **body},
            "HostConfig": body["HostConfig"],
            "NetworkSettings": {"Networks": body["NetworkingConfig"]["EndpointsConfig"]},
            "Log": ["starting\n", "no such port: 70000\n"],
        }
        return web.json_response({"Id": whole, "Warnings": []}, status=201)

    async def _start(self, request: web.Request) -> web.Response:
        named = self._named(request)
        match self.becomes:
            case "ended":
                named["State"] = {"Status": "exited"}
            case "restarting":
                named["State"] = {"Status": "running", "Health": {"Status": "starting"}}
                named["RestartCount"] = 1
            case health:
                named["State"] = {"Status": "running", "Health": {"Status": health}}
        return web.Response(status=204)

    async def _stop(self, request: web.Request) -> web.Response:
        self._named(request)["State"] = {"Status": "exited"}
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        del self.containers[self._whole(request.match_info["id"])]
        return web.Response(status=204)

    async def _image(self, request: web.Request) -> web.Response:
        return web.json_response({"Id": self.image})

    async def _network(self, request: web.Request) -> web.Response:
        return web.json_response({"Id": request.match_info["name"]})

    async def _connect(self, request: web.Request) -> web.Response:
        self.joined.append((request.match_info["name"], await request.json()))
        return web.Response(status=200)
