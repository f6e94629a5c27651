"""What every request passes first: name of the host, origin, size, and who asks.

A browser carries its cookie, and reaches loopback, for any site that it has open. So what writes
must come from the console's own pages or from a program, and the host must be one of ours: a
foreign name that was led to this address is none.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daedalus_console.telemetry import ANSWERS
from daedalus_console.web.access import Access
from daedalus_console.web.people import SignInError
from daedalus_console.web.problems import of, problem
from daedalus_console.web.settings import LOOPBACK, Settings

READS = frozenset({"GET", "HEAD", "OPTIONS"})

LARGEST = 16_384
"""Bytes of a request's body; a wish has about a hundred."""

DIGITS = 20
"""Of a body's length at most: more are no length."""

HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is asked by what watches: a kubelet and a Prometheus know addresses, and no names."""

OPEN = HEALTH | {"/login"}
"""What is answered to anybody."""

_API = "default-src 'none'; frame-ancestors 'none'"
_PAGE = (
    # NiceGUI's page holds scripts of its own, and Vue compiles templates in the browser.
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, settings: Settings, access: Access) -> None:
        self._app = app
        self._access = access
        named = {host.lower() for host in settings.hosts}
        self._hosts = named | LOOPBACK | {settings.host.lower()}
        self._any_host = settings.signed_in and not settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        asks = HTTPConnection(scope)
        refusal = self._refusal(scope, asks)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
            return
        headed = _with_headers(send, _API if is_api(scope["path"]) else _PAGE)
        if refusal is not None:
            await refusal(scope, receive, headed)
            return
        await self._app(scope, _bounded(receive), headed)

    def _refusal(self, scope: Scope, asks: HTTPConnection) -> Response | None:
        return self._misled(scope, asks) or self._unknown(scope, asks)

    def _misled(self, scope: Scope, asks: HTTPConnection) -> Response | None:
        """Return the refusal of what no page of ours and no program would send."""
        if not self._ours(_name(asks.headers.get("host", "")), scope["path"]):
            detail = "Host: is none of this console's names; add it to CONSOLE_HOSTS"
            return problem(HTTPStatus.MISDIRECTED_REQUEST, detail)
        writes = scope["type"] == "websocket" or scope["method"] not in READS
        if writes and (why := foreign(asks)):
            return problem(HTTPStatus.FORBIDDEN, why)
        length = asks.headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > DIGITS or int(length) > LARGEST:
            return too_large()
        return None

    def _ours(self, host: str, path: str) -> bool:
        """Whether a host is the console, and no foreign name that was led to it."""
        return self._any_host or host in self._hosts or (path in HEALTH and _is_address(host))

    def _unknown(self, scope: Scope, asks: HTTPConnection) -> Response | None:
        """Take note of who asks, or return the refusal of somebody who must sign in."""
        if scope["path"] in OPEN:
            return None
        try:
            scope.setdefault("state", {})["person"] = self._access.person(asks)
        except SignInError as error:
            if is_api(scope["path"]) or scope["type"] == "websocket":
                return of(error)
            if self._access.has_tokens:
                return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
            return PlainTextResponse(f"{error}\n", HTTPStatus.UNAUTHORIZED)
        return None


def foreign(asks: HTTPConnection) -> str | None:
    """Return why a request that writes is not from a page of ours or a program; else None."""
    site = asks.headers.get("sec-fetch-site")
    if site not in {None, "same-origin", "none"}:
        return "Sec-Fetch-Site: a page of another site asks for this; use the console's own"
    origin = asks.headers.get("origin")
    if origin is not None and _site(origin) != asks.headers.get("host", "").lower():
        return "Origin: a page of another site asks for this; use the console's own"
    return None


def too_large() -> Response:
    """Return the refusal of a body beyond the bound."""
    detail = f"the body is larger than {LARGEST} bytes; a wish needs a hundred"
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def is_api(path: str) -> bool:
    """Whether programs ask there, and not browsers."""
    return path.startswith("/api/") or path == "/api" or path in HEALTH


def _site(origin: str) -> str | None:
    """Return host and port of an origin; None where it is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _name(host: str) -> str:
    """Return a host without its port."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_address(host: str) -> bool:
    """Whether a host is no name: nobody leads an address elsewhere."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _with_headers(send: Send, policy: str) -> Send:
    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            ANSWERS.labels(str(message["status"])).inc()
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", policy)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "same-origin"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            if policy is _API:
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return headed


def _bounded(receive: Receive) -> Callable[[], Awaitable[Any]]:
    """End a body that goes on beyond its bound, which no Content-Length had to tell."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                return {"type": "http.disconnect"}
        return message

    return bounded
