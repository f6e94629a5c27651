"""Settings come from the environment; a wrong one is named in one line."""

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
        pytest.param("SECURITY", "sasl_ssl", "needs username and password_file", id="credentials"),
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


def test_a_password_is_read_from_its_file_and_not_shown(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("secrets") / "password"
    file.write_text("hush\n")
    for name, value in (
        ("SECURITY", "sasl_plaintext"),
        ("USERNAME", "planner"),
        ("PASSWORD_FILE", str(file)),
    ):
        monkeypatch.setenv(f"ANY_{name}", value)

    settings = Settings.read()

    assert settings.password is not None
    assert settings.password.get_secret_value() == "hush"
    assert "hush" not in repr(settings) + repr(settings.password)
