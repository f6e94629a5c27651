"""What a stretch of looks says."""

import pytest

from daedalus_analyzer.domain.reading import Reading, Stretched
from daedalus_analyzer.domain.samples import Look


def look(
    at: float,
    cpu: float | None = 0.5,
    rate: float | None = 400.0,
    lag: float | None = 0.0,
    arrivals: float | None = None,
) -> Look:
    """Two workers, of which the second has 0.1 less CPU and a quarter less to do."""
    total = 1.75 * rate if rate is not None else 700.0
    cold = None if cpu is None else cpu - 0.1
    less = None if rate is None else 0.75 * rate
    workload = total if arrivals is None else arrivals
    return Look(at, 2, workload, lag, 1000.0 + at, (cpu, cold), (rate, less))


def read(looks: list[Look], committed: float = 0.0) -> Reading:
    stretch = Stretched(2, cold=False, committed=committed, start=0.0)
    for one in looks:
        stretch.add(("a", "b"), one)
    found = stretch.reading(None)
    assert found is not None
    return found


def test_means_over_the_looks() -> None:
    found = read([look(5), look(10, 0.6, 500), look(15, 0.7, 600)])

    assert found.throughput == pytest.approx(1.75 * 500)
    assert found.cpu == pytest.approx(0.55)
    assert (found.readings, found.span, found.at) == (6, 15.0, 15.0)
    assert found.processed == pytest.approx(1.75 * 500)
    assert found.saturated is None
    # all CPUs lie on lines of one slope but for b's being 0.75 times as steep
    assert found.scatter < 0.001
    assert found.freedom == 3


@pytest.mark.parametrize(
    ("lag", "cpu", "committed", "saturated"),
    [
        pytest.param(2000.0, 0.97, 0.0, True, id="a second waits and a worker is hot"),
        pytest.param(500.0, 0.97, 0.0, False, id="less than a second waits"),
        pytest.param(1000.0, 0.5, 0.0, False, id="a second waits, but nobody is hot"),
        pytest.param(33000.0, 0.5, 0.0, True, id="much waits, whatever the CPU says"),
        pytest.param(8000.0, 0.5, 0.0, False, id="commits that come late"),
        pytest.param(25000.0, 0.5, 10.0, False, id="offsets are committed at checkpoints only"),
        pytest.param(None, 0.97, 0.0, False, id="unknown lag"),
    ],
)
def test_saturated_is_what_waits_while_it_works(
    lag: float | None, cpu: float, committed: float, saturated: bool
) -> None:
    looks = [look(5.0 * i, cpu, 400.0, lag) for i in range(1, 7)]
    found = read(looks, committed)

    assert (found.saturated is not None) is saturated
    if saturated:
        assert found.saturated == pytest.approx(700.0)
        assert found.saturated_span == 25.0
        assert found.throughput is None, "a saturated look is no reading of the CPU"


def test_looks_at_the_ends_of_a_backlog_are_no_limit() -> None:
    lags = [0.0, 5000.0, 5000.0, 5000.0, 5000.0, 0.0]
    rates = [100.0, 300.0, 400.0, 400.0, 400.0, 200.0]
    looks = [look(5.0 * i, 0.95, rate, lag) for i, (lag, rate) in enumerate(zip(lags, rates, strict=True), 1)]  # fmt: skip # noqa: E501

    assert read(looks).saturated == pytest.approx(700.0)


def test_without_throughputs_it_is_arrivals_minus_the_growth_of_the_lag() -> None:
    looks = [look(5.0 * i, 1.0, None, 10_000.0 + 500.0 * i, arrivals=800.0) for i in range(1, 8)]
    found = read(looks)

    assert found.saturated == pytest.approx(700.0)
    assert found.throughput is None


def test_workers_whose_cpu_is_unknown_are_stood_for_by_the_others() -> None:
    blind = [look(5.0 * i)._replace(cpu=(0.5, None)) for i in range(1, 4)]
    found = read(blind)

    assert found.cpu == pytest.approx(0.5)
    assert found.throughput == pytest.approx(800.0)
    assert found.readings == 3


def test_too_few_looks_are_no_reading() -> None:
    stretch = Stretched(2, cold=False, committed=0.0, start=0.0)
    stretch.add(("a", "b"), look(5))
    stretch.add(("a", "b"), look(10))

    assert stretch.reading(None) is None
