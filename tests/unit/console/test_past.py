"""What is read of the past: the newest first, as far back as may be."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from daedalus_console.adapters.reading import Bounds, TooMuchError, Window
from daedalus_console.brokers import Address
from daedalus_console.errors import UnreachableError, UsageError
from daedalus_console.page.ports import Console
from daedalus_console.records import Record
from daedalus_console.web import past as reads
from daedalus_console.web.api import Ports
from daedalus_console.web.past import FAR, NEAR, Past, further, newest
from daedalus_console.web.readings import Readings
from daedalus_shared.events import Decision
from daedalus_shared.topics import topic_of


def at(past: Any, minute: int, **changes: Any) -> Decision:
    tick = past.decision.tick + timedelta(minutes=minute)
    found: Decision = past.decision.model_copy(update={"at": tick, "tick": tick, **changes})
    return found


def test_the_last_decisions_before_an_instant_come_newest_first(past: Any) -> None:
    shadow = at(past, 4, shadow=True, planner="mine")
    events = [at(past, 3), at(past, 1), past.metrics, at(past, 2), shadow, at(past, 5)]
    before = past.decision.tick + timedelta(minutes=5)

    assert newest(events, before, 2, None) == [events[0], events[3]]
    assert newest(events, before, 9, "mine") == [shadow]


def test_a_decision_that_lies_twice_counts_once(past: Any) -> None:
    """A service that is killed between sending and noting it sends again."""
    events = [at(past, 1), at(past, 2), at(past, 3)]
    before = past.decision.tick + timedelta(hours=1)

    found = newest([*events, events[2], events[0], events[1]], before, 2, None)

    assert found == [events[2], events[1]]


@pytest.mark.parametrize(
    ("lies", "readable", "expected"),
    [
        pytest.param(NEAR, FAR, (["a", "a"], True), id="a page is full at once"),
        pytest.param(FAR, FAR, (["a", "a"], True), id="far back"),
        pytest.param(2 * FAR, FAR, ([], False), id="nothing is there"),
    ],
)
def test_it_is_looked_further_back_until_a_page_is_full(
    lies: timedelta, readable: timedelta, expected: tuple[list[str], bool]
) -> None:
    assert further(looking({lies: 2}, readable), NEAR, 2) == expected


def test_what_was_found_is_told_where_more_must_not_be_read() -> None:
    assert further(looking({NEAR: 1, FAR: 5}, 4 * NEAR), NEAR, 3) == (["a"], True)
    with pytest.raises(TooMuchError):
        further(looking({FAR: 5}, 4 * NEAR), NEAR, 3)


def looking(lies: dict[timedelta, int], readable: timedelta) -> Any:
    """Return a look at a topic on which so many lie so far back."""

    def look(back: timedelta) -> list[str]:
        if back > readable:
            raise TooMuchError("too many")
        return ["a"] * sum(count for ago, count in lies.items() if ago <= back)

    return look


@dataclass(frozen=True)
class Topics:
    """What lies on the topics, read as a broker lets it be read."""

    lying: list[Record]

    def records(
        self, _kafka: Any, names: Sequence[str], window: Window, *, job: str, bounds: Bounds
    ) -> Iterator[Record]:
        assert window.since is not None
        assert window.until is not None
        found = [
            record
            for record in self.lying
            if record.name in names
            and record.job == job
            and window.since <= record.written_at < window.until
        ]
        if bounds.most is not None and len(found) > bounds.most:
            raise TooMuchError("too many")
        yield from found

    @contextmanager
    def lookups(self, _kafka: Any, name: str, job: str) -> Iterator[Any]:
        def look(
            since: datetime, until: datetime, wanted: Callable[[Record], bool]
        ) -> Record | None:
            return next(
                (
                    record
                    for record in self.lying
                    if record.name == name
                    and record.job == job
                    and since <= record.written_at <= until
                    and wanted(record)
                ),
                None,
            )

        yield look


def lying(event: Any, written_at: datetime) -> Record:
    return Record(topic_of(type(event)), 0, 0, written_at, event.key, None, event)


@pytest.fixture
def away(past: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> list[Decision]:
    """Decisions of four hours; the planner was away in the second, and took its ticks after it."""
    decisions = [at(past, minute) for minute in range(-60, 181)]
    back = noon + timedelta(hours=1)
    written = [
        lying(each, back if noon < each.tick < back else each.tick + timedelta(seconds=30))
        for each in decisions
    ]
    monkeypatch.setattr(reads, "records", Topics(written).records)
    return decisions


def reading(noon: datetime, most: int = 1_000) -> Past:
    return Past(Address("nowhere:1", "a test"), Readings(lambda: noon, 1, most))


@pytest.mark.parametrize("limit", [7, 50])
async def test_pages_miss_no_decision_that_was_written_late(
    away: list[Decision], noon: datetime, limit: int
) -> None:
    topics, found, more = reading(noon), list[Decision](), True
    before = noon + timedelta(minutes=41)
    while more:
        page, more = await topics.decisions("ysb", before, limit)
        found += page
        before = page[-1].tick if page else before

    assert found == list(reversed([each for each in away if each.tick <= found[0].tick]))
    assert found[0].tick == noon + timedelta(minutes=40)


async def test_looking_further_finds_what_was_written_later_still(
    past: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = lying(past.decision, noon + timedelta(hours=7))
    monkeypatch.setattr(reads, "records", Topics([late]).records)

    found = await reading(noon).decisions("ysb", noon + timedelta(minutes=1), 5)

    assert found == ([past.decision], False)


async def test_a_decision_that_was_written_late_is_found_by_its_tick(
    away: list[Decision], noon: datetime
) -> None:
    wanted = next(each for each in away if each.tick == noon + timedelta(minutes=10))

    assert await reading(noon).decision("ysb", wanted.id, wanted.tick) == wanted


async def test_a_rescale_has_its_decision_though_it_was_written_late(
    past: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = noon + timedelta(hours=1)
    topics = Topics([lying(past.decision, back), lying(past.command, back)])
    monkeypatch.setattr(reads, "records", topics.records)
    monkeypatch.setattr(reads, "lookups", topics.lookups)

    found, _ = await reading(noon).rescales("ysb", noon + timedelta(minutes=1), 5)

    assert [each.decision for each in found] == [past.decision]


@pytest.mark.usefixtures("away")
async def test_no_more_is_read_for_late_writers_than_may_be(noon: datetime) -> None:
    with pytest.raises(UsageError, match="too many"):
        await reading(noon, 100).decisions("ysb", noon + timedelta(hours=2), 5)


async def test_what_cannot_be_read_is_not_said_to_be_missing(noon: datetime) -> None:
    nothing = cast("Any", None)
    past = Past(Address("127.0.0.1:1", "a test"), Readings(lambda: noon, 1, 1_000))
    ports = Ports(
        live=nothing,
        steering=nothing,
        streams=nothing,
        accounts=nothing,
        past=past,
        access=nothing,
        clock=lambda: noon,
    )

    with pytest.raises(UnreachableError):
        await Console(ports, nothing).older("ysb", "0", noon)
