"""What a service says to who starts it with arguments."""

import pytest
from pydantic_settings import SettingsConfigDict

from daedalus_shared import usage
from daedalus_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Some service's."""

    model_config = SettingsConfigDict(env_prefix="LISTENER_")

    ears: int = 2
    """How many `ears` listen; one
    is enough."""


def test_without_arguments_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    usage.heed(Settings, "listener", [])

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_help_lists_the_settings(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        usage.heed(Settings, "listener", [asked])

    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("Usage: LISTENER_BOOTSTRAP=kafka:9092 python -m listener\n")
    assert "  LISTENER_EARS\n    How many ears listen; one is enough. [default 2]\n" in said
    assert "  LISTENER_INSTANCE\n" in said
    assert "[required]" in said
    assert max(map(len, said.splitlines())) <= usage.WIDTH


def test_anything_else_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        usage.heed(Settings, "listener", ["--bootstrap", "kafka:9092"])

    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "listener: takes no arguments such as '--bootstrap'; its settings are environment "
        "variables, which --help lists\n"
    )
