"""When a job has caught up, on hand-made points."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_analyzer.domain.balance import Balance, Point
from daedalus_analyzer.domain.recovery import Following, Watch, follow
from daedalus_shared.events import ScaleOutcome, Status
from daedalus_shared.job_spec import Policy

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ZERO = START.timestamp()
POLICY = Policy()


def outcome(started: float = 0.0, converged: float | None = 20.0, **known: Any) -> ScaleOutcome:
    values: dict[str, Any] = {
        "command": "c",
        "from_scale_out": 2,
        "to_scale_out": 3,
        "generation": 1,
        "status": Status.APPLIED,
        "started_at": START + timedelta(seconds=started),
        "converged_at": None if converged is None else START + timedelta(seconds=converged),
        "at": START + timedelta(seconds=started + 20),
    }
    return ScaleOutcome(job="j", tick=START, source="executor/executor", **(values | known))


def point(second: float, residual: float | None, lag: float | None = 0.0) -> Point:
    return Point(ZERO + second, residual, 1000.0, lag, steady=True)


def history(*, count: int = 60, swing: float = 50.0) -> tuple[Point, ...]:
    """Residuals of mean 0 and deviation `swing`, up to the rescale."""
    return tuple(point(-5.0 * (count - i), swing if i % 2 else -swing) for i in range(count))


def watch(*points: tuple[float, float | None], deviation: float | None = 50.0) -> Watch:
    begun = Watch(outcome(), 0.0, deviation)
    return begun.judged([point(*given) for given in points], gap=30.0)


@pytest.mark.parametrize(
    ("points", "recovery"),
    [
        pytest.param([(25, 500), (30, -400), (35, -300), (40, 20)], 40.0, id="newest is normal"),
        pytest.param([(25, 500), (30, -400), (35, -300)], None, id="newest is an anomaly"),
        pytest.param([(5, 0), (10, 0), (15, 0)], None, id="normal before it had converged"),
        pytest.param([(25, 0), (30, 0)], 25.0, id="no anomaly at all"),
        pytest.param([(25, -400), (30, 0), (60, -400), (65, 0)], 65.0, id="a gap of 30 s bridged"),
        pytest.param([(25, -400), (30, 0), (65, -400), (70, 0)], 30.0, id="35 s is another one"),
        pytest.param([(25, -400), (30, 0), (65, -400)], 30.0, id="another one has begun since"),
        pytest.param([(25, -400), (30, 50), (35, None)], 30.0, id="unknown changes nothing"),
        pytest.param([(25, -400), (30, None)], None, id="unknown is not normal"),
        pytest.param([(25, -400), (30, 50.0)], 30.0, id="one deviation is normal still"),
        pytest.param([(25, -400), (30, 50.1)], None, id="a little more is not"),
        pytest.param([], None, id="nothing seen"),
    ],
)
def test_recovery_seen(points: list[tuple[float, float | None]], recovery: float | None) -> None:
    assert watch(*points).recovery == recovery


@pytest.mark.parametrize(
    ("deviation", "residual", "normal"),
    [
        pytest.param(0.0, 10.0, True, id="no deviation: 1 % of the workload is normal"),
        pytest.param(0.0, 10.1, False, id="no deviation: more is not"),
        pytest.param(None, 50.0, True, id="no past: 5 % of the workload is normal"),
        pytest.param(None, -50.1, False, id="no past: more is not"),
    ],
)
def test_an_even_or_unknown_past(deviation: float | None, residual: float, normal: bool) -> None:
    found = watch((25, 500), (30, residual), deviation=deviation)

    assert (found.recovery is not None) is normal


def test_the_worst_lag_counts_from_the_rescale_on() -> None:
    points = [point(-5, 0, 9e9), point(5, None, 700.0), point(25, -400, 900.0), point(30, 0, 10.0)]

    assert Watch(outcome(), 0.0, 50.0).judged(points, 30.0).worst_lag == 900.0
    assert Watch(outcome(), 0.0, 50.0).judged([point(25, 0, None)], 30.0).worst_lag is None


def test_without_convergence_the_downtime_says_when_it_ran_again() -> None:
    begun = Watch(outcome(converged=None, downtime=12.0), 0.0, 50.0)

    assert begun.judged([point(10, 0)], 30.0).recovery is None
    assert begun.judged([point(15, 0)], 30.0).recovery == 15.0


def test_mean_and_deviation_over_points_and_buckets_equal_those_over_all() -> None:
    residuals = [float((7 * i) % 100) for i in range(360)]
    points = tuple(point(5.0 * i - 1800, residual) for i, residual in enumerate(residuals))
    balance = Balance()
    for end in range(0, 360, 12):
        balance = Balance((*balance.points, *points[end : end + 12]), balance.buckets)
        balance = balance.aged(points[end + 11].at - 240, 1800.0, None)

    assert len(balance.buckets) <= 30
    assert len(balance.points) < 60
    normal = balance.normal(ZERO, 1800.0, 12)
    assert normal is not None
    mean = math.fsum(residuals) / 360
    deviation = math.sqrt(math.fsum((r - mean) ** 2 for r in residuals) / 360)
    assert normal[0] == pytest.approx(mean, rel=1e-3)
    assert normal[1] == pytest.approx(deviation, rel=1e-3)


def test_restarts_and_rescales_do_not_count_as_normal() -> None:
    shaken = tuple(p._replace(residual=1e6, steady=False) for p in history(count=10))

    assert Balance(history()[:-10] + shaken).normal(ZERO, 1800.0, 12) == (0.0, 50.0)
    aged = Balance((*history(), point(5, 1e6), point(10, 1e6))).aged(ZERO + 60, 1800.0, ZERO)
    normal = aged.normal(ZERO + 60, 1800.0, 12)
    assert normal is not None
    assert normal[0] == pytest.approx(0.0, abs=0.1)
    assert normal[1] == pytest.approx(50.0, abs=0.1)


def test_too_short_a_past_says_nothing() -> None:
    assert Balance(history(count=11)).normal(ZERO, 1800.0, 12) is None


def tick(second: float) -> datetime:
    return START + timedelta(seconds=second)


def test_an_outcome_takes_effect_at_the_first_tick_after_its_grace() -> None:
    begun = Following(Balance(), None, (outcome(),))  # known 20 s after the start
    caught_up = (*history(), point(25, -400), point(35, 10))

    early = follow(begun, caught_up, tick(49.9), POLICY)
    assert (early.watch, early.pending, early.concluded) == (None, begun.pending, ())

    due = follow(begun, caught_up, tick(50), POLICY)
    assert due.pending == ()
    assert [found.recovery for found in due.concluded] == [35.0]
    late = follow(early, (), tick(110), POLICY)
    assert [found.recovery for found in late.concluded] == [35.0]


def test_the_anomaly_is_left_out_of_what_is_normal() -> None:
    begun = Following(Balance(), None, (outcome(),))
    after = follow(begun, (*history(), point(25, -4000), point(35, 10)), tick(60), POLICY)

    assert after.balance.points[-1].residual == 10
    assert all(abs(p.residual or 0.0) <= 50 for p in after.balance.points)


def test_a_rescale_that_never_recovers_is_concluded_at_the_end_of_the_watch() -> None:
    now = Following(Balance(history()), None, (outcome(),))
    concluded: list[tuple[float, float | None]] = []
    for minute in range(1, 40):
        late = tuple(point(60.0 * minute - 60 + 5 * k, 900.0) for k in range(1, 13))
        now = follow(now, late, tick(60.0 * minute), POLICY)
        concluded += [(minute, found.recovery) for found in now.concluded]

    assert concluded == [(30, None)]
    assert now.watch is None


def test_the_next_rescale_ends_the_watch_of_the_former() -> None:
    first = follow(
        Following(Balance(history()), None, (outcome(),)), (point(30, 900),), tick(60), POLICY
    )
    assert first.watch is not None
    second = outcome(started=90.0, converged=100.0, command="d", at=tick(100))
    waiting = Following(first.balance, first.watch, (second,))
    now = follow(waiting, (point(80, 900), point(110, 900)), tick(130), POLICY)

    assert [(found.outcome.command, found.recovery) for found in now.concluded] == [("c", None)]
    assert now.watch is not None
    assert now.watch.outcome.command == "d"
    assert now.watch.deviation == pytest.approx(50.0)


def test_the_gap_of_the_policy_is_bridged_within_a_tick() -> None:
    begun = Following(Balance(history()), None, (outcome(),))
    points = (point(25, -400), point(30, 0), point(55, -400), point(60, 0))

    bridged = follow(begun, points, tick(60), POLICY)
    assert [found.recovery for found in bridged.concluded] == [60.0]

    short = POLICY.model_copy(update={"anomaly_gap": 20.0})
    apart = follow(begun, points, tick(60), short)
    assert [found.recovery for found in apart.concluded] == [30.0]
