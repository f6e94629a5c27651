"""Who is hottest, and by how much; and what that tells of scale-outs that were not seen."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_analyzer.domain.skew import HALF_LIFE, Skew, WorkerLoad, skew
from daedalus_analyzer.domain.unevenness import Unevenness, largest


def load(worker: str, part: float, cost: float = 1.0, looks: int = 12) -> WorkerLoad:
    """A worker with a part of 1000 records/s: CPU 0.1, and 0.6 more at 500 records/s."""
    cpu = 0.1 + 0.6 * cost * part / 500
    return WorkerLoad(
        worker, 0.0, 0.0, part * looks, 1000.0 * looks, looks, part * looks, cpu * looks
    )


def test_shares_tell_the_hottest_where_records_cost_the_same() -> None:
    found = skew([load("a", 300), load("b", 450), load("c", 250)], idle=0.1, noise=0.02)

    assert found is not None
    assert found.hottest == "b"
    assert found.factor == pytest.approx(1.35, abs=0.001)
    assert found.second == pytest.approx(0.9, abs=0.001)


def test_a_worker_whose_records_cost_more_is_hotter_than_its_share() -> None:
    loads = [load("a", 350), load("b", 350, cost=1.4), load("c", 300)]
    found = skew(loads, idle=0.1, noise=0.005)

    # 350, 490 and 300 of 1140
    assert found is not None
    assert found.hottest == "b"
    assert found.factor == pytest.approx(3 * 490 / 1140, rel=0.02)


def test_the_noisiest_cpu_is_not_taken_for_the_hottest() -> None:
    rng = random.Random(1)
    raw, shrunk = [], []
    for _ in range(50):
        loads = []
        for index in range(12):
            even = load(f"w{index:02d}", 1000 / 12)
            loads.append(even._replace(cpu=even.cpu + 12 * rng.gauss(0, 0.02 / math.sqrt(12))))
        found = skew(loads, idle=0.1, noise=0.02)
        assert found is not None
        shrunk.append(found.factor - 1)
        busy = [one.cpu / 12 - 0.1 for one in loads]
        raw.append(max(busy) / (sum(busy) / 12) - 1)

    assert sum(raw) / 50 > 0.08
    assert sum(shrunk) / 50 < 0.25 * sum(raw) / 50


@pytest.mark.parametrize(
    "loads",
    [
        pytest.param([], id="no worker"),
        pytest.param([WorkerLoad("a", 0.0)], id="not seen at work"),
        pytest.param([load("a", 0.0)._replace(part=0.0)], id="idle"),
    ],
)
def test_without_work_there_is_no_hottest(loads: list[WorkerLoad]) -> None:
    assert skew(loads, idle=0.1, noise=0.02) is None


def test_one_worker_alone_carries_its_share() -> None:
    assert skew([load("a", 1000)], 0.1, 0.02) == Skew("a", 1.0, 0.003, 1.0)


@pytest.mark.parametrize("next_to_nothing", [1e-300, 5e-324])
def test_a_worker_with_next_to_no_record_has_no_cost_of_one(next_to_nothing: float) -> None:
    busy = [load("a", 600), load("b", 400)]
    none = load("c", 0.0)._replace(throughput=next_to_nothing, part=next_to_nothing, cpu=12.0)

    found = skew([*busy, none], 0.1, 0.02)

    assert found is not None
    assert found.hottest == "a"
    assert found.factor == pytest.approx(1.8)
    assert math.isfinite(found.error)


def test_what_a_worker_did_counts_half_after_a_quarter_of_an_hour() -> None:
    later = load("a", 400)._replace(at=1.0).faded(1.0 + HALF_LIFE)

    assert later.part == pytest.approx(2400)
    assert later.readings == pytest.approx(6)


@settings(deadline=None)
@given(
    parts=st.lists(st.floats(0, 1e6), min_size=1, max_size=8),
    cpus=st.lists(st.floats(0, 1), min_size=8, max_size=8),
    idle=st.floats(0, 0.6),
)
def test_the_hottest_has_at_least_its_share(
    parts: list[float], cpus: list[float], idle: float
) -> None:
    loads = [
        WorkerLoad(str(i), 0.0, 0.0, part, sum(parts), 1.0, part, cpu)
        for i, (part, cpu) in enumerate(zip(parts, cpus, strict=False))
    ]
    found = skew(loads, idle, 0.02)

    if found is not None:
        assert 1 <= found.factor <= len(parts) + 1e-6
        assert math.isfinite(found.error)
        assert found.second <= found.factor


def test_the_largest_of_many_draws_is_further_out_and_surer() -> None:
    means, deviations = zip(*(largest(n) for n in range(2, 30)), strict=True)

    assert list(means) == sorted(means)
    assert list(deviations) == sorted(deviations, reverse=True)


def test_spread_shares_are_told_from_a_heavy_key() -> None:
    rng = random.Random(3)

    def seen(heavy: float) -> list[tuple[int, Skew]]:
        found = []
        for n in (4, 6, 8, 10, 12):
            draws = [rng.uniform(0.85, 1.15) for _ in range(n)]
            shares = [(1 - heavy) * draw / sum(draws) for draw in draws]
            shares[rng.randrange(n)] += heavy
            first, second = sorted((share * n for share in shares), reverse=True)[:2]
            found.append((n, Skew("w", first, 0.003, second)))
        return found

    spread, keyed = Unevenness.of(seen(0.0)), Unevenness.of(seen(0.1))

    assert spread.heavy == 0.0
    assert spread.at(18)[0] == pytest.approx(1.13, abs=0.04)
    assert keyed.heavy == pytest.approx(0.1, abs=0.02)
    assert keyed.at(18)[0] == pytest.approx(2.7, abs=0.25)
