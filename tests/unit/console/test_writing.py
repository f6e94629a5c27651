"""What is written at once, or not at all."""

from datetime import datetime

import pytest

from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.writing import LARGEST, publish
from daedalus_console.brokers import Address
from daedalus_console.errors import ConsoleError
from daedalus_shared.events import Knowledge


def snapshot(at: datetime, letters: int) -> Knowledge:
    return Knowledge(
        job="ysb", at=at, source="a", kind="PlannerState", instance="rules", version=1, epoch=1,
        revision=1, state="x" * letters,
    )  # fmt: skip


def test_an_event_that_is_too_large_is_told_before_any_is_written(noon: datetime) -> None:
    nobody = Kafka(Address("127.0.0.1:1", "a test"))  # is not asked: nothing listens there

    with pytest.raises(ConsoleError, match=r"ysb/PlannerState/rules takes 4000\d+ bytes.*nothing"):
        publish(nobody, [snapshot(noon, 10), snapshot(noon, LARGEST)])
