"""Finds out who asks, by what a request carries."""

import logging
from collections.abc import Callable
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from starlette.requests import HTTPConnection

from daedalus_console.errors import ConsoleError
from daedalus_console.web.people import Person, Proxied, SignInError, Token, bearer, tokens
from daedalus_console.web.settings import Settings

COOKIE = "daedalus"
"""Holds the token of a browser; scripts cannot read it, and no other site's request carries it."""

log = logging.getLogger(__name__)


class TokenFile:
    """The tokens, read anew when their file has changed."""

    def __init__(self, path: Path) -> None:
        """Read the file, or raise `ConsoleError`."""
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._tokens: tuple[Token, ...] = ()
        self._wrong = ""
        """What is wrong with it, which is logged once: it is asked for with each request."""
        self._read()

    def known(self) -> tuple[Token, ...]:
        """Return the tokens; those known before where the file became unreadable."""
        try:
            self._read()
        except ConsoleError as error:
            if str(error) != self._wrong:
                log.error("%s; what it said before holds", error)  # noqa: TRY400 -- one line says it all
            self._wrong = str(error)
        return self._tokens

    def _read(self) -> None:
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConsoleError(f"tokens: {self._path} cannot be read: {error}") from error
        self._seen = seen
        self._tokens = tokens(text)
        self._wrong = ""


class Access:
    """Who asks, by the settings."""

    def __init__(self, settings: Settings, local: str, clock: Callable[[], datetime]) -> None:
        """Read the tokens.

        Args:
            settings: Say what is believed.
            local: Who it is on loopback where nobody signs in: the person that the console runs as.
            clock: The present.

        Raises:
            ConsoleError: The file of the tokens is wrong.
        """
        self._settings = settings
        self._local = Person(local if settings.on_loopback else "anybody", settings.local)
        self._clock = clock
        self._tokens = TokenFile(settings.tokens) if settings.tokens else None
        self._proxied = Proxied(
            settings.proxy_user, settings.proxy_groups, settings.steering_groups
        )

    @property
    def has_tokens(self) -> bool:
        """Whether a browser can sign in by a token."""
        return self._tokens is not None

    def person(self, asks: HTTPConnection) -> Person:
        """Return who asks, or raise `SignInError`."""
        if not self._settings.signed_in:
            return self._local
        if self._proxied_by(asks):
            return self._proxied.person(asks.headers)
        if self._tokens is None:
            raise SignInError("this address is none of the trusted proxies'; ask through the proxy")
        scheme, _, token = asks.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return self.of_token(token.strip())
        cookie = asks.cookies.get(COOKIE)
        if cookie:
            return self.of_token(cookie)
        raise SignInError("no token: send `Authorization: Bearer TOKEN`, or sign in at /login")

    def knows(self, asks: HTTPConnection) -> bool:
        """Whether who asked is let in still: since then, a token may have expired or be removed."""
        try:
            self.person(asks)
        except SignInError:
            return False
        return True

    def of_token(self, token: str) -> Person:
        """Return whose token it is, or raise `SignInError`."""
        known = self._tokens.known() if self._tokens else ()
        return bearer(token, known, self._clock())

    def _proxied_by(self, asks: HTTPConnection) -> bool:
        if not self._settings.proxies or asks.client is None:
            return False
        try:
            peer = ip_address(asks.client.host)
        except ValueError:
            return False
        peers = [peer]
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
            peers.append(peer.ipv4_mapped)  # a socket for both families names IPv4 so
        return any(each in network for each in peers for network in self._settings.proxies)
