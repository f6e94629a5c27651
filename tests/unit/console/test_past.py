"""What is read of the past: the newest first, as far back as may be."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from daedalus_console.adapters.reading import TooMuchError
from daedalus_console.brokers import Address
from daedalus_console.errors import UnreachableError
from daedalus_console.page.ports import Console
from daedalus_console.web.api import Ports
from daedalus_console.web.past import FAR, NEAR, Past, further, newest
from daedalus_console.web.readings import Readings
from daedalus_shared.events import Decision


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
