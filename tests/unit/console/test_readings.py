"""Long readings: few at once, shared, kept for some seconds, and ended when nobody waits."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from daedalus_console.adapters.reading import Bounds, TooMuchError
from daedalus_console.errors import NotFoundError
from daedalus_console.web.readings import KEPT, LONGEST, BusyError, LeftError, Readings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Reading:
    """Reads until it is let go, or told that it must end; counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended: list[str] = []
        self.go = threading.Event()
        self.most: int | None = None

    def __call__(self, bounds: Bounds) -> str:
        self.begun += 1
        self.most = bounds.most
        while not self.go.wait(0.005):
            try:
                bounds.heed()
            except (LeftError, TooMuchError) as error:
                self.ended.append(type(error).__name__)
                raise
        return f"read {self.begun}"


async def until(what: Callable[[], object]) -> None:
    """Wait until what a thread does has been done."""
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 -- a thread sets it, not this loop
            await asyncio.sleep(0.005)


async def free(readings: Readings, read: Reading) -> str:
    """Read once the thread that was given up has left its place."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await readings.get("a", read)
            except BusyError:
                await asyncio.sleep(0.005)


async def test_two_who_ask_the_same_share_one_and_it_is_kept_for_a_while() -> None:
    clock, read = Clock(), Reading()
    readings = Readings(clock, at_once=1, records=7)

    both = [asyncio.ensure_future(readings.get("a", read)) for _ in range(2)]
    await until(lambda: read.begun)
    read.go.set()

    assert await asyncio.gather(*both) == ["read 1", "read 1"]
    assert read.most == 7
    clock.now += KEPT
    assert await readings.get("a", read) == "read 1"
    clock.now += timedelta(seconds=1)
    assert await readings.get("a", read) == "read 2"
    clock.now -= timedelta(hours=1)  # a clock that is set back
    assert await readings.get("a", read) == "read 3"


async def test_what_must_be_new_is_shared_and_not_kept() -> None:
    read = Reading()
    readings = Readings(Clock(), at_once=1, records=7, kept=False)

    both = [asyncio.ensure_future(readings.get("a", read)) for _ in range(2)]
    await until(lambda: read.begun)
    read.go.set()

    assert await asyncio.gather(*both) == ["read 1", "read 1"]
    assert await readings.get("a", read) == "read 2"


async def test_no_more_are_read_at_once_than_may() -> None:
    first, second = Reading(), Reading()
    readings = Readings(Clock(), at_once=1, records=7)
    under_way = asyncio.ensure_future(readings.get("a", first))
    await until(lambda: first.begun)

    with pytest.raises(BusyError, match="1 readings of the topics are under way"):
        await readings.get("b", second)

    first.go.set()
    second.go.set()
    await under_way
    assert await readings.get("b", second) == "read 1"


async def test_one_that_nobody_waits_for_any_more_ends_and_frees_its_place() -> None:
    left, other = Reading(), Reading()
    readings = Readings(Clock(), at_once=1, records=7)
    waiting = [asyncio.ensure_future(readings.get("a", left)) for _ in range(2)]
    await until(lambda: left.begun)

    waiting[0].cancel()
    await asyncio.sleep(0.02)
    assert left.ended == [], "somebody waits still"
    waiting[1].cancel()
    await until(lambda: left.ended)
    assert left.ended == ["LeftError"]

    other.go.set()
    assert await free(readings, other) == "read 1", "what was given up is not told to others"


async def test_one_that_takes_too_long_says_so() -> None:
    clock, read = Clock(), Reading()
    asked = asyncio.ensure_future(Readings(clock, at_once=1, records=7).get("a", read))
    await until(lambda: read.begun)

    clock.now += LONGEST + timedelta(seconds=1)

    with pytest.raises(TooMuchError, match="more than 60 s"):
        await asked


async def test_a_refusal_is_not_kept() -> None:
    readings = Readings(Clock(), at_once=1, records=7)

    def unknown(_: Bounds) -> str:
        raise NotFoundError("no job")

    with pytest.raises(NotFoundError):
        await readings.get("a", unknown)

    assert await readings.get("a", lambda _: "there") == "there"
