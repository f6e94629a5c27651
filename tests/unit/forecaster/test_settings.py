"""The forecaster's settings come from the environment, and a wrong one is named."""

import pytest

from daedalus_forecaster.settings import Settings


def test_the_defaults_are_those_that_a_policy_names() -> None:
    assert Settings().instance == "daedalus"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTER_INSTANCE", "shadow")
    monkeypatch.setenv("FORECASTER_WORKER_IDLE", "7.5")

    settings = Settings()

    assert (settings.instance, settings.worker_idle) == ("shadow", 7.5)
