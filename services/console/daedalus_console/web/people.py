"""Who asks, and what they may do: by a token, or by the word of a trusted proxy."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from daedalus_console.errors import ConsoleError
from daedalus_console.records import printable
from daedalus_shared.events.codec import explain
from daedalus_shared.section import Section
from daedalus_shared.yaml_text import YamlError, load

LONGEST = 100
"""Characters of a person's name."""


class Role(StrEnum):
    """What somebody may do."""

    READ = "read"
    STEER = "steer"
    """Read, and ask for overrides."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks."""

    name: str
    """Stands in what they write."""

    role: Role

    @property
    def steers(self) -> bool:
        """Whether they may write."""
        return self.role is Role.STEER


class SignInError(ConsoleError):
    """Nobody knows who asks: no token, a wrong or an expired one."""


class ForbiddenError(ConsoleError):
    """It is known who asks, and they may not."""


class Token(Section):
    """One line of the tokens' file; the token itself is nowhere."""

    name: str = Field(min_length=1, max_length=LONGEST)
    """Whose it is."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the token, in hex: `printf %s TOKEN | sha256sum`."""

    role: Role = Role.READ
    """What its bearer may do."""

    expires: AwareDatetime | None = None
    """When it ends; null for never."""


_TOKENS = TypeAdapter(tuple[Token, ...])


def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens in a file's text.

    Raises:
        ConsoleError: It is no list of tokens; the field is named.
    """
    try:
        found: Any = load(text)
        return _TOKENS.validate_python(found or ())
    except YamlError as error:
        raise ConsoleError(f"tokens: no YAML: {error}") from error
    except ValidationError as error:
        raise ConsoleError(f"tokens: {explain(error)}") from error


def bearer(token: str, known: Sequence[Token], now: datetime) -> Person:
    """Return whose token it is, or raise `SignInError`."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    # All are compared, so that the time taken tells nothing.
    found = [each for each in known if hmac.compare_digest(each.sha256, digest)]
    if not found:
        raise SignInError("the token is not known; ask who runs this console for one")
    if found[0].expires is not None and found[0].expires <= now:
        raise SignInError(
            f"the token of {found[0].name} expired at {found[0].expires.isoformat()}; "
            "ask who runs this console for another"
        )
    return Person(found[0].name, found[0].role)


@dataclass(frozen=True, slots=True)
class Proxied:
    """What the headers of a trusted proxy mean."""

    user: str
    """Header that names the person."""

    groups: str
    """Header that names their groups."""

    steering: tuple[str, ...]
    """Groups that may steer."""

    def person(self, headers: Mapping[str, str]) -> Person:
        """Return who is signed in there, or raise `SignInError`."""
        name = headers.get(self.user.lower()) or headers.get("x-forwarded-email") or ""
        name = printable(name.strip())[:LONGEST]
        if not name:
            raise SignInError(f"the proxy names nobody in {self.user}; let it sign people in")
        groups = {group.strip() for group in headers.get(self.groups.lower(), "").split(",")}
        return Person(name, Role.STEER if groups & set(self.steering) else Role.READ)
