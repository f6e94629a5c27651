"""The shipped dashboard and rules: their form, and that they ask for nothing that is not there.

Whether every query returns data is asked on running services, in `tests/e2e/test_loop.py`.
"""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from daedalus_local.prometheus import config
from daedalus_shared.job_gauges import GAUGES
from daedalus_shared.telemetry import CATALOGUE
from harness.prometheus import ROOT, dashboard, of_dashboard, rules
from harness.services import STAGES

COMPOSE = ROOT / "deploy" / "compose"
PANELS = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]

OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "ALERTS"}
"""What Prometheus and its client make by themselves."""


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return found["services"]  # type: ignore[no-any-return]  # a YAML file


def mounts(service: str) -> dict[str, Path]:
    """Return path in the container → path here, of what is mounted from the project."""
    pairs = [volume.split(":") for volume in compose()[service]["volumes"]]
    return {pair[1]: (COMPOSE / pair[0]).resolve() for pair in pairs if pair[0].startswith(".")}


def names(expression: str) -> set[str]:
    """Return the metrics of an expression: recorded ones too."""
    found = re.findall(r"\b[a-z_]+(?::[a-z0-9_]+)+|\bdaedalus_[a-z_]+|\bup\b", expression)
    return {re.sub(r"_bucket$", "", name) for name in found if name != "daedalus_"}


@pytest.mark.parametrize(
    ("where", "expression"),
    [(query.where, query.expression) for query in of_dashboard()]
    + [(rule.get("record") or rule["alert"], rule["expr"]) for rule in rules()],
)
def test_only_metrics_that_exist_are_asked_for(where: str, expression: str) -> None:
    known = {each.name for each in CATALOGUE} | {each.name for each in GAUGES} | OTHERS
    known |= {rule["record"] for rule in rules() if "record" in rule}

    assert names(expression) or "process_" in expression, f"{where} asks for nothing of ours"
    assert names(expression) - known == set()


def test_every_recording_rule_is_used() -> None:
    asked = "\n".join([query.expression for query in of_dashboard()])
    asked += "\n".join(rule["expr"] for rule in rules() if "alert" in rule)
    recorded = {rule["record"] for rule in rules() if "record" in rule}

    assert {name for name in recorded if name not in asked} <= {
        "job_name:daedalus_recovery:ratio_of_promise"  # for whoever compares jobs by hand
    }


def test_the_dashboard_is_one_that_grafana_12_takes() -> None:
    found = dashboard()

    assert found["schemaVersion"] == 41
    assert re.fullmatch(r"[a-z0-9-]{1,40}", found["uid"])
    assert "id" not in found, "an id belongs to one Grafana; a provisioned dashboard has none"
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)
    variables = {each["name"] for each in found["templating"]["list"]}
    assert variables == {"datasource", "job", "planner", "forecaster"}
    asked = {name for query in of_dashboard() for name in re.findall(r"\$(\w+)", query.expression)}
    assert asked <= variables | {"__range", "__rate_interval"}


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_says_what_it_shows_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    assert panel["description"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    targets = panel["targets"]
    assert targets
    assert len({target["refId"] for target in targets}) == len(targets)
    assert all(target["datasource"] == panel["datasource"] for target in targets)
    assert panel["fieldConfig"]["defaults"]["unit"]


def test_panels_do_not_overlap() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        across = range(place["x"], place["x"] + place["w"])
        return {(x, y) for x in across for y in range(place["y"], place["y"] + place["h"])}

    assert all(x < 24 for panel in PANELS for x, _ in cells(panel))
    for one, other in combinations(dashboard()["panels"], 2):
        assert not cells(one) & cells(other), f"{one['title']} and {other['title']}"


def test_an_alert_says_what_to_do_and_how_bad_it_is() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"critical", "warning", "info"}
            assert rule["annotations"].keys() == {"summary", "description"}
            assert len(rule["annotations"]["description"]) > 80, rule["alert"]


def test_every_alert_is_made_to_fire_by_a_test() -> None:
    played = (ROOT / "deploy" / "prometheus" / "tests" / "alerts.yml").read_text()

    untested = {
        rule["alert"]
        for rule in rules()
        if "alert" in rule and f'alertname="{rule["alert"]}"' not in played
    }
    assert untested == set()


def test_compose_mounts_what_is_shipped() -> None:
    prometheus, grafana = mounts("prometheus"), mounts("grafana")

    assert all(path.exists() for path in (*prometheus.values(), *grafana.values()))
    scraped = yaml.safe_load(prometheus["/etc/prometheus/prometheus.yml"].read_text())
    assert scraped["rule_files"] == ["rules/*.yml"]
    assert prometheus["/etc/prometheus/rules"] == ROOT / "deploy" / "prometheus" / "rules"
    [ours] = [each for each in scraped["scrape_configs"] if each["job_name"] == "daedalus"]
    targets = ours["static_configs"][0]["targets"]
    assert targets == [f"{name}:8080" for name in ("monitor", *STAGES, "executor", "page")]
    assert {target.partition(":")[0] for target in targets} <= compose().keys()

    provisioned = grafana["/etc/grafana/provisioning"]
    [provider] = yaml.safe_load((provisioned / "dashboards" / "daedalus.yaml").read_text())[
        "providers"
    ]
    folder = grafana[provider["options"]["path"]]
    home = compose()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(provider["options"]["path"])
    assert (folder / Path(home).name).exists()
    [source] = yaml.safe_load((provisioned / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    assert source["type"] == "prometheus"
    assert source["isDefault"]


def test_the_local_stack_has_the_same_rules_and_labels() -> None:
    found = config({"planner": "127.0.0.1:9103"})

    assert found["rule_files"] == [str(ROOT / "deploy" / "prometheus" / "rules" / "*.yml")]
    assert found["scrape_configs"] == [
        {
            "job_name": "daedalus",
            "static_configs": [{"targets": ["127.0.0.1:9103"], "labels": {"service": "planner"}}],
        }
    ]
