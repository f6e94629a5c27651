"""What is asked of Prometheus by the shipped dashboard and rules, and a client that asks it."""

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "daedalus.json"
RULES = ROOT / "deploy" / "prometheus" / "rules"


@dataclass(frozen=True, slots=True)
class Query:
    """One question, and who asks it."""

    where: str
    expression: str
    """With the dashboard's variables in it."""

    instant: bool = False
    """Asked of the present alone, as a table does."""


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def of_dashboard() -> Iterator[Query]:
    """Yield all that the dashboard asks: panels, annotations and variables."""
    found = dashboard()
    for panel in found["panels"]:
        for target in panel.get("targets", ()):
            where = f"panel {panel['title']} {target['refId']}"
            yield Query(where, target["expr"], instant=target.get("instant", False))
    for note in found["annotations"]["list"]:
        if "expr" in note:
            yield Query(f"annotation {note['name']}", note["expr"])
    for variable in found["templating"]["list"]:
        if variable["type"] == "query":
            named = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert named, variable["name"]
            yield Query(f"variable {variable['name']}", f"group by ({named[2]}) ({named[1]})")


def of_rules() -> Iterator[Query]:
    """Yield what the rules record. An alert's expression is to find nothing."""
    for rule in rules():
        if "record" in rule:
            yield Query(f"rule {rule['record']}", rule["record"])


def rules() -> Iterator[dict[str, Any]]:
    for file in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


class Prometheus:
    """A Prometheus server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def has(self, query: Query, variables: Mapping[str, str], seconds: int) -> bool:
        """Whether a query finds anything in the last `seconds`, asked as Grafana would."""
        known = {"__range": f"{seconds}s", "__rate_interval": "1m", "__interval": "5s", **variables}
        expression = re.sub(r"\$(\w+)", lambda found: known[found[1]], query.expression)
        now = time.time()
        start, step = now - seconds, max(1, seconds // 200)
        try:
            if query.instant:
                return bool(self._ask("query", query=expression, time=now))
            return bool(self._ask("query_range", query=expression, start=start, end=now, step=step))
        except OSError as error:  # it is busy, unless it refuses the query itself
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise
            return False

    def broken(self) -> dict[str, str]:
        """Return the rules, alerts too, that cannot be evaluated, and why."""
        found = self._get("rules")["groups"]
        listed = [rule for group in found for rule in group["rules"]]
        assert len(listed) == len([*rules()])
        return {
            rule["name"]: rule.get("lastError", rule["health"])
            for rule in listed
            if rule["health"] != "ok"
        }

    def _ask(self, what: str, **asked: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(f"{what}?{urllib.parse.urlencode(asked)}")["result"]
        return found

    def _get(self, path: str) -> dict[str, Any]:
        url = f"{self._url}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http
            found: dict[str, Any] = json.load(answer)["data"]
        return found
