"""Settings come from the environment; a wrong one is named in one line."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ANY_")

    instance: str = "any"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        pytest.param("HTTP_PORT", "http", "ANY_HTTP_PORT: Input should be", id="port"),
        pytest.param("LOG_LEVEL", "loud", "ANY_LOG_LEVEL: Input should be 'debug'", id="level"),
        pytest.param("INSTANCE", "a b", "ANY_INSTANCE: 'a b' must be letters", id="instance"),
        pytest.param("SECURITY", "sasl_ssl", "is sasl_ssl, which needs ANY_USERNAME", id="no user"),
        pytest.param("USERNAME", "planner", "ANY_USERNAME would not be used", id="unprotected"),
        pytest.param("CA_FILE", "/ca.pem", "ANY_CA_FILE would not be used", id="unused authority"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANY_{name}", value)

    with pytest.raises(SystemExit) as end:
        Settings.read()

    assert told in str(end.value)
    assert "\n" not in str(end.value)


SECRET = "hush-4711"


def let_in(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Set what a service needs for SCRAM over TLS, and more."""
    for name, value in {"SECURITY": "sasl_ssl", "USERNAME": "planner", **more}.items():
        monkeypatch.setenv(f"ANY_{name}", value)


def test_a_password_is_read_from_its_file_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET} \n")
    let_in(monkeypatch, PASSWORD_FILE=str(file))

    settings = Settings.read()

    assert settings.password is not None
    assert settings.password.get_secret_value() == f"{SECRET} ", "spaces may belong to it"
    assert SECRET not in repr(settings) + repr(settings.password) + settings.model_dump_json()

    file.write_text("another\n")
    assert settings.password.get_secret_value() == "another", "a new one is found"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "ANY_PASSWORD_FILE: {} is no file", id="missing"),
        pytest.param(b"", "ANY_PASSWORD_FILE: {} is empty", id="empty"),
        pytest.param(b"\n", "ANY_PASSWORD_FILE: {} is empty", id="a line without anything"),
        pytest.param(b"\xff\xfe", "ANY_PASSWORD_FILE: {} is not text in UTF-8", id="no text"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_named(
    content: bytes | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    let_in(monkeypatch, PASSWORD_FILE=str(file))

    with pytest.raises(SystemExit, match=r"^ANY_PASSWORD_FILE: ") as end:
        Settings.read()

    assert str(end.value).startswith(told.format(file))
    assert "\n" not in str(end.value)


def test_a_folder_in_place_of_the_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_in(monkeypatch, PASSWORD_FILE=str(tmp_path))

    with pytest.raises(SystemExit, match=r"ANY_PASSWORD_FILE: .* cannot be read: Is a directory"):
        Settings.read()


@pytest.mark.parametrize("name", ["PASSWORD_FILE", "CA_FILE"])
def test_a_secret_that_stands_where_its_file_belongs_is_not_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("right")
    let_in(monkeypatch, **{"PASSWORD_FILE": str(file), name: SECRET})

    with pytest.raises(SystemExit) as end:
        Settings.read()

    assert str(end.value) == f"ANY_{name}: its value is no file; it names one, and is not what " + (
        "stands in it"
    )


@pytest.mark.parametrize("name", ["CA_FILE", "CERTIFICATE_FILE"])
def test_a_file_that_is_no_certificate_is_named_and_not_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("password", "key", "wrong"):
        (tmp_path / each).write_text(SECRET)
    let_in(monkeypatch, PASSWORD_FILE=str(tmp_path / "password"))
    if name == "CERTIFICATE_FILE":
        monkeypatch.setenv("ANY_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv(f"ANY_{name}", str(tmp_path / "wrong"))

    with pytest.raises(SystemExit) as end:
        Settings.read()

    assert f"ANY_{name}" in str(end.value)
    assert "holds nothing that can be used" in str(end.value)
    assert SECRET not in str(end.value)
