"""What people see, as plain text."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from daedalus_console.board import Board, Entry, JobState, Kind, Point
from daedalus_console.records import Record
from daedalus_console.rescales import Story, story
from daedalus_console.times import clock
from daedalus_console.views import lines, tables
from daedalus_console.views.explain import resampled, told
from daedalus_console.views.fitting import Fitting
from daedalus_console.views.tables import cell, grid
from daedalus_console.views.watch import Size, bucketed, entry_line, screen, status_line
from daedalus_shared.events import Direction, Override, OverrideKind


def shown(what: RenderableType, width: int = 160, height: int | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=width, height=height, markup=False, highlight=False).print(what)
    return out.getvalue()


def state_of(past: Any) -> JobState:
    board = Board()
    for event in past.events:
        board.take(event)
    return board.jobs["ysb"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param(
            "metrics",
            "4 workers, 43k/s in, lag 105k, unknown: latency (no such metric), tick",
            id="metrics",
        ),
        pytest.param("update", "4 workers can do 52.3k/s ± 900/s, hottest tm-3", id="capacity"),
        pytest.param(
            "forecast",
            "up to 55.1k/s within 15m by daedalus/arima(2,1,1), off by 4 % last",
            id="forecast",
        ),
        pytest.param(
            "decision",
            "Scale from 4 to 6 workers: 55.1k/s are expected, 4 process 52.3k/s.",
            id="decision",
        ),
        pytest.param("command", "4 → 6, void after 2m", id="command"),
        pytest.param(
            "outcome", "4 → 6 applied within 13s, downtime 9.5s (promised 30s)", id="outcome"
        ),
        pytest.param(
            "recovery",
            "4 → 6 caught up in 1m35s (promised 1m20s), at worst 400k waited",
            id="recovery",
        ),
        pytest.param(
            "declaration", "declared: act, planner horizon, 1 to 8 workers", id="declaration"
        ),
    ],
)
def test_each_event_has_a_line(past: Any, name: str, line: str) -> None:
    assert lines.of(getattr(past, name)) == line


def test_a_line_cannot_steer_the_terminal(past: Any) -> None:
    evil = past.decision.model_copy(update={"sentence": "\x1b[2J[bold]gone[/bold]\r\n"})

    assert lines.of(evil) == "\\x1b[2J[bold]gone[/bold]\\r\\n"
    assert "[bold]gone" in shown(told(Story(evil), past.decision.at))


def test_a_decision_is_told_from_what_was_seen_to_what_came_of_it(
    past: Any, noon: datetime
) -> None:
    text = shown(told(story(past.decision, past.events), noon))

    for part in (
        "scale 4 → 6",
        "4 workers can process 52.3k/s (± 900/s); 79 % of it was used.",
        "41.2k/s on average, 38k/s to 44k/s, rising by 1.8k/s a minute.",
        "105k records were waiting, 2s of work.",
        "Hottest worker tm-3, 12 % of CPU above the mean",
        "A rescale up costs 30s ± 3s (seen 4 times), down 15s (assumed)",
        "Up to 55.1k/s within 15m, says daedalus (arima(2,1,1)); its last one was off by 4 %.",
        "4 (now) not taken: below forecast.",
        "Planner rules, in a word: scale_up.",
        "6 was taken: 78k/s last for the whole horizon.",
        "6 workers process 78k/s; 30s without processing, caught up within 1m20s.",
        "4 → 6 applied within 13s, downtime 9.5s (promised 30s)",
        "4 → 6 caught up in 1m35s (promised 1m20s), at worst 400k waited",
    ):
        assert part in text, part
    (row,) = [
        line for line in text.splitlines() if line.strip().startswith("▶ ") and "chosen" not in line
    ]
    assert "~78k/s" in row
    assert "never" in text


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        pytest.param(
            {"marks": ("forecast_missing",)}, "Done without: forecast_missing.", id="mark"
        ),
        pytest.param({"limits": ("max",)}, "Bounded by max.", id="limit"),
        pytest.param({"shadow": True}, "A shadow:", id="shadow"),
        pytest.param({"dry_run": True}, "mode advise", id="advice"),
        pytest.param({"candidates": ()}, "Nothing had to be weighed.", id="no candidates"),
        pytest.param({"command": None}, "Nothing had to be done.", id="no command"),
        pytest.param({"forecast_max": None}, "There was no forecast to plan with.", id="blind"),
    ],
)
def test_what_is_special_is_said(
    past: Any, noon: datetime, changes: dict[str, object], part: str
) -> None:
    assert part in shown(told(Story(past.decision.model_copy(update=changes)), noon))


def test_no_worker_is_named_where_all_are_loaded_alike(past: Any, noon: datetime) -> None:
    even = past.update.model_copy(
        update={"skew": past.update.skew.model_copy(update={"gap": 0.004})}
    )

    text = shown(told(story(past.decision, [even]), noon))

    assert "The workers are evenly loaded; one more worker would add" in text
    assert "Hottest" not in text


@pytest.mark.parametrize(
    ("events", "later", "part"),
    [
        pytest.param(["command"], 60, "No outcome yet.", id="under way"),
        pytest.param(["command"], 300, "the command has expired", id="expired"),
        pytest.param(["command", "outcome"], 60, "Not caught up yet", id="watched"),
        pytest.param([], 60, "is not on its topic", id="lost"),
    ],
)
def test_what_came_of_it_says_how_far_it_came(
    past: Any, noon: datetime, events: list[str], later: float, part: str
) -> None:
    found = story(past.decision, [getattr(past, name) for name in events])

    assert part in shown(told(found, noon + timedelta(seconds=later)))


def test_a_narrow_table_of_jobs_holds_the_reasons_word(past: Any, noon: datetime) -> None:
    listed = shown(tables.jobs([state_of(past)], noon, 100), 100)

    assert sum("ysb" in line and "scale_up" in line for line in listed.splitlines()) == 1


def test_jobs_are_listed_with_what_people_asked_for(past: Any, noon: datetime) -> None:
    state = state_of(past)
    text = shown(tables.jobs([state], noon, 160))
    assert "4 of 1..8" in text
    assert "asked for" not in text

    pin = Override(
        job="ysb",
        at=noon,
        source="console/ada",
        kind=OverrideKind.PIN,
        scale_out=5,
        until=noon + timedelta(hours=1),
        author="ada",
    )
    board = Board()
    for event in [*past.events, pin]:
        board.take(event)
    assert "pin 5 until" in shown(tables.jobs([board.jobs["ysb"]], noon, 160))


@pytest.mark.parametrize(
    ("changes", "lasts", "expected"),
    [
        pytest.param({}, timedelta(hours=1), "pin 4 until {time}", id="within a day"),
        pytest.param({}, timedelta(days=7), "pin 4 until {day} {time}", id="a week"),
        pytest.param(
            {"kind": OverrideKind.PAUSE, "scale_out": None},
            timedelta(days=7),
            "paused until {day} {time}",
            id="a pause of a week",
        ),
        pytest.param(
            {"kind": OverrideKind.CEILING, "direction": Direction.UP},
            timedelta(hours=1),
            "quota 4 until {time}",
            id="a group's quota",
        ),
        pytest.param(
            {"kind": OverrideKind.CEILING},
            timedelta(hours=1),
            "ceiling 4 until {time}",
            id="a person's ceiling",
        ),
    ],
)
def test_a_wish_tells_what_it_is_and_the_day_on_which_it_ends(
    noon: datetime, changes: dict[str, object], lasts: timedelta, expected: str
) -> None:
    asked: dict[str, Any] = {
        "job": "ysb",
        "at": noon,
        "source": "console/ada",
        "kind": OverrideKind.PIN,
        "scale_out": 4,
        "until": noon + lasts,
        "author": "ada",
    }
    day, time = f"{noon + lasts:%m-%d}", clock(noon + lasts)

    wish = tables.wishes([Override(**asked | changes)])

    assert wish == expected.format(day=day, time=time)


def test_records_that_are_no_events_are_listed_as_such(noon: datetime) -> None:
    record = Record("daedalus.metrics", 0, 7, noon, "ysb", b"\x1b[2J", None, "no ce_type header")

    text = shown(tables.records([record], noon, several=True))

    assert "no event: no ce_type header (4 bytes: \\x1b[2J)" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("jobs", [0, 1, 2, 5, 200])
@pytest.mark.parametrize(
    "size",
    [
        pytest.param(Size(80, 24), id="80x24"),
        pytest.param(Size(200, 60), id="200x60"),
        pytest.param(Size(40, 12), id="tiny"),
    ],
)
def test_the_live_view_fits_the_terminal(past: Any, noon: datetime, jobs: int, size: Size) -> None:
    state = state_of(past)
    log = [Entry(noon, "ysb", Kind.DECISION, "words " * 50)] * 100

    text = shown(screen([state] * jobs, log, noon, size), size.width, size.height)

    assert text.count("\n") <= size.height
    assert all(len(line) <= size.width for line in text.splitlines())
    if jobs:
        assert "ysb" in text


def test_a_panel_shows_load_capacity_and_the_last_sentence(past: Any, noon: datetime) -> None:
    text = shown(screen([state_of(past)], [], noon, Size(120, 30)), 120, 30)

    for part in ("43k/s", "52.3k/s", "82 %", "lag 105k", "up to 55.1k/s expected", "Scale from 4"):
        assert part in text, part


def test_a_silent_job_says_so(past: Any, noon: datetime) -> None:
    later = noon + timedelta(minutes=10)

    assert "silent for 10m" in shown(screen([state_of(past)], [], later, Size(120, 30)), 120, 30)


def test_without_a_terminal_a_decision_is_a_line(past: Any) -> None:
    line = status_line(state_of(past)).plain

    assert "ysb  4 workers, 43k/s of 52.3k/s, lag 105k: Scale from 4" in line


def test_an_entry_that_went_wrong_is_marked(noon: datetime) -> None:
    assert "✘" in entry_line(Entry(noon, "ysb", Kind.OUTCOME, "failed", good=False)).plain


def test_stretches_without_reports_are_blank(noon: datetime) -> None:
    points = [
        Point(noon, 1.0, 1),
        Point(noon + timedelta(seconds=1), 3.0, 1),
        Point(noon + timedelta(seconds=9), 5.0, 1),
    ]

    found = bucketed(points, noon, noon + timedelta(seconds=10), 10)

    assert found[:2] == [1.0, 3.0]
    assert found[9] == 5.0
    assert found[4:8] == [None] * 4
    assert bucketed([], noon, noon, 3) == [None] * 3


def test_resampling_keeps_the_peaks() -> None:
    assert resampled((1.0, 9.0, 2.0, 3.0), 2) == [9.0, 3.0]
    assert resampled((1.0, 2.0), 5) == [1.0, 2.0]


FIGURES = ("downtime", "kept", "late")


def figures(job: str) -> Fitting:
    table = grid("job", *FIGURES, right=FIGURES)
    table.add_row(cell(job), cell("1.06 x"), cell("31 %"), cell("-"))
    return Fitting(table)


@pytest.mark.parametrize("job", ["ysb", "売り出し", "a-long-name.of-a-job.in.production"])
@pytest.mark.parametrize("width", [30, 40, 60, 120])
def test_a_table_without_room_is_told_as_entries_and_cuts_no_word(job: str, width: int) -> None:
    text = shown(figures(job), width)

    assert max(map(cell_len, text.splitlines())) <= width
    # Names, heads and figures with three columns between; the hyphen is of no use in an entry.
    fits = cell_len(job) + len("downtime") + len("1.06") + len("late") + 4 * 3 <= width
    assert ("downtime 1.06 x · kept 31 %\n" in text) == (not fits)
    assert ("─" in text) == fits
