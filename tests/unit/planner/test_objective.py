"""Late records as a loop's capacity update tells them, and the price that follows from them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_planner.domain.lateness import Loop
from daedalus_planner.domain.objective import DAY, HALF_LIFE, HIGHEST, LOWEST, Objective
from daedalus_planner.planner import Planner
from daedalus_planner.state import PlannerState
from daedalus_shared.events import Decision, LateRecords
from daedalus_shared.policy import Policy, Prices
from harness.planning import capacity, declared, running

STEADY = Policy(prices=Prices(dial="steady"))
FIRST = STEADY.prices.each.late


def loop(**changed: float) -> Loop:
    """100/s arrive for a minute at a job that can process 200/s, and nothing waits."""
    known = {
        "seconds": 60.0,
        "rate": 100.0,
        "lag": 0.0,
        "capacity": 200.0,
        "up": 60.0,
        "interval": 10.0,
        "tolerated": 1.0,
    }
    return Loop(measured=True, **{**known, **changed})


@pytest.mark.parametrize(
    ("found", "before", "late"),
    [
        pytest.param(loop(), 0.0, 0.0, id="nothing waits"),
        pytest.param(loop(lag=90.0, capacity=105.0), 0.0, 0.0, id="no more than tolerated"),
        pytest.param(loop(lag=1000.0), 0.0, 0.0, id="what is not committed yet"),
        pytest.param(loop(lag=1000.0, capacity=105.0), 0.0, 54.0, id="falls behind when hot"),
        pytest.param(loop(lag=4000.0), 0.0, 58.5, id="far behind, hot or not"),
        pytest.param(loop(lag=4000.0), 4000.0, 60.0, id="stays behind"),
        pytest.param(loop(), 2000.0, 20.0, id="works off what waited"),
        pytest.param(loop(capacity=0.0), 2000.0, 60.0, id="and nobody knows how fast"),
        pytest.param(loop(up=35.0), 0.0, 45.0, id="was started anew and has caught up"),
        pytest.param(loop(up=35.0), 500.0, 55.0, id="the same, behind before"),
        pytest.param(loop(up=35.0, lag=500.0), 0.0, 55.0, id="was started anew and has not"),
        pytest.param(loop(up=10.0, capacity=120.0), 0.0, 30.0, id="no longer than it has run"),
        pytest.param(loop(rate=0.0), 0.0, 0.0, id="nothing arrives"),
    ],
)
def test_measures_the_seconds_of_a_loop_whose_records_were_late(
    found: Loop, before: float, late: float
) -> None:
    assert found.late(before, downtime=20.0) == pytest.approx(late, abs=0.2)


@given(
    lag=st.floats(0, 1e6),
    before=st.floats(0, 1e6),
    rate=st.floats(0, 1e4),
    able=st.floats(0, 1e4),
    up=st.floats(0, 60),
    downtime=st.floats(0, 300),
)
def test_no_more_than_the_loop_is_late(
    lag: float, before: float, rate: float, able: float, up: float, downtime: float
) -> None:
    found = loop(lag=lag, rate=rate, capacity=able, up=up)

    assert 0.0 <= found.late(before, downtime) <= 60.0 + 1e-6


def test_a_lower_bound_makes_no_job_hot() -> None:
    assert loop(lag=500.0, capacity=100.0).behind == 500.0
    assert Loop.of(capacity(0, rate=400.0, lag=2000.0, capacity=400.0), STEADY) == Loop(
        seconds=60.0,
        rate=400.0,
        lag=2000.0,
        capacity=400.0,
        measured=False,
        up=60.0,
        interval=10.0,
        tolerated=1.0,
    )


def after(minutes: int, policy: Policy = STEADY, known: Objective | None = None) -> Objective:
    """Nothing was late for so long."""
    found = known or Objective()
    for minute in range(minutes):
        found = found.after(capacity(60.0 * minute), policy)
    return found


def price(found: Objective, policy: Policy = STEADY) -> float:
    told = found.told(policy)
    assert told is not None
    return told.price


def behind(minutes: int, start: int = 0, known: Objective | None = None) -> Objective:
    """All was late for so long."""
    found = known or Objective()
    for minute in range(start, start + minutes):
        found = found.after(capacity(60.0 * minute, lag=1e5), STEADY)
    return found


def test_begins_at_the_price_of_the_dial_and_knows_no_share() -> None:
    assert Objective().told(STEADY) == LateRecords(target=0.035, share=None, price=FIRST)
    assert FIRST == 80.0


def test_the_price_falls_while_fewer_are_late_than_may_be() -> None:
    raised = Objective(raised=1.0)

    assert price(after(30, known=raised)) == pytest.approx(price(raised) / 2, rel=0.1)
    assert price(after(5)) < FIRST


def test_the_price_rises_while_more_are_late() -> None:
    assert price(behind(1)) == pytest.approx(2 * FIRST, rel=0.1)
    assert price(behind(2)) > price(behind(1))


def test_the_price_stays_where_as_many_are_late_as_may_be() -> None:
    aims = STEADY.model_copy(update={"prices": Prices(dial="steady", late_share=1.0)})
    known = Objective()
    for minute in range(60):
        known = known.after(capacity(60.0 * minute, lag=1e5), aims)

    assert price(known, aims) == pytest.approx(FIRST)


def test_the_price_is_bounded() -> None:
    assert price(after(1000)) == pytest.approx(LOWEST * FIRST)
    assert price(behind(1000)) == pytest.approx(HIGHEST * FIRST)


def test_what_was_late_is_forgotten_within_hours() -> None:
    once = behind(1, start=0)
    share = after(1, known=once).told(STEADY)
    later = after(int(2 * HALF_LIFE / 60), known=once).told(STEADY)

    assert share is not None
    assert later is not None
    assert share.share is not None
    assert later.share is not None
    assert later.share < 0.01 < share.share


def test_an_hour_of_little_load_weighs_little() -> None:
    usual = after(600)
    at_night = usual.after(capacity(36_000.0, rate=2.5, lag=1e5), STEADY)
    by_day = usual.after(capacity(36_000.0, lag=1e5), STEADY)

    assert at_night.raised == pytest.approx(usual.raised, abs=0.02)
    assert by_day.raised > usual.raised + 0.5


def test_the_usual_workload_counts_a_day() -> None:
    night = Objective()
    for minute in range(int(DAY / 60)):
        night = night.after(capacity(60.0 * minute, rate=100.0), STEADY)
    assert night.usual == pytest.approx(100.0)

    day = night
    for minute in range(int(DAY / 60)):
        day = day.after(capacity(DAY + 60.0 * minute, rate=400.0), STEADY)
    assert day.usual == pytest.approx(300.0, rel=0.01)
    assert Objective().usual is None


@pytest.mark.parametrize(
    "update",
    [
        pytest.param(None, id="no update"),
        pytest.param(capacity(600.0, lag=None), id="unknown lag"),
        pytest.param(capacity(600.0, workload=None, lag=1e5), id="unknown workload"),
    ],
)
def test_what_is_unknown_changes_nothing(update: object) -> None:
    known = behind(1)

    assert known.after(update, STEADY) == known  # type: ignore[arg-type]  # a table's cell


def test_a_gap_leaves_the_begin_of_the_next_loop_unknown() -> None:
    known = behind(1)

    assert known.after(capacity(60.0), STEADY).raised > known.after(capacity(600.0), STEADY).raised


@pytest.mark.parametrize("dial", ["thrift", "balanced"])
def test_nothing_is_remembered_where_no_share_is_aimed_at(dial: str) -> None:
    policy = Policy.model_validate({"prices": {"dial": dial}})

    assert behind(3).after(capacity(180.0), policy) == Objective()
    assert behind(3).told(policy) is None


@pytest.mark.parametrize("factor", [10.0, 100.0])
def test_a_compressed_job_has_the_same_price_at_the_same_time(factor: float) -> None:
    fast = STEADY.compressed(factor)
    slow, quick = Objective(), Objective()
    for minute in range(120):
        lag = 1e5 if minute % 40 == 0 else 0.0
        slow = slow.after(capacity(60.0 * minute, lag=lag), STEADY)
        update = capacity(60.0 / factor * minute, lag=lag / factor, uptime=3600.0 / factor)
        quick = quick.after(update, fast)

    assert quick.raised == pytest.approx(slow.raised)
    assert factor * price(quick, fast) == pytest.approx(price(slow))


def test_the_state_round_trips() -> None:
    known = after(5, known=behind(3))
    state = PlannerState(objective=known)

    restored = PlannerState.model_validate_json(state.model_dump_json())

    assert restored.objective == known
    assert restored.objective.after(capacity(1000.0), STEADY) == known.after(
        capacity(1000.0), STEADY
    )


def decided(planner: str = "horizon", restarting: bool = False, **prices: Any) -> list[Decision]:
    """Decide four loops of a job of these prices that was late in the second."""
    shell = running(planner=planner, prices=prices)
    shell.planner, shell.restarting = Planner(planner), restarting
    for minute in range(4):
        shell.tick(60.0 * minute, rate=350.0, lag=2e4 if minute == 1 else 0.0)
    return shell.decisions


def test_a_decision_names_the_price_and_the_share_that_it_rests_on() -> None:
    decision = decided(dial="steady")[1]

    assert decision.late is not None
    assert (decision.late.target, decision.late.price > FIRST) == (0.035, True)
    assert decision.late.share == pytest.approx(0.5, abs=0.2)
    assert "% of the records were late lately, 3.5% is the aim: each late" in decision.sentence


def test_a_planner_that_is_restarted_at_each_event_decides_the_same() -> None:
    assert decided(dial="steady", restarting=True) == decided(dial="steady")


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({}, id="balanced"),
        pytest.param({"dial": "steady", "late": 80}, id="a fixed price"),
        pytest.param({"dial": "steady", "planner": "rules"}, id="a planner without prices"),
    ],
)
def test_a_decision_without_such_a_price_names_none(asked: dict[str, Any]) -> None:
    decision = decided(**asked)[1]

    assert decision.late is None
    assert "late lately" not in decision.sentence


def test_a_dial_without_a_price_needs_one_to_aim_at_a_share() -> None:
    with pytest.raises(ValueError, match=r"needs a price to begin with"):
        Prices(late_share=0.05)
    assert Prices(late_share=0.05, late=40.0).each.late_share == 0.05
    assert declared(prices={"dial": "steady"}).spec.policy.prices.each.late_share == 0.035
