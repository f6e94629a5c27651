"""Pools are looked at now and then, whatever one of them says."""

import pytest

from daedalus_executor.ports import TargetError
from daedalus_executor.upkeep import EVERY, look_after
from harness.rescaling import Clock


class Pool:
    """Counts the looks, and fails at some of them."""

    def __init__(self, name: str, *fails: str) -> None:
        self.name = name
        self.fails = list(fails)
        self.looks = 0

    async def workers(self) -> tuple[str, ...]:
        self.looks += 1
        if self.fails and (why := self.fails.pop(0)):
            raise TargetError(why)
        return ()


class EnoughError(Exception):
    """The test has seen what it wants to see."""


class ShortClock(Clock):
    """Lets five looks pass."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.passed >= 5 * EVERY:
            raise EnoughError


async def looked_after(*pools: Pool) -> None:
    with pytest.raises(EnoughError):
        await look_after(pools, ShortClock())


async def test_each_pool_is_looked_at_again_and_again() -> None:
    first, second = Pool("a"), Pool("b")

    await looked_after(first, second)

    assert (first.looks, second.looks) == (5, 5)


async def test_one_that_fails_is_told_once_and_keeps_no_other_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, sound = Pool("a", "gone", "gone", "", "gone"), Pool("b")

    await looked_after(broken, sound)

    assert (broken.looks, sound.looks) == (5, 5)
    assert [each.message for each in caplog.records] == ["cannot look after pool a: gone"] * 2
