"""The simulator's settings: what is wrong is named in one line."""

import pytest

from daedalus_simulator.settings import Settings


def test_by_default_it_plays_what_others_declare() -> None:
    found = Settings.read()

    assert (found.jobs, found.speed, found.instance) == (0, 1.0, "sim")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SHAPES", '["sine", "square"]', "square: there are sine"),
        ("SHAPES", "[]", "none: there are sine"),
        ("SPEED", "0.5", "greater than or equal to 1"),
        ("INSTANCE", "My_Sim", "lower-case letters"),
        ("ENGINE", "spark", "'declared', 'flink'"),
        ("JOBS", "many", "integer"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"SIMULATOR_{name}", value)

    with pytest.raises(SystemExit, match=rf"^SIMULATOR_{name}") as error:
        Settings.read()

    assert told in str(error.value)
