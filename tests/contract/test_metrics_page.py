"""The page of all metrics equals the code, and the names are as Prometheus wants them."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from daedalus_shared import job_gauges, telemetry
from daedalus_shared.metrics_page import page

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()

for _module in re.findall(r"^MEASURED := (.*)$", MAKEFILE, re.MULTILINE)[0].split():
    import_module(_module)


def test_the_checked_in_page_equals_the_code() -> None:
    found = (ROOT / "docs" / "metrics.md").read_text()

    assert found == page(telemetry.CATALOGUE), "run `make schemas` and commit what it writes"


def test_every_metric_of_the_code_is_on_it() -> None:
    """Nobody makes a metric past the catalogue: the page would not know it."""
    made = {
        path.relative_to(ROOT).as_posix()
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(
            r"from prometheus_client import .*(Counter|Gauge|Histogram|Summary)|"
            r"^    (Counter|Gauge|Histogram|Summary),$",
            path.read_text(),
            re.MULTILINE,
        )
    }
    assert made == {"shared/daedalus_shared/telemetry.py"}

    listed = set(telemetry.CATALOGUE)
    modules = {
        path
        for path in (ROOT / "services").rglob("*.py")
        if re.search(r"\b(counter|gauge|histogram)\(\n?\s*\"daedalus_", path.read_text())
    }
    names = {
        ".".join(path.relative_to(ROOT / "services").with_suffix("").parts[1:]) for path in modules
    }
    assert names <= set(MAKEFILE.split()), "name the module in the Makefile's MEASURED"
    assert {"monitor", "forecaster", "planner", "executor", "console", "simulator", "all"} == {
        each.by for each in listed
    }


UNITS = ("_seconds", "_ratio", "_workers", "_records", "_records_per_second", "_info")
"""Base units, by which names end; `_total` is for counters alone."""

COUNTS = {
    "daedalus_ready",
    "daedalus_simulator_jobs",
    "daedalus_console_listeners",
    "daedalus_executor_rescales_under_way",
    "daedalus_job_unknown_readings",
    "daedalus_job_generation",
    "daedalus_job_forecast_fallback",
}
"""Gauges without a unit."""


@pytest.mark.parametrize(
    ("name", "kind"),
    sorted(
        {(each.name, each.kind) for each in telemetry.CATALOGUE}
        | {(each.name, "gauge") for each in job_gauges.GAUGES}
    ),
)
def test_names_follow_the_conventions(name: str, kind: str) -> None:
    assert re.fullmatch(r"daedalus_[a-z_]+", name)
    assert name.endswith("_total") == (kind == "counter")
    if kind != "counter":
        assert name.endswith(UNITS) or name in COUNTS


def test_no_label_is_unbounded_or_prometheus_own() -> None:
    labels = {label for each in telemetry.CATALOGUE for label in each.labels}
    labels |= {label for each in job_gauges.GAUGES for label in each.labels}

    assert labels == {
        "topic", "type", "signal", "reason", "status", "of", "horizon", "result", "planner",
        "forecaster", "ahead", "quantile", "shadow", "dry_run", "direction", "bound",
    }  # fmt: skip
    assert job_gauges.JOB not in labels
    assert not labels & {"job", "instance", "service", "le"}
