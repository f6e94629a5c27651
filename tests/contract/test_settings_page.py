"""The page of all settings equals the code, and leaves none unexplained."""

import re
from importlib import import_module
from pathlib import Path

from daedalus_shared.settings_page import page, settings_of

ROOT = Path(__file__).parents[2]
SERVICES = ("monitor", "analyzer", "forecaster", "planner", "executor", "console", "simulator")
PAGE = page(
    [settings_of(import_module(f"daedalus_{name}.settings")) for name in (*SERVICES, "console.web")]
)


def test_the_checked_in_page_equals_the_code() -> None:
    found = (ROOT / "docs" / "settings.md").read_text()

    assert found == PAGE, "run `make schemas` and commit what it writes"


def test_every_setting_says_what_it_means() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]

    assert len(rows) > 100
    assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []


def test_units_bounds_and_defaults_are_told() -> None:
    for row in (
        "| `loop` | duration | `1m` | Seconds between decisions (R). |",
        "| `max` | whole number, ≥ 1, ≤ 1000 | required | Most workers. |",
        "| `per` | duration | `1d` | Seconds, ending now, in which they are counted. |",
        "| `HTTP_PORT` | whole number, ≥ 0, ≤ 65535 | `0` |",
        "| `EXECUTOR_WAITS__REQUEST` | duration, > 0 | `3s` |",
    ):
        assert row in PAGE


def test_every_service_with_settings_is_on_it() -> None:
    with_settings = {path.parent.name for path in ROOT.glob("services/*/daedalus_*/settings.py")}

    assert with_settings == {f"daedalus_{name}" for name in SERVICES}
