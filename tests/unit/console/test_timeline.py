"""The timeline of what changed a job."""

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from daedalus_console.timeline import Happening, Kind, Timeline
from daedalus_console.views.history import timeline
from daedalus_shared.events import (
    Declaration,
    Event,
    Forget,
    Override,
    OverrideKind,
    ScaleOutcome,
    Status,
)
from daedalus_shared.job_spec import JobSpec

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(events: Iterable[Event], until: datetime, most: int = 100) -> list[Happening]:
    found = Timeline(most, LONG_AGO, until)
    for event in events:
        found.take(event)
    return list(found.happenings())


def shown(happenings: list[Happening], now: datetime, width: int = 160) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(timeline(happenings, now, width))
    return out.getvalue()


def pause(at: datetime) -> Override:
    return Override(
        job="ysb",
        at=at,
        source="console/ada",
        kind=OverrideKind.PAUSE,
        until=at + HOUR,
        author="ada",
        why="release",
    )


def test_rescales_wishes_and_specs_stand_in_one_timeline(
    past: Any, noon: datetime, ysb: JobSpec
) -> None:
    steady = ysb.policy.model_copy(update={"recovery_target": 180.0})
    changed = Declaration(
        job="ysb",
        at=noon + 2 * HOUR,
        source="console/bob",
        spec=ysb.model_copy(update={"policy": steady}),
    )
    forget = Forget(job="ysb", at=noon + 3 * HOUR, source="console/ada", author="ada")

    found = told([*past.events, pause(noon + HOUR), changed, forget], noon + 4 * HOUR)

    kinds = [Kind.SPEC, Kind.RESCALE, Kind.OVERRIDE, Kind.SPEC, Kind.FORGET]
    assert [each.kind for each in found] == kinds
    assert [each.author for each in found] == ["ada", None, "ada", "bob", "ada"]
    text = shown(found, noon)
    for part in (
        "ada has it declared: act, planner horizon, 1 to 8 workers",
        "4 → 6",
        "9.5s / 30s",
        "1m35s / 1m20s",
        "ada asks for a pause until",
        "release",
        "bob changes policy.recovery_target 10m → 3m",
        "ada has it forgotten",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("status", "why", "part"),
    [
        pytest.param(Status.FAILED, "REST answered 500", "failed: REST answered 500", id="failed"),
        pytest.param(Status.DID_NOT_CONVERGE, "", "did not converge", id="did not converge"),
        pytest.param(Status.WOULD_APPLY, "dry", "would apply", id="dry run"),
    ],
)
def test_what_went_wrong_is_said(
    past: Any, noon: datetime, status: Status, why: str, part: str
) -> None:
    outcome: ScaleOutcome = past.outcome.model_copy(
        update={"status": status, "why": why, "downtime": None}
    )

    assert part in shown(told([past.command, outcome], noon), noon)


def test_the_order_in_which_topics_are_read_does_not_matter(past: Any, noon: datetime) -> None:
    forwards = told(past.events, noon + HOUR)

    assert told(reversed(past.events), noon + HOUR) == forwards
    assert told([*past.events, *past.events], noon + HOUR) == forwards


def test_advice_that_is_repeated_is_one_entry(past: Any, noon: datetime) -> None:
    repeated = [
        past.decision.model_copy(
            update={
                "tick": noon + step * timedelta(minutes=1),
                "dry_run": True,
                "command": str(step),
            }
        )
        for step in range(5)
    ]

    (entry,) = told([*repeated, *repeated], noon + HOUR)

    assert (entry.at, entry.times) == (noon, 5)
    assert "4 → 6, 5 times" in shown([entry], noon)


def test_a_decision_that_no_command_follows_is_held_back(past: Any, noon: datetime) -> None:
    held = [
        past.decision.model_copy(
            update={"tick": noon + step * timedelta(minutes=1), "command": None}
        )
        for step in range(3)
    ]
    (entry,) = told(held, noon + HOUR)

    assert (entry.kind, entry.times) == (Kind.HELD, 3)
    assert "held back 4 → 6, 3 times" in shown([entry], noon)
    assert told([held[0].model_copy(update={"shadow": True})], noon + HOUR) == []


def test_what_was_held_and_comes_twice_counts_once(past: Any, noon: datetime) -> None:
    """A planner that is killed between sending and noting it sends again."""
    first, second, third = [
        past.decision.model_copy(
            update={"tick": noon + step * timedelta(minutes=1), "command": None}
        )
        for step in range(3)
    ]
    asked = pause(noon + timedelta(seconds=90))

    (entry,) = told([first, second, second, first, third, second], noon + HOUR)
    assert entry.times == 3

    entries = told([first, second, asked, second, third, first], noon + HOUR)
    assert [(each.kind, each.times) for each in entries] == [
        (Kind.HELD, 2),
        (Kind.OVERRIDE, 1),
        (Kind.HELD, 1),
    ]


def test_the_reason_of_a_new_spec_is_told(past: Any, noon: datetime, ysb: JobSpec) -> None:
    promoted = Declaration(
        job="ysb",
        at=noon,
        source="console/ann",
        spec=ysb.model_copy(update={"policy": ysb.policy.model_copy(update={"planner": "mine"})}),
        author="ann",
        why="a tenth cheaper",
    )

    first, found = told([past.declaration, promoted], noon)

    assert found.text == "ann changes policy.planner horizon → mine: a tenth cheaper"
    assert found.text in shown([found], noon)
    assert [each.as_json()["why"] for each in (first, found)] == ["", "a tenth cheaper"]


def test_of_a_year_the_newest_entries_are_held_and_no_more(past: Any, noon: datetime) -> None:
    found = Timeline(10, LONG_AGO, noon + 400 * 24 * HOUR)
    for hour in range(24 * 365):
        tick = noon + hour * HOUR
        command = past.command.model_copy(update={"tick": tick, "at": tick})
        found.take(past.decision.model_copy(update={"tick": tick, "command": command.id}))
        found.take(command)
        found.take(past.outcome.model_copy(update={"tick": tick, "command": command.id}))
        assert len(found._open) <= 10
    found.take(past.recovery)  # of one that was left out long ago

    kept = list(found.happenings())
    assert (len(kept), found.left_out) == (10, 24 * 365 - 10)
    assert kept[-1].at == noon + (24 * 365 - 1) * HOUR


@pytest.mark.parametrize("width", [40, 60, 80, 109, 110, 200])
def test_it_fits_the_terminal(past: Any, noon: datetime, width: int) -> None:
    text = shown(told([*past.events, pause(noon)], noon + HOUR), noon, width)

    assert max(map(len, text.splitlines())) <= width
    assert "4 → 6" in text
