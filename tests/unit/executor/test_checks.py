"""What speaks against a command, on plain values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_executor.domain.checks import Found, Known, judge, refuse
from daedalus_shared.events import Promise, ScaleCommand, Status
from daedalus_shared.job_spec import JobSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def command(**changes: Any) -> ScaleCommand:
    """From 4 to 6 workers, void after two minutes."""
    fields: dict[str, Any] = {
        "job": "ysb",
        "at": NOON,
        "tick": NOON,
        "source": "planner/rules",
        "from_scale_out": 4,
        "to_scale_out": 6,
        "expected_generation": 3,
        "expires_at": NOON + timedelta(minutes=2),
        "decision": "d",
        "promise": Promise(),
    }
    return ScaleCommand(**fields | changes)


def spec(mode: str = "act") -> JobSpec:
    return JobSpec.model_validate(
        {
            "job": "ysb",
            "engine": {"kind": "flink", "rest": "http://flink:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
            "workers": {"kind": "processes", "pool": "ysb"},
            "scale": {"min": 2, "max": 8},
            "policy": {"mode": mode, "planner": "rules"},
        }
    )


@pytest.mark.parametrize(
    ("changes", "mode", "seconds", "status", "why"),
    [
        pytest.param({}, "act", 0, None, None, id="nothing"),
        pytest.param({}, "act", 119.9, None, None, id="just before it is void"),
        pytest.param({}, "act", 120, Status.EXPIRED, "void since", id="void"),
        pytest.param({}, "advise", 0, Status.REFUSED, "mode is advise", id="advise"),
        pytest.param({"dry_run": True}, "advise", 0, None, None, id="dry run in advise"),
        pytest.param({"to_scale_out": 8}, "act", 0, None, None, id="at the maximum"),
        pytest.param({"to_scale_out": 9}, "act", 0, Status.REFUSED, "2 to 8", id="above max"),
        pytest.param({"to_scale_out": 1}, "act", 0, Status.REFUSED, "2 to 8", id="below min"),
        pytest.param(
            {"source": "planner/other"}, "act", 0, Status.REFUSED, "planner/rules", id="a shadow"
        ),
        pytest.param(
            {"dry_run": True}, "act", 120, Status.EXPIRED, "void since", id="a void dry run"
        ),
    ],
)
def test_refuses_what_the_spec_does_not_allow(
    changes: dict[str, Any], mode: str, seconds: float, status: Status | None, why: str | None
) -> None:
    result = refuse(command(**changes), spec(mode), NOON + timedelta(seconds=seconds))

    assert (result.status if result else None) == status
    assert why is None or (result is not None and why in result.why)


@pytest.mark.parametrize(
    ("changes", "known", "found", "status", "why"),
    [
        pytest.param({}, {}, {}, None, None, id="carry out"),
        pytest.param({"expected_generation": None}, {}, {}, None, None, id="any generation"),
        pytest.param(
            {}, {}, {"running": False, "status": "RESTARTING"}, "refused", "RESTARTING", id="down"
        ),
        pytest.param({}, {}, {"scale_out": 6}, "already_there", "6 workers run", id="there"),
        pytest.param({}, {"begun": True}, {"scale_out": 6}, None, None, id="landed in a crash"),
        pytest.param(
            {}, {"generation": 4}, {}, "refused", "at generation 3, the job is at 4", id="outdated"
        ),
        pytest.param(
            {}, {"generation": 2}, {}, "refused", "at generation 3, the job is at 2", id="unknown"
        ),
        pytest.param(
            {},
            {"scale_out": 4, "generation": 4},
            {"scale_out": 5},
            "refused",
            "somebody else changed the job from 4 to 5 workers",
            id="changed by somebody else",
        ),
        pytest.param(
            {"expected_generation": None},
            {"generation": 4},
            {"scale_out": 5},
            "refused",
            "assumes 4 workers, 5 run",
            id="other start, any generation",
        ),
        pytest.param(
            {},
            {"begun": True, "generation": 4},
            {"scale_out": 5},
            "refused",
            "assumes 4 workers, 5 run",
            id="changed by somebody else in a crash",
        ),
        pytest.param(
            {},
            {"begun": True, "generation": 4},
            {"scale_out": 5, "stepwise": True},
            None,
            None,
            id="half done in a crash",
        ),
        pytest.param(
            {},
            {"begun": True, "generation": 4},
            {"scale_out": 3, "stepwise": True},
            "refused",
            "assumes 4 workers, 3 run",
            id="fewer than half done",
        ),
        pytest.param(
            {},
            {},
            {"scale_out": 5, "stepwise": True},
            "refused",
            "assumes 4 workers, 5 run",
            id="on the way, but not begun",
        ),
        pytest.param(
            {},
            {},
            {"most": 5, "limit": "pool ysb holds 5 workers"},
            "refused",
            "6 workers are too many: pool ysb holds 5 workers",
            id="no room",
        ),
        pytest.param(
            {"dry_run": True}, {}, {}, "would_apply", "4 workers would become 6", id="dry run"
        ),
        pytest.param(
            {"dry_run": True}, {"generation": 9}, {}, "refused", "at 9", id="outdated dry run"
        ),
    ],
)
def test_judges_by_what_it_finds(
    changes: dict[str, Any],
    known: dict[str, Any],
    found: dict[str, Any],
    status: str | None,
    why: str | None,
) -> None:
    result = judge(
        command(**changes),
        Known(**{"scale_out": None, "generation": 3, "begun": False} | known),
        Found(**{"scale_out": 4, "most": 12} | found),
    )

    assert (result.status if result else None) == status
    assert why is None or (result is not None and why in result.why)


def test_a_number_in_transit_is_no_scale_out() -> None:
    result = judge(
        command(),
        Known(scale_out=4, generation=3, begun=False),
        Found(scale_out=1, running=False, status="RESTARTING", most=12),
    )

    assert result is not None
    assert (result.before, result.after) == (None, None)
