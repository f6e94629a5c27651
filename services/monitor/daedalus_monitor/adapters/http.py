"""JSON or text over HTTP, and all the ways in which it is not."""

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError

from daedalus_monitor.ports import NotFoundError, SourceError
from daedalus_shared.credentials import CredentialFileError, HttpAccess

T = TypeVar("T")

LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that are read at most; a list of all metrics of 100 subtasks has 2 MB."""

_SHOWN = 80

_UNKNOWN_TO_IT = " (what is sent along is in the folder MONITOR_CREDENTIALS)"


class _Refusal(BaseModel):
    """How Prometheus (`error`) and Flink (`errors`) say what is wrong."""

    error: str = ""
    errors: tuple[str, ...] = ()


class Http:
    """Asks one server; the session is shared with all others."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        certified: str | None = None,
        *,
        access: HttpAccess | None = None,
    ) -> None:
        """Ask the server at `url`; its certificate is for the name `certified`, if not for that.

        With `access`, by which it lets us in, redirects are not followed: they lead elsewhere.
        """
        self._session = session
        self._access = access
        self._certified = certified
        self.url = url.rstrip("/")

    async def get(
        self, path: str, answer: TypeAdapter[T], params: Mapping[str, str] | None = None
    ) -> T:
        """Return the answer to a GET, checked.

        Raises:
            SourceError: Not reached, not 200, not JSON, or JSON of another shape.
        """
        what, body = await self._body(path, params)
        try:
            return answer.validate_json(body)
        except ValidationError as error:
            raise SourceError(f"{what} answered {_nonsense(body, error)}") from error

    async def text(self, path: str) -> str:
        """Return the answer to a GET as text.

        Raises:
            SourceError: Not reached, not 200, or no text.
        """
        what, body = await self._body(path, None)
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise SourceError(f"{what} answered no text") from error

    async def _body(self, path: str, params: Mapping[str, str] | None) -> tuple[str, bytes]:
        """Return the address and what it answered."""
        what = f"{self.url}{path}"
        access = self._access
        try:
            async with self._session.get(
                what,
                params=params,
                server_hostname=self._certified,
                headers=access.headers() if access else None,
                ssl=(access.tls if access else None) or True,
                allow_redirects=access is None,
            ) as response:
                body = await _read(response)
                status = response.status
        except aiohttp.ClientPayloadError as error:
            raise SourceError(f"{what} broke off its answer") from error
        except CredentialFileError as error:
            raise SourceError(f"{what} was not asked: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SourceError(f"{what} cannot be reached: {_line(error)}") from error
        if status != 200:
            kind = NotFoundError if status == 404 else SourceError
            hint = _UNKNOWN_TO_IT if status in (401, 403) else ""
            raise kind(f"{what} answered {status}{_own_words(body)}{hint}")
        if len(body) > LIMIT:
            raise SourceError(f"{what} answered more than {LIMIT} bytes")
        return what, body


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > LIMIT:
            break
    return bytes(body)


def _own_words(body: bytes) -> str:
    """Return the first line of the server's reason, where it gives one."""
    try:
        refusal = _Refusal.model_validate_json(body)
    except ValidationError:
        return ""
    first = [line for text in (refusal.error, *refusal.errors) for line in text.splitlines()[:1]]
    return f": {first[0][:_SHOWN]}" if first else ""


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _nonsense(body: bytes, error: ValidationError) -> str:
    """Say what came instead of the JSON that was asked for."""
    start = body[:_SHOWN].decode(errors="replace").strip()
    if not start:
        return "nothing"
    if start.startswith("<"):
        return "HTML instead of JSON"
    found = error.errors(include_url=False, include_input=False)[0]
    if found["type"] == "json_invalid":
        return f"something that is no JSON: {' '.join(start.split())!r}"
    where = ".".join(str(part) for part in found["loc"])
    return f"JSON of another kind: {where}: {found['msg']}"
