"""What a job's page says needs a look, and what it says helps."""

from datetime import UTC, datetime, timedelta

import pytest

from daedalus_console.board import Health
from daedalus_console.live.views import DecisionLine, JobRow, RescaleLine, State
from daedalus_console.page.notices import SLOW, Notice, notices, waits
from daedalus_shared.events import Asked, Direction, Override, OverrideKind, Status

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

LINE = DecisionLine(
    id="d",
    tick=NOON,
    planner="horizon",
    scale_out=4,
    chosen=4,
    reason="cheapest",
    sentence="Stay.",
    marks=(),
    limits=(),
    command=None,
    shadow=False,
    dry_run=False,
)

BEHIND = {"load": 1.2, "lag": 68_000.0, "state": State.OVERLOADED}


def row(**known: object) -> JobRow:
    nothing = dict.fromkeys(JobRow.model_fields)
    usual: dict[str, object] = {
        "job": "ysb",
        "declared": True,
        "mode": "act",
        "state": State.STEADY,
        "health": Health.OK,
        "seen": NOON,
        "scale_out": 4,
        "scale_max": 18,
        "workload": 1_200.0,
        "capacity": 1_000.0,
        "lag": 0.0,
        "load": 0.5,
        "decision": LINE,
        "unknown": {},
        "overrides": (),
        "revision": 1,
    }
    return JobRow.model_validate({**nothing, **usual, **known})


def rescale(**known: object) -> RescaleLine:
    nothing: dict[str, object] = dict.fromkeys(RescaleLine.model_fields)
    usual = {"command": "c", "tick": NOON, "before": 4, "after": 6, "dry_run": False, "why": ""}
    return RescaleLine.model_validate({**nothing, **usual, **known})


def only(found: list[Notice]) -> Notice:
    [notice] = found
    return notice


def test_a_job_that_is_well_needs_no_look() -> None:
    assert notices(row(), [rescale(status=Status.APPLIED)]) == []


def test_a_silent_job_says_since_when_and_where_to_look() -> None:
    told = only(notices(row(state=State.SILENT, load=1.5)))

    assert (told.kind, told.what, told.at) == ("bad", "No report since ", NOON)
    assert "monitor" in told.do
    assert told.command == "daedalus tap metrics --job ysb"


def test_a_job_of_which_nothing_came_says_so() -> None:
    told = only(notices(row(state=State.SILENT, seen=None, load=None, decision=None)))

    assert told.what == "No report has come yet."


def asked(
    kind: OverrideKind, scale_out: int | None, direction: Direction = Direction.BOTH
) -> Override:
    return Override(
        job="ysb",
        at=NOON,
        source="console/ada",
        kind=kind,
        direction=direction,
        scale_out=scale_out,
        until=NOON + timedelta(hours=1),
        author="ada",
    )


@pytest.mark.parametrize(
    ("known", "helps"),
    [
        pytest.param({"state": State.RESCALING}, "under way", id="rescaling"),
        pytest.param({"scale_out": 18}, "raise scale.max (18)", id="at its most"),
        pytest.param({"mode": "advise", "wanted": 6}, "6 workers advised", id="advice only"),
        pytest.param({"mode": None}, "daedalus apply", id="not declared"),
        pytest.param(
            {"overrides": (asked(OverrideKind.PAUSE, None),)}, "pause of scaling", id="paused"
        ),
        pytest.param(
            {"overrides": (asked(OverrideKind.CEILING, 4),)}, "ceiling of 4 workers", id="ceiling"
        ),
        pytest.param(
            {
                "overrides": (
                    asked(OverrideKind.CEILING, 3, Direction.UP),
                    asked(OverrideKind.PIN, 4),
                )
            },
            "pinned to 4 workers",
            id="a pin, which beats a quota",
        ),
        pytest.param(
            {"overrides": (asked(OverrideKind.FLOOR, 4),)}, "newest decision", id="a floor is no"
        ),
        pytest.param(
            {"asked": Asked(decision="d" * 32, scale_out=6, until=NOON)},
            "6 workers waits for a word",
            id="approval",
        ),
    ],
)
def test_a_job_that_falls_behind_says_what_helps(known: dict[str, object], helps: str) -> None:
    told = only(notices(row(**{**BEHIND, **known})))

    assert told.kind == "bad"
    assert told.what.startswith("It falls behind: 1.2k/s arrive, ")
    assert told.what.endswith("; 68k records wait.")
    assert helps in told.do


def test_a_service_that_is_away_is_named() -> None:
    later = NOON + SLOW + timedelta(seconds=1)

    assert "planner" in only(notices(row(seen=later))).do
    marked = LINE.model_copy(update={"marks": ("analyzer_missing",)})
    assert "analyzer" in only(notices(row(decision=marked))).do
    open_ = rescale(status=None)
    assert notices(row(), [open_]) == []
    told = only(notices(row(), [open_], open_))
    assert "executor" in told.do
    assert told.what == "Nothing came of the command 4 → 6 of "


def test_the_gravest_comes_first_and_a_failed_rescale_says_why() -> None:
    found = notices(row(), [rescale(status=Status.DID_NOT_CONVERGE, why="2 pods are pending")])

    assert only(found).kind == "warn"
    assert only(found).what == "The rescale 4 → 6 did not converge, "
    assert only(found).do.startswith("2 pods are pending. See whether there is room")

    marked = LINE.model_copy(update={"marks": ("forecast_missing",)})
    kinds = [each.kind for each in notices(row(**{**BEHIND, "decision": marked}))]
    assert kinds == ["bad", "warn"]


def test_how_soon_it_has_caught_up() -> None:
    assert waits(row(lag=9_000.0, workload=700.0)) == "caught up in about 30 s"
    assert waits(row(lag=9_000.0, workload=1_700.0)) == "grows"
    assert waits(row(lag=0.0)) == ""
    assert waits(row(lag=9_000.0, capacity=None)) == ""
