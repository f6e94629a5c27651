"""Who asks, and what they may do."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from daedalus_console.errors import ConsoleError, UsageError
from daedalus_console.web.access import COOKIE, Access
from daedalus_console.web.people import Person, Role, SignInError, tokens
from daedalus_console.web.settings import Settings, read

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def asks(headers: dict[str, str], peer: str = "10.0.0.9") -> HTTPConnection:
    found = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": found, "client": (peer, 1)})


def access(**settings: Any) -> Access:
    return Access(Settings(**settings), "ada", lambda: NOON)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.yaml"
    path.write_text(
        f"- {{name: grace, sha256: {digest('right')}, role: steer}}\n"
        f"- {{name: alan, sha256: {digest('old')}, expires: 2026-01-01T12:00:00Z}}\n"
    )
    return path


@pytest.mark.parametrize("local", [Role.READ, Role.STEER])
def test_on_loopback_whoever_asks_is_the_one_that_the_console_runs_as(local: Role) -> None:
    assert access(local=local).person(asks({})) == Person("ada", local)


def test_a_token_says_whose_it_is(token_file: Path) -> None:
    known = access(tokens=token_file)

    assert known.person(asks({"Authorization": "Bearer right"})) == Person("grace", Role.STEER)
    assert known.person(asks({"Cookie": f"{COOKIE}=right"})) == Person("grace", Role.STEER)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param({}, "no token", id="none"),
        pytest.param({"Authorization": "Bearer wrong"}, "not known", id="wrong"),
        pytest.param({"Authorization": "Bearer old"}, "token of alan expired", id="expired"),
        pytest.param({"Authorization": "Basic right"}, "no token", id="another scheme"),
        pytest.param({"X-Forwarded-User": "grace"}, "no token", id="claimed by a header"),
        pytest.param({"Cookie": f"{COOKIE}=old"}, "expired", id="expired in a browser"),
    ],
)
def test_who_is_not_known_is_told_why(token_file: Path, headers: dict[str, str], why: str) -> None:
    with pytest.raises(SignInError, match=why):
        access(tokens=token_file).person(asks(headers))


def test_a_changed_file_counts_at_once_and_a_broken_one_not(token_file: Path) -> None:
    known = access(tokens=token_file)

    token_file.write_text(f"- {{name: emmy, sha256: {digest('new')}}}\n")
    assert known.person(asks({"Authorization": "Bearer new"})) == Person("emmy", Role.READ)
    with pytest.raises(SignInError):
        known.person(asks({"Authorization": "Bearer right"}))

    token_file.write_text("- {name: emmy}\n")
    assert known.person(asks({"Authorization": "Bearer new"})).name == "emmy"


def test_a_changed_file_that_cannot_be_read_at_first_counts_once_it_can(
    token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known = access(tokens=token_file)

    text = f"- {{name: emmy, sha256: {digest('new')}}}"
    token_file.write_bytes(b"\xff" * len(text))  # as where it may be read a moment later only
    before = token_file.stat()
    for _ in range(2):
        assert known.person(asks({"Authorization": "Bearer right"})).name == "grace"
    assert len(caplog.messages) == 1

    token_file.write_text(text)
    os.utime(token_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known.knows(asks({"Authorization": "Bearer new"}))
    assert not known.knows(asks({"Authorization": "Bearer right"}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("- {name: a, sha256: secret}", "sha256", id="not hashed"),
        pytest.param("- {name: a}", "sha256", id="without hash"),
        pytest.param("- {name: a, sha256: '" + "0" * 64 + "', rule: steer}", "rule", id="misspelt"),
        pytest.param("name: a", "tokens", id="no list"),
        pytest.param("- [", "no YAML", id="no YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(text: str, why: str) -> None:
    with pytest.raises(ConsoleError, match=why) as caught:
        tokens(text)

    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConsoleError, match="cannot be read"):
        access(tokens=tmp_path / "none")


def test_a_trusted_proxy_says_who_it_is_and_nobody_else_does() -> None:
    known = access(proxies=["10.0.0.0/24"], steering_groups=["ops"])
    headers = {"X-Forwarded-User": "grace", "X-Forwarded-Groups": "dev, ops"}

    assert known.person(asks(headers)) == Person("grace", Role.STEER)
    assert known.person(asks({"X-Forwarded-Email": "al@x.org"})) == Person("al@x.org", Role.READ)
    assert known.person(asks(headers, peer="::ffff:10.0.0.9")).name == "grace"
    for stranger in ("10.0.1.9", "::ffff:10.0.1.9", "::1"):
        with pytest.raises(SignInError, match="none of the trusted"):
            known.person(asks(headers, peer=stranger))
    with pytest.raises(SignInError, match="names nobody"):
        known.person(asks({"X-Forwarded-Groups": "ops"}))


def test_without_groups_a_proxy_lets_nobody_steer() -> None:
    known = access(proxies=["10.0.0.0/24"])

    assert not known.person(asks({"X-Forwarded-User": "a", "X-Forwarded-Groups": ""})).steers


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        pytest.param({"HOST": "::"}, "CONSOLE_TOKENS or CONSOLE_PROXIES", id="open"),
        pytest.param({"HOST": "console.example"}, "CONSOLE_TOKENS", id="open by name"),
        pytest.param(
            {"HOST": "::", "ANYBODY_READS": "true", "LOCAL": "steer"},
            "whoever reaches :: would steer",
            id="anybody steers",
        ),
        pytest.param(
            {"ANYBODY_READS": "true", "TOKENS": "/t"}, "nobody reads without", id="both ways"
        ),
        pytest.param({"LOCAL": "steer", "TOKENS": "/t"}, "leave it", id="steering beside tokens"),
        pytest.param({"PROXIES": '["0.0.0.0/0"]'}, "believes everybody", id="everybody a proxy"),
        pytest.param({"PROXIES": "no"}, "CONSOLE_", id="no list"),
        pytest.param({"PORT": "x"}, "port", id="no port"),
    ],
)
def test_unsafe_settings_are_refused(
    settings: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"CONSOLE_{name}", value)

    with pytest.raises(UsageError, match=why):
        read()


def test_any_address_is_listened_on_once_people_sign_in(token_file: Path) -> None:
    assert Settings(host="::", tokens=token_file).signed_in
    assert Settings(host="::1").on_loopback
    assert Settings(host="127.1.2.3").on_loopback


def test_it_has_to_be_said_that_anybody_may_read() -> None:
    known = access(host="::", anybody_reads=True)

    assert known.person(asks({})) == Person("anybody", Role.READ)


def test_expiry_is_to_the_instant(token_file: Path) -> None:
    known = Access(Settings(tokens=token_file), "ada", lambda: NOON - timedelta(seconds=1))

    assert known.person(asks({"Authorization": "Bearer old"})).name == "alan"
