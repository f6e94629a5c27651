"""Which jobs the page lists, and what it says of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from daedalus_console.board import Health
from daedalus_console.live.views import DecisionLine, JobRow, Move, RescaleLine, Savings, State
from daedalus_console.page.choose import SIZE, Choice, Order, shown
from daedalus_console.page.decision import near
from daedalus_console.page.folding import folded
from daedalus_console.page.words import ahead, kept, moving, outcome, saved, wish
from daedalus_shared.events import (
    Candidate,
    Decision,
    Direction,
    Override,
    OverrideKind,
    Promise,
    Status,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(job: str, **known: object) -> JobRow:
    nothing = dict.fromkeys(JobRow.model_fields)
    return JobRow.model_validate(
        {
            **nothing,
            "job": job,
            "declared": True,
            "state": State.STEADY,
            "health": Health.OK,
            "unknown": {},
            "overrides": (),
            "revision": 1,
            **known,
        }
    )


def names(found: Sequence[JobRow], choice: Choice) -> list[str]:
    return [each.job for each in shown(found, choice).rows]


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize(
    ("order", "low", "high"),
    [
        (Order.WORKERS, {"scale_out": 2}, {"scale_out": 9}),
        (Order.LOAD, {"load": 0.2}, {"load": 1.4}),
        (Order.LAG, {"lag": 0.0}, {"lag": 5.0}),
        (
            Order.MOVE,
            {"move": Move(at=NOON, to=2, kind="expected", why="")},
            {"move": Move(at=NOON + timedelta(hours=1), to=2, kind="expected", why="")},
        ),
        (
            Order.SAVED,
            {"today": Savings(since=NOON, hours=5, static=6)},
            {"today": Savings(since=NOON, hours=1, static=6)},
        ),
    ],
)
def test_sorts_either_way_and_the_unknown_last(
    order: Order, low: dict[str, object], high: dict[str, object], falling: bool
) -> None:
    jobs = [row("unknown"), row("high", **high), row("low", **low)]

    expected = ["high", "low", "unknown"] if falling else ["low", "high", "unknown"]
    assert names(jobs, Choice(order=order, falling=falling)) == expected


def test_sorts_by_state_the_gravest_first() -> None:
    jobs = [row("fine"), row("gone", state=State.SILENT), row("held", state=State.PAUSED)]

    assert names(jobs, Choice(order=Order.STATE)) == ["gone", "held", "fine"]


def test_a_search_finds_parts_of_names_and_whole_states() -> None:
    jobs = [row("orders-eu"), row("orders-us"), row("clicks", state=State.PAUSED)]

    assert names(jobs, Choice(search=" ORDERS ")) == ["orders-eu", "orders-us"]
    assert names(jobs, Choice(search="paused")) == ["clicks"]
    assert shown(jobs, Choice(search="nothing")).of == 3


def test_a_thousand_jobs_are_paged_and_a_page_too_high_is_the_last() -> None:
    jobs = [row(f"job-{each:04}") for each in range(1000)]

    found = shown(jobs, Choice(page=9999))

    assert found.pages == 1000 // SIZE
    assert found.page == found.pages
    assert found.rows[-1].job == "job-0999"


@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice("<b>", Order.LAG, falling=True, page=3),
    ],
)
def test_a_choice_comes_back_from_its_address(choice: Choice) -> None:
    said = choice.query()

    again = Choice.of(
        said.get("q", ""), said.get("sort", ""), said.get("down", ""), said.get("page", "1")
    )
    assert again == choice


def test_a_nonsensical_address_is_the_list_as_it_is_at_first() -> None:
    assert Choice.of("", "nonsense", "?", "-7") == Choice()


def asked(kind: OverrideKind, workers: int | None, way: Direction = Direction.BOTH) -> Override:
    return Override(
        job="j",
        at=NOON,
        source="console/ada",
        kind=kind,
        direction=way,
        scale_out=workers,
        until=NOON,
        author="ada",
    )


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (asked(OverrideKind.PAUSE, None), "pause of scaling"),
        (asked(OverrideKind.PAUSE, None, Direction.DOWN), "pause of scaling down"),
        (asked(OverrideKind.PIN, 1), "pinned to 1 worker"),
        (asked(OverrideKind.CEILING, 4, Direction.UP), "ceiling of 4 workers (quota)"),
    ],
)
def test_wishes_in_words(override: Override, text: str) -> None:
    assert wish(override) == text


def test_what_is_unknown_is_said_and_never_zero() -> None:
    assert saved(None) == "?"
    assert saved(Savings(since=NOON, hours=0, static=0)) == "?"
    assert moving(Move(at=NOON, to=None, kind="expected", why=""), None) == (
        "? → more than allowed, expected"
    )


def test_a_move_that_has_arrived_is_none_any_more() -> None:
    move = Move(at=NOON, to=4, kind="commanded", why="")

    assert ahead(row("moving", scale_out=6, move=move)) == move
    assert ahead(row("there", scale_out=4, move=move)) is None


def rescale(**known: object) -> RescaleLine:
    nothing: dict[str, object] = dict.fromkeys(RescaleLine.model_fields)
    return RescaleLine.model_validate(
        {**nothing, "command": "c", "tick": NOON, "dry_run": False, "why": "", **known}
    )


@pytest.mark.parametrize(
    ("status", "look"),
    [
        (None, ("awaited", "unknown")),
        (Status.APPLIED, ("applied", "good")),
        (Status.DID_NOT_CONVERGE, ("did not converge", "bad")),
    ],
)
def test_outcomes_in_words(status: Status | None, look: tuple[str, str]) -> None:
    assert outcome(rescale(status=status)) == look


def decision(at: int, now: int, chosen: int, reason: str = "cheapest") -> DecisionLine:
    return DecisionLine(
        id=f"d{at}",
        tick=NOON + timedelta(minutes=at),
        planner="horizon",
        scale_out=now,
        chosen=chosen,
        reason=reason,
        sentence="",
        marks=(),
        limits=(),
        command=None,
        shadow=False,
        dry_run=False,
    )


DECISIONS = (
    decision(6, 4, 4),
    decision(5, 4, 4),
    decision(4, 4, 4, "command_pending"),
    decision(3, 2, 4, "scale_up"),
    decision(2, 2, 4, "scale_up"),
    decision(1, 2, 2),
)


def test_decisions_that_say_the_same_are_one_row_and_each_change_has_its_own() -> None:
    rows = folded(DECISIONS)

    assert [(row.newest.id, len(row.all)) for row in rows] == [
        ("d6", 2),
        ("d4", 1),
        ("d3", 1),
        ("d2", 1),
        ("d1", 1),
    ]
    assert rows[0].holds("d5")


def test_a_row_that_is_unfolded_stays_so_when_another_decision_says_the_same() -> None:
    rows = folded((decision(7, 4, 4), *DECISIONS), unfolded={"d6", "d5"})

    assert [row.newest.id for row in rows[:4]] == ["d7", "d6", "d5", "d4"]
    assert [row.heads for row in rows[:3]] == [True, False, False]
    assert not rows[0].holds("d5")


def weighed(count: int, now: int | None, chosen: int | None) -> Decision:
    return Decision(
        job="j",
        at=NOON,
        tick=NOON,
        source="planner/horizon",
        planner="horizon",
        scale_out=now,
        chosen=chosen,
        reason="cheapest",
        sentence="",
        candidates=tuple(Candidate(scale_out=each, verdict="slow") for each in range(1, count + 1)),
    )


@pytest.mark.parametrize(
    ("count", "now", "chosen", "shown_first"),
    [
        pytest.param(8, 1, 1, [1, 2, 3, 4, 5, 6, 7, 8], id="few are all shown"),
        pytest.param(30, 4, 20, [2, 3, 4, 5, 6, 18, 19, 20, 21, 22], id="around both"),
        pytest.param(30, 1, 1, [1, 2, 3], id="at the edge"),
        pytest.param(9, None, None, list(range(1, 10)), id="nothing to be close to"),
    ],
)
def test_of_many_candidates_those_near_the_choice_come_first(
    count: int, now: int | None, chosen: int | None, shown_first: list[int]
) -> None:
    assert [each.scale_out for each in near(weighed(count, now, chosen))] == shown_first


def test_promises_stand_beside_what_came() -> None:
    promise = Promise(downtime=9, recovery=80)

    assert kept(promise, rescale(downtime=11.0, recovery=95.0)) == ("9 s / 11 s", "80 s / 95 s")
    assert kept(None, rescale(recovered=False)) == ("? / ?", "? / not while it was watched")
