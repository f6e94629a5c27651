"""What an account may do on a real API server: every verb of every resource is asked for.

A request that is permitted has an empty body, and changes nothing.
"""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from harness.control_plane import ControlPlane

METHODS = {
    "get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT",
    "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE",
}  # fmt: skip
OF_ALL = {"list", "watch", "create", "deletecollection"}
"""Verbs of all objects of a kind, though one can be watched alone; a subresource has none."""
ATTEMPTS = 30
"""How often a request is made that a busy server turns away, which says nothing of rights."""


@dataclass(frozen=True)
class Ask:
    """One request, and how it is called: `patch deployments.apps/scale wordcount`."""

    called: str
    verb: str
    path: str


def everything(plane: ControlPlane, namespace: str | None, names: Sequence[str]) -> list[Ask]:
    """Return every verb of every resource that the server has, in a namespace or (None) outside."""
    groups = [
        (group["name"], f"/apis/{group['preferredVersion']['groupVersion']}")
        for group in plane.call("GET", "/apis")["groups"]
    ]
    return [
        ask
        for group, root in [("", "/api/v1"), *groups]
        for resource in plane.call("GET", root)["resources"]
        if resource["namespaced"] is (namespace is not None)
        for ask in _of_resource(group, root, resource, namespace, names)
    ]


async def permitted(plane: ControlPlane, token: str, asks: Sequence[Ask]) -> set[str]:
    """Return what the holder of a token is not refused."""
    context = ssl.create_default_context(cafile=plane.authority)
    connector = aiohttp.TCPConnector(ssl=context, limit=8)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(plane.url, headers=headers, connector=connector) as session:
        answers = await asyncio.gather(*(_refused(session, ask) for ask in asks))
    return {ask.called for ask, refused in zip(asks, answers, strict=True) if not refused}


async def _refused(session: aiohttp.ClientSession, ask: Ask) -> bool:
    kind = "application/merge-patch+json" if ask.verb == "patch" else "application/json"
    for _ in range(ATTEMPTS):
        async with session.request(
            METHODS[ask.verb],
            ask.path,
            data=None if METHODS[ask.verb] == "GET" else b"{}",
            headers={"Content-Type": kind},
        ) as answer:
            if answer.status == 403:
                said = await answer.json()
                assert " cannot " in said["message"], said  # by RBAC, and not by anything else
                return True
            if answer.status != 429 and answer.status < 500:
                return False
        await asyncio.sleep(1)
    raise AssertionError(f"{ask.called}: still {answer.status}")


def _of_resource(
    group: str, root: str, resource: dict[str, Any], namespace: str | None, names: Sequence[str]
) -> Iterator[Ask]:
    base, _, sub = resource["name"].partition("/")
    full = f"{base}.{group}" if group else base
    full = f"{full}/{sub}" if sub else full
    place = f"{root}/namespaces/{namespace}/{base}" if namespace else f"{root}/{base}"
    for verb in resource["verbs"]:
        if verb in OF_ALL and not sub:
            query = "?watch=1&timeoutSeconds=1" if verb == "watch" else ""
            yield Ask(f"{verb} {full}", verb, place + query)
            for name in names if verb == "watch" else ():
                one = f"{place}{query}&fieldSelector=metadata.name%3D{name}"
                yield Ask(f"{verb} {full} {name}", verb, one)
            continue
        for name in names:
            yield Ask(f"{verb} {full} {name}", verb, f"{place}/{name}" + (f"/{sub}" if sub else ""))
