"""The last question before a change."""

from datetime import timedelta

import pytest

from daedalus_executor.permits import CommandPermit
from daedalus_executor.ports import ExpiredError, NotOwnerError, TargetError
from daedalus_shared.events import Promise, ScaleCommand
from harness.rescaling import NOON, Clock

COMMAND = ScaleCommand(
    job="ysb",
    at=NOON,
    tick=NOON,
    source="planner/rules",
    from_scale_out=4,
    to_scale_out=6,
    expires_at=NOON + timedelta(minutes=2),
    decision="d",
    promise=Promise(),
)


class Broker:
    """Takes so many seconds for each answer."""

    def __init__(self, clock: Clock, *delays: float, owner: bool = True) -> None:
        self._clock = clock
        self._delays = list(delays)
        self._owner = owner

    async def confirm(self, job: str) -> bool:
        assert job == "ysb"
        self._clock.passed += self._delays.pop(0) if self._delays else 0.0
        return self._owner


async def test_permits_the_owner() -> None:
    clock = Clock()
    await CommandPermit(COMMAND, Broker(clock, 0.9), clock, fresh=1.0)()


async def test_permits_nobody_else() -> None:
    clock = Clock()
    with pytest.raises(NotOwnerError):
        await CommandPermit(COMMAND, Broker(clock, owner=False), clock, fresh=1.0)(finishing=True)


async def test_asks_again_when_the_answer_is_old() -> None:
    clock = Clock()
    await CommandPermit(COMMAND, Broker(clock, 30.0, 0.1), clock, fresh=1.0)()


async def test_gives_up_on_a_slow_broker() -> None:
    clock = Clock()
    permit = CommandPermit(COMMAND, Broker(clock, *[2.0] * 9), clock, fresh=1.0)
    with pytest.raises(TargetError, match="more than 1 s"):
        await permit()


async def test_a_command_that_became_void_while_asking_is_void() -> None:
    clock = Clock(passed=119.5)
    permit = CommandPermit(COMMAND, Broker(clock, 0.6), clock, fresh=1.0)
    with pytest.raises(ExpiredError):
        await permit()


async def test_what_was_begun_may_be_completed_after_the_expiry() -> None:
    clock = Clock(passed=500)
    await CommandPermit(COMMAND, Broker(clock), clock, fresh=1.0)(finishing=True)
