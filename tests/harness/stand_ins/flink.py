"""What a stand-in asks of a Flink JobManager, with the standard library alone."""

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen


def parallelism(rest: str, job: str) -> int | None:
    """Return the workers that run; None when that cannot be told now."""
    try:
        overview = _ask(f"{rest}/jobs/overview")["jobs"]
        found = next(each for each in overview if each["name"] == job)
        details = _ask(f"{rest}/jobs/{found['jid']}")
    except (URLError, OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    runs = found["state"] == "RUNNING"
    return int(details["vertices"][0]["parallelism"]) if runs else None


def require(rest: str, job: str, wanted: int) -> None:
    """Ask for so many workers."""
    bounds = {"parallelism": {"lowerBound": 1, "upperBound": wanted}}
    body = json.dumps({"v1": bounds}).encode()
    address = f"{rest}/jobs/{job}/resource-requirements"
    head = {"Content-Type": "application/json"}
    with urlopen(Request(address, body, head, method="PUT"), timeout=5):  # noqa: S310 -- http
        pass


def _ask(address: str) -> Any:
    with urlopen(address, timeout=2) as answer:  # noqa: S310 -- http, as the spec says
        return json.load(answer)
