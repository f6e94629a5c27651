"""Conditions on the fields of records."""

from datetime import datetime
from typing import Any

import pytest

from daedalus_console.conditions import condition
from daedalus_console.errors import UsageError
from daedalus_console.records import Record
from daedalus_shared.events import Event


def record(event: Event | None, at: datetime) -> Record:
    return Record("daedalus.t", 0, 7, at, "ysb", b"", event)


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        pytest.param("outcome", "status=applied", True, id="a word"),
        pytest.param("outcome", "status!=applied", False, id="another word"),
        pytest.param("outcome", "status ~ APPL", True, id="contains"),
        pytest.param("outcome", "downtime=9.5", True, id="a number"),
        pytest.param("outcome", "downtime=9500ms", True, id="a duration"),
        pytest.param("outcome", "downtime>10s", False, id="a longer duration"),
        pytest.param("outcome", "promise.downtime>=30", True, id="a part"),
        pytest.param("outcome", "dry_run=false", True, id="a truth value"),
        pytest.param("outcome", "at>0001-01-01T00:00+10:00", False, id="no instant"),
        pytest.param("decision", "late=null", True, id="nothing"),
        pytest.param("decision", "chosen>4", True, id="greater"),
        pytest.param("decision", "chosen<6", False, id="not less"),
        pytest.param("decision", "candidates.0.verdict=below_forecast", True, id="of a list"),
        pytest.param("decision", "candidates.9.verdict=slow", False, id="beyond a list"),
        pytest.param("decision", "candidates.*.verdict=slow", True, id="any of a list"),
        pytest.param("decision", "candidates.*.verdict!=slow", False, id="none of a list"),
        pytest.param("decision", "late.price=1", False, id="a part of nothing"),
        pytest.param("decision", "tick=2026-01-01T13:00:00+01:00", True, id="an instant"),
        pytest.param("decision", "tick<2026-01-01T12:00:00Z", False, id="not earlier"),
        pytest.param("decision", "sentence>4", False, id="a text has no order"),
        pytest.param("metrics", "samples.*.unknown.latency~metric", True, id="deep"),
        pytest.param("decision", "type=Decision", True, id="of the record"),
        pytest.param("decision", "offset>=7", True, id="a number of the record"),
    ],
)
def test_a_condition_holds_or_not(
    past: Any, noon: datetime, name: str, text: str, holds: bool
) -> None:
    topics = ["scale-outcomes", "decisions", "metrics"]

    assert condition(text, topics).holds(record(getattr(past, name), noon)) is holds


def test_what_is_no_event_meets_no_condition(noon: datetime) -> None:
    assert not condition("status!=applied", ["scale-outcomes"]).holds(record(None, noon))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("status", "write it like status=refused", id="no operator"),
        pytest.param("=refused", "write it like", id="no field"),
        pytest.param("statsu=refused", "did you mean 'status'", id="a slip"),
        pytest.param("zzz=1", "there are at, command", id="no such field"),
    ],
)
def test_a_wrong_condition_names_the_fix(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        condition(text, ["scale-outcomes"])
