"""The part of Kubernetes' API that rescaling needs, by kubernetes_asyncio's credentials.

Answers are read as plain JSON and checked by the domain's models. Reading is tried again when the
server is away, overloaded (429, for as long as it asks) or broken (5xx). Writing is not: whether a
write that got no answer has landed is found out by reading, which is the caller's business. Each
write names the version that it is based on, so that one that is late changes nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError
from yaml import YAMLError

from daedalus_executor.domain.kubernetes import MANAGER
from daedalus_executor.ports import Clock, NotAllowedError, TargetError

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

_BACKOFF = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further attempt to read."""

_LONGEST = 20.0
"""Seconds that a server may ask for by Retry-After."""

_SHOWN = 300
"""Characters of a refusal that are repeated."""

_LARGEST = 32 * 2**20
"""Bytes of an answer that are read."""

A = TypeVar("A", bound=BaseModel)


class ConflictError(TargetError):
    """The object has changed since it was read, or is there already."""


class MissingError(TargetError):
    """There is no such object."""


class AwayError(TargetError):
    """The server does not answer, or not now; whether a write has landed is not known."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class KubernetesApi:
    """One cluster."""

    def __init__(self, kubeconfig: Path | None, clock: Clock, *, read: float, write: float) -> None:
        """Talk to the cluster of a kubeconfig, or to that in which this process runs.

        Args:
            kubeconfig: The file; None in a pod, which has a ServiceAccount.
            clock: What waits.
            read: Seconds for one question.
            write: Seconds for one change.
        """
        self._kubeconfig = kubeconfig
        self._clock = clock
        self._seconds = {"GET": read, "PATCH": write, "POST": write}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Connection"]:
        """Connect for one command: credentials are read anew each time.

        Raises:
            TargetError: There are no credentials.
        """
        # 74 MB and a second: only whoever scales on Kubernetes pays for it.
        from kubernetes_asyncio.client import ApiClient, Configuration  # noqa: PLC0415
        from kubernetes_asyncio.config import (  # noqa: PLC0415
            ConfigException,
            load_incluster_config,
            load_kube_config,
        )

        configuration = Configuration()
        try:
            if self._kubeconfig is None:
                load_incluster_config(configuration)  # type: ignore[no-untyped-call]
            else:
                await load_kube_config(
                    str(self._kubeconfig),
                    client_configuration=configuration,
                    persist_config=False,
                )
        except (ConfigException, YAMLError, OSError, ValueError, KeyError, TypeError) as error:
            where = self._kubeconfig or "a ServiceAccount's token (EXECUTOR_KUBECONFIG elsewhere)"
            why = " ".join(str(error).split())
            raise TargetError(f"no way to Kubernetes by {where}: {why}") from error
        async with ApiClient(configuration) as client:
            yield Connection(client, self._clock, self._seconds)


class Connection:
    """A connection to the API server."""

    def __init__(self, client: "ApiClient", clock: Clock, seconds: Mapping[str, float]) -> None:
        self._client = client
        self._clock = clock
        self._seconds = seconds

    async def get(self, path: str, answer: type[A], query: Mapping[str, str] | None = None) -> A:
        """Read an object or a list.

        Raises:
            MissingError: There is no such object.
            NotAllowedError: It may not be read.
            AwayError: The server does not answer.
            TargetError: It answers something else.
        """
        for pause in (*_BACKOFF, None):
            try:
                said = await self._request("GET", path, query=query)
            except AwayError as error:
                if pause is None:
                    raise
                await self._clock.sleep(max(pause, error.wait))
                continue
            try:
                return answer.model_validate_json(said)
            except ValidationError as error:
                wrong = error.errors(include_url=False)[0]
                field = ".".join(str(part) for part in wrong["loc"])
                raise TargetError(
                    f"{path} answered what Kubernetes does not: {field}: {wrong['msg']}"
                ) from error
        raise AssertionError("the last attempt raises")

    async def patch(self, path: str, version: str | None, change: Mapping[str, Any]) -> None:
        """Merge a change into an object, as long as it is of the version given.

        Raises:
            ConflictError: It is of another version by now.
            AwayError: No answer; it may have landed.
            MissingError: There is no such object.
            NotAllowedError: It may not be changed.
        """
        body = dict(change)
        if version is not None:
            body["metadata"] = {**body.get("metadata", {}), "resourceVersion": version}
        await self._request("PATCH", path, body, {"fieldManager": MANAGER})

    async def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Make an object; errors as of `patch`."""
        await self._request("POST", path, body, {"fieldManager": MANAGER})

    async def changed(self, group: str, name: str, version: str, within: float) -> None:
        """Return when an object is no longer of this version, or after so many seconds.

        It only saves waiting and questions: whoever calls looks for themselves afterwards, so that
        a watch that breaks, is refused or has lost its place (410) costs a second and no more.
        """
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, round(within))),
        }
        try:
            async with asyncio.timeout(within):
                answer = await self._send("GET", group, None, query, within + 1)
                async with answer:
                    line = await answer.content.readline() if answer.status == 200 else b""
            lost = not line or json.loads(line).get("type") == "ERROR"
        except TimeoutError:
            return
        except (aiohttp.ClientError, ValueError, AttributeError, OSError):
            lost = True
        if lost:
            await self._clock.sleep(min(within, 1.0))

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        try:
            answer = await self._send(method, path, body, query, self._seconds[method])
            async with answer:
                said = await answer.content.read(_LARGEST)
                while not answer.content.at_eof():
                    more = await answer.content.read(_LARGEST)
                    said += more
                    if len(said) > _LARGEST:
                        raise TargetError(f"{path} answered more than {_LARGEST} bytes")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = str(error) or type(error).__name__
            raise AwayError(f"Kubernetes does not answer: {what}") from error
        if answer.status < 300:
            return said
        raise _refusal(answer.status, _message(said), answer.headers.get("Retry-After"))

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        seconds: float,
    ) -> aiohttp.ClientResponse:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer: aiohttp.ClientResponse = await self._client.call_api(
            path,
            method,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": kind},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=aiohttp.ClientTimeout(total=seconds),
        )
        return answer


def _refusal(status: int, message: str, retry: str | None) -> Exception:
    if status == 401:
        return TargetError(f"Kubernetes does not know who asks: {message}")
    if status == 403:
        return NotAllowedError(f"Kubernetes allows it not: {message}")
    if status == 404:
        return MissingError(f"Kubernetes has none: {message}")
    if status == 409:
        return ConflictError(f"Kubernetes refuses: {message}")
    if status == 429 or status >= 500:
        wait = float(retry) if retry and retry.isdigit() else 0.0
        return AwayError(f"Kubernetes answers {status}: {message}", min(wait, _LONGEST))
    return TargetError(f"Kubernetes answers {status}: {message}")


def _message(said: bytes) -> str:
    try:
        found = json.loads(said)["message"]
    except (ValueError, KeyError, TypeError):
        found = said.decode(errors="replace")
    return " ".join(str(found).split())[:_SHOWN]
