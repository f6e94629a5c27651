"""The planner's settings, as the environment gives them."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from daedalus_planner.settings import Settings


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANNER_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("PLANNER_INSTANCE", "canary")

    found = Settings()

    assert (found.bootstrap, found.instance) == ("kafka:9092", "canary")


def test_the_instance_is_the_one_that_specs_name_by_default() -> None:
    assert Settings().instance == "horizon"


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="horizon"):
        Settings.model_validate({"horizon": 900})


def test_it_starts_with_no_arguments_and_lists_its_settings_when_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daedalus_planner", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "PLANNER_PLAN" in done.stdout
