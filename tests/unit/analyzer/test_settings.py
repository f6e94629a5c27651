"""The analyzer's settings come from the environment."""

import pytest

from daedalus_analyzer.settings import AnalyzerSettings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYZER_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("ANALYZER_INSTANCE", "shadow")

    assert AnalyzerSettings().bootstrap == "kafka:9092"
    assert AnalyzerSettings().instance == "shadow"


def test_the_instance_has_a_default() -> None:
    assert AnalyzerSettings().instance == "analyzer"
