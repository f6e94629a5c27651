"""What several who look at the list share, and how soon they see what is new."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from daedalus_console.live.live import Live
from daedalus_console.page.ports import IDLE, SHARED, Console
from daedalus_console.records import Record
from daedalus_console.web.access import Access
from daedalus_console.web.api import Ports
from daedalus_shared.events import JobMetrics

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def console(live: Live, clock: Clock) -> Console:
    nothing = cast("Any", None)
    ports = Ports(
        live=live,
        steering=nothing,
        streams=nothing,
        accounts=nothing,
        past=nothing,
        access=nothing,
        clock=clock,
    )
    return Console(ports, cast("Access", None))


def heard(live: Live, job: str, at: datetime) -> None:
    event = JobMetrics(job=job, at=at, source="monitor/monitor", samples=())
    live.fold(Record("daedalus.metrics", 0, 0, at, job, b"", event))


def test_news_are_seen_though_the_list_was_made_just_before() -> None:
    live, clock = Live(), Clock()
    shared = console(live, clock)
    before = shared.rows()

    heard(live, "late", NOON)
    assert shared.rows() is before  # too soon: the next look finds it
    clock.now += SHARED
    assert [row.job for row in shared.rows()] == ["late"]


def test_without_news_the_list_is_the_same_until_time_itself_may_have_changed_it() -> None:
    live, clock = Live(), Clock()
    shared = console(live, clock)
    before = shared.rows()

    clock.now += IDLE - timedelta(seconds=0.1)
    assert shared.rows() is before
    clock.now += timedelta(seconds=0.1)
    assert shared.rows() is not before


def test_a_clock_that_is_set_back_does_not_keep_the_list() -> None:
    live, clock = Live(), Clock()
    shared = console(live, clock)
    clock.now += timedelta(hours=1)
    shared.rows()

    clock.now = NOON
    heard(live, "new", NOON)

    assert [row.job for row in shared.rows()] == ["new"]
