"""When ticks end: a loop apart, also where a loop is no whole number of milliseconds."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from daedalus_shared.ticks import next_end


@pytest.mark.parametrize("loop", [60.0, 6.0, 60 / 7, 20 / 3, 0.05], ids=lambda loop: f"{loop:.4g}s")
def test_each_tick_follows_the_one_before(loop: float) -> None:
    ends = [next_end("ysb", loop, datetime(2026, 1, 1, tzinfo=UTC))]
    for _ in range(200):
        ends.append(next_end("ysb", loop, ends[-1]))

    apart = [(b - a).total_seconds() for a, b in pairwise(ends)]

    assert apart == pytest.approx([loop] * 200, abs=0.0011)
