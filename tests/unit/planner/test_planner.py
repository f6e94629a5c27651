"""The planner as a fold: ticks, commands, and the same decisions whatever the order of topics."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_planner.planner import Planner
from daedalus_planner.state import KEPT, PlannerState
from daedalus_shared.control import JobControl
from daedalus_shared.durations import LONGEST
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    Decision,
    Direction,
    Downtime,
    Event,
    Forget,
    OverrideKind,
    Promise,
    Recovery,
    Sample,
    ScaleCommand,
    Status,
    Workload,
)
from daedalus_shared.events.base import LARGEST
from harness.planning import (
    NOON,
    Shell,
    after,
    capacity,
    closing,
    declared,
    forecast,
    metrics,
    outcome,
    override,
    running,
)

ABSURD = Downtime(mean=LONGEST, spread=LONGEST, seen=1)


def point(scale_out: int, capacity: float) -> CapacityPoint:
    return CapacityPoint(scale_out=scale_out, capacity=capacity, basis=Basis.ESTIMATED)


def line(slope: float) -> Workload:
    return Workload(mean=1.0, minimum=1.0, maximum=1.0, level=1.0, slope=slope)


# -- ticks ----------------------------------------------------------------------------------------


def test_a_tick_is_decided_when_its_three_parts_are_there() -> None:
    shell = running()

    assert shell.feed(closing(0), capacity(0)) == []
    decision, command = shell.feed(forecast(0))

    assert isinstance(decision, Decision)
    assert isinstance(command, ScaleCommand)
    assert (decision.chosen, decision.reason, decision.marks) == (3, "scale_down", ())
    assert decision.inputs == (
        closing(0).id,
        capacity(0).id,
        forecast(0).id,
        declared().id,
    )
    assert [candidate.scale_out for candidate in decision.candidates] == list(range(1, 9))
    assert [candidate.verdict for candidate in decision.candidates][:4] == [
        "below_workload",
        "below_workload",
        "chosen",
        "not_needed",
    ]


def test_a_command_carries_what_the_executor_must_know() -> None:
    shell = running()

    decision = shell.tick(0)

    # 2500 replayed + 15 s of 250/s = 6250; 50/s to spare: the 126th second
    promise = Promise(capacity=300.0, downtime=15.0, recovery=141.0)
    assert shell.commands == [
        ScaleCommand(
            job="j",
            at=NOON,
            tick=NOON,
            source="planner/rules",
            from_scale_out=4,
            to_scale_out=3,
            expected_generation=None,
            expires_at=after(120),
            decision=decision.id,
            promise=promise,
        )
    ]
    assert decision.command == shell.commands[0].id
    assert decision.promise == promise


@pytest.mark.parametrize(
    "order",
    [
        pytest.param((0, 1, 2), id="metrics, capacity, forecast"),
        pytest.param((2, 1, 0), id="forecast, capacity, metrics"),
        pytest.param((1, 0, 2), id="capacity first"),
    ],
)
def test_the_order_of_the_parts_does_not_matter(order: tuple[int, ...]) -> None:
    parts = (closing(0), capacity(0), forecast(0))
    shell = running()

    shell.feed(*(parts[index] for index in order))

    assert [decision.chosen for decision in shell.decisions] == [3]


def test_capacity_and_forecast_alone_make_no_tick() -> None:
    shell = running()

    assert shell.feed(capacity(0), forecast(0), metrics(15), metrics(60)) == []


def test_a_missing_forecast_is_replaced_by_the_previous_one_shifted() -> None:
    shell = running()
    shell.tick(0, rate=350.0)
    shell.feed(closing(60), capacity(60), metrics(75))
    assert len(shell.decisions) == 1

    shell.feed(metrics(90))

    decision = shell.decisions[-1]
    assert decision.marks == ("forecast_missing",)
    assert decision.forecast_max == 350.0
    assert "The forecast of 12:00:00 UTC stands in" in decision.sentence
    assert forecast(0).id in decision.inputs
    assert metrics(90).id in decision.inputs


def test_without_any_forecast_the_trend_line_serves() -> None:
    shell = running()
    rising = Workload(mean=250.0, minimum=1.0, maximum=300.0, level=250.0, slope=0.5)

    shell.feed(closing(0), capacity(0, workload=rising), metrics(30))

    assert shell.decisions[0].marks == ("forecast_missing",)
    assert shell.decisions[0].forecast_max == 250.0 + 600 * 0.5
    assert "trend line stands in" in shell.decisions[0].sentence


def test_a_previous_forecast_serves_while_ten_minutes_of_it_remain() -> None:
    shell = running()
    shell.tick(0, rate=350.0)
    for tick in range(60, 361, 60):
        shell.feed(closing(tick), capacity(tick, rate=350.0), metrics(tick + 30))

    stand_ins = [decision.sentence.rpartition("  ")[2] for decision in shell.decisions[1:]]
    assert ["The forecast of" in text for text in stand_ins] == [True] * 5 + [False]
    assert "trend line" in stand_ins[-1]


def test_without_the_analyzer_it_stays_and_says_so() -> None:
    shell = running()

    decision, *rest = shell.feed(closing(0), forecast(0), metrics(30))

    assert isinstance(decision, Decision)
    assert (decision.chosen, decision.reason) == (4, "analyzer_missing")
    assert decision.marks == ("analyzer_missing",)
    assert rest == []


def test_the_forecast_of_another_forecaster_is_not_waited_for_nor_used() -> None:
    shell = running(forecaster="own")

    assert shell.feed(closing(0), capacity(0), forecast(0)) == []
    decision = shell.feed(forecast(0, 380.0, forecaster="own"))[0]

    assert isinstance(decision, Decision)
    assert decision.forecast_max == 380.0


def test_late_parts_of_a_decided_tick_are_not_decided_again() -> None:
    shell = running()
    shell.feed(closing(0), metrics(30))
    assert len(shell.decisions) == 1

    assert shell.feed(capacity(0), forecast(0, 380.0)) == []
    shell.feed(closing(60), capacity(60), metrics(90))

    assert shell.decisions[-1].forecast_max == 380.0, "the late forecast serves as the previous one"


def test_ticks_are_decided_in_order_even_when_the_loop_is_shorter_than_the_grace() -> None:
    shell = running(loop=15, sample=5)
    shell.feed(closing(0), capacity(0), closing(15), capacity(15), forecast(15))
    assert shell.decisions == [], "the older tick still waits"

    shell.feed(closing(30))

    assert [decision.tick for decision in shell.decisions] == [after(0), after(15)]
    assert [decision.marks for decision in shell.decisions] == [("forecast_missing",), ()]


def test_a_tick_that_comes_again_is_not_decided_again() -> None:
    shell = running()
    shell.tick(0)

    assert shell.feed(closing(0), capacity(0), forecast(0), metrics(45)) == []


def test_a_job_that_is_not_declared_yet_is_left_alone() -> None:
    shell = Shell()
    shell.feed(declared(at=-10))

    assert shell.feed(closing(0), capacity(0), forecast(0)) == [], "not in effect before the grace"
    assert shell.tick(60).chosen == 3


FORGOTTEN = Forget(job="j", at=after(80), source="console/cli", author="ada")


def test_a_job_that_is_forgotten_leaves_nothing_behind() -> None:
    shell = running()
    shell.tick(0)
    shell.tick(60)

    shell.feed(FORGOTTEN)
    assert shell.state is None
    late = outcome(shell.commands[0], 85, Status.APPLIED)
    assert shell.feed(late, closing(120), capacity(120), forecast(120), metrics(150)) == []
    assert shell.state is None


def test_a_tick_that_is_open_when_its_job_is_forgotten_is_still_decided() -> None:
    shell = running()
    shell.tick(0)
    shell.feed(closing(60), capacity(60), FORGOTTEN)
    assert shell.state is not None

    assert len(shell.feed(forecast(60))) == 1
    assert shell.state is None


def test_a_replay_that_knows_the_end_decides_what_was_decided_before_it() -> None:
    shell = running()
    shell.feed(FORGOTTEN)

    assert [shell.tick(at).tick for at in (0, 60)] == [after(0), after(60)]
    assert shell.state is None


def test_a_job_that_goes_on_is_learned_anew_and_its_rescales_are_remembered() -> None:
    shell = running(prices={"dial": "steady"})
    shell.tick(0)
    shell.feed(outcome(shell.commands[0], 20, Status.APPLIED))
    shell.tick(60, scale_out=3)
    assert shell.state is not None
    assert shell.state.objective.records > 0
    learned = FORGOTTEN.model_copy(update={"stays_declared": True})
    shell.feed(learned)

    assert shell.tick(120, scale_out=3).reason == "settling"
    assert shell.state.objective.seconds == 60.0, "the last loop alone"
    assert shell.state.accuracy.model_dump() != {}
    assert len(shell.state.outcomes) == 1
    assert shell.tick(180, scale_out=3).tick == after(180)
    assert shell.state.objective.seconds > 100.0, "once"


@pytest.mark.parametrize("planner", ["rules", "horizon"])
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"scale_out": 0, "capacity": None}, id="no workers"),
        pytest.param({"table": (point(0, 1.0), point(1, 100.0))}, id="no workers that can do much"),
        pytest.param({"table": (point(1, 5e-324), point(8, LARGEST))}, id="absurd capacities"),
        pytest.param({"rate": LARGEST, "lag": LARGEST}, id="absurd rates"),
        pytest.param({"workload": line(1e308)}, id="a line that explodes"),
        pytest.param({"warm_up": ABSURD, "downtime_up": ABSURD}, id="a century without processing"),
    ],
)
@pytest.mark.parametrize("forecasts", [0, 1], ids=["by its trend", "by a forecast"])
def test_no_event_stops_a_planner(planner: str, changed: dict[str, Any], forecasts: int) -> None:
    shell = Shell(Planner(planner))
    shell.feed(declared(planner=planner))

    update = capacity(0, **changed)
    shell.feed(closing(0, update.scale_out), update, *[forecast(0)] * forecasts, metrics(31))

    assert len(shell.decisions) == 1


def test_the_state_of_a_planner_that_is_far_behind_stays_small() -> None:
    shell = running()

    shell.feed(*(forecast(60 * k) for k in range(1000)), *(capacity(60 * k) for k in range(1000)))

    assert shell.state is not None
    assert len(shell.state.forecasts) == len(shell.state.capacities) == KEPT
    assert len(shell.state.model_dump_json()) < 300_000


# -- what holds a job -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "chosen", "reason"),
    [
        pytest.param({"scale_out": None, "capacity": None}, None, "scale_out_unknown", id="p"),
        pytest.param({"workload": None}, 4, "workload_unknown", id="workload"),
        pytest.param({"lag": None}, 4, "lag_unknown", id="lag"),
        pytest.param({"capacity": None, "table": ()}, 4, "capacity_unknown", id="capacity"),
        pytest.param({"uptime": 60.0}, 4, "settling", id="restarted by someone else"),
        pytest.param({"scale_out_since": after(-100)}, 4, "settling", id="changed by someone else"),
        pytest.param({"uptime": 300.0}, 4, "keeps_up", id="a while ago"),
        pytest.param({"uptime": None}, 3, "scale_down", id="an unknown uptime says nothing"),
    ],
)
def test_what_is_not_known_or_too_recent_holds_the_job(
    changed: dict[str, Any], chosen: int | None, reason: str
) -> None:
    decision = running().tick(0, **changed)

    assert (decision.chosen, decision.reason) == (chosen, reason)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param((), id="none"),
        pytest.param((Sample(at=after(-61), scale_out=4),), id="older than the loop"),
    ],
)
def test_stale_metrics_hold_the_job(samples: tuple[Sample, ...]) -> None:
    shell = running()
    stale = closing(0).model_copy(update={"samples": samples})

    shell.feed(stale, capacity(0), forecast(0))

    assert shell.decisions[0].reason == "stale"


def test_an_unknown_capacity_does_not_keep_a_job_out_of_its_bounds() -> None:
    decision = running(scale_max=3).tick(0, capacity=None, table=())

    assert (decision.chosen, decision.reason, decision.limits) == (3, "bounds", ("max",))


def test_a_pin_holds_even_where_the_planner_knows_nothing() -> None:
    shell = running()
    shell.feed(override(OverrideKind.PIN, at=-40, until=900, scale_out=6))

    decision = shell.tick(0, workload=None)

    assert (decision.chosen, decision.reason, decision.limits) == (6, "pinned", ("pin",))
    assert shell.commands[0].promise == Promise(downtime=30.0)


def test_overrides_bound_decisions_while_they_last() -> None:
    shell = running()
    shell.feed(
        override(OverrideKind.FLOOR, at=0, until=150, scale_out=6),
        override(OverrideKind.PAUSE, at=100, until=1000, direction=Direction.UP),
    )

    assert [shell.tick(at).reason for at in (0, 60)] == ["scale_down", "command_pending"]
    shell = running()
    shell.feed(override(OverrideKind.FLOOR, at=-40, until=30, scale_out=6, why="the sale"))
    bounded = shell.tick(0)
    assert (bounded.chosen, bounded.reason) == (6, "floor")
    assert bounded.sentence.startswith(
        "Scale from 4 to 6 workers: at least 6 workers by ada until 2026-01-01 12:00:30 UTC "
        "(the sale). The planner says: Scale down from 4 to 3 workers"
    )
    shell.feed(outcome(shell.commands[0], 20, Status.REFUSED))
    assert shell.tick(60).reason == "scale_down"


# -- commands -------------------------------------------------------------------------------------


def test_it_stays_while_a_command_has_no_outcome_that_counts() -> None:
    shell = running()
    shell.tick(0)

    assert shell.tick(60).reason == "command_pending"
    shell.feed(outcome(shell.commands[0], 91, Status.APPLIED))
    waiting = shell.tick(120, scale_out=3)
    assert waiting.reason == "command_pending", "the outcome is younger than the grace"
    assert "12:00:00 UTC to 3 workers" in waiting.sentence

    settled = shell.tick(180, scale_out=3)
    assert settled.reason == "settling"
    assert "1m30s ago" in settled.sentence
    assert outcome(shell.commands[0], 91, Status.APPLIED).id in settled.inputs
    assert len(shell.commands) == 1


def test_a_command_without_any_outcome_is_given_up_in_the_end() -> None:
    shell = running()

    reasons = [shell.tick(at).reason for at in range(0, 361, 60)]

    # void after 120 s, then 120 s to converge and 30 s of grace
    assert reasons == ["scale_down", *["command_pending"] * 4, "scale_down", "command_pending"]


def test_a_failed_command_is_told_and_its_generation_is_expected_next() -> None:
    shell = running()
    shell.tick(0)
    failed = outcome(shell.commands[0], 20, Status.FAILED, why="no slots", generation=7)
    shell.feed(failed)

    decision = shell.tick(60)

    assert decision.reason == "scale_down"
    assert "The last command, to 3 workers, failed: no slots." in decision.sentence
    assert shell.commands[-1].expected_generation == 7
    assert failed.id in decision.inputs


def test_a_foreign_change_is_named() -> None:
    shell = running()
    shell.tick(0)
    shell.feed(outcome(shell.commands[0], 20, Status.APPLIED))

    decision = shell.tick(600, scale_out=5, scale_out_since=after(570))

    assert decision.reason == "settling"
    assert "Someone else set 5 workers." in decision.sentence


def test_the_executors_own_change_is_nobody_elses_while_its_outcome_is_on_the_way() -> None:
    shell = running()
    shell.tick(0)
    shell.feed(outcome(shell.commands[0], 20, Status.APPLIED))
    assert shell.tick(1200, scale_out=3, rate=500.0).command is not None
    wanted = shell.commands[-1].to_scale_out

    decision = shell.tick(1260, scale_out=wanted, scale_out_since=after(1230))

    assert decision.reason == "command_pending"
    assert "Someone else" not in decision.sentence


def test_a_recovery_is_told_once() -> None:
    shell = running()
    seen = Recovery(
        job="j",
        at=after(20),
        tick=NOON,
        source="analyzer/analyzer",
        command="c",
        to_scale_out=4,
        recovery=95.0,
        promise=Promise(recovery=110.0),
    )
    shell.feed(seen)

    told = [shell.tick(at) for at in (0, 60, 120)]

    assert ["caught up with after 1m35s, 1m50s promised" in d.sentence for d in told] == [
        False,
        True,
        False,
    ]
    assert seen.id in told[1].inputs


def test_advice_is_repeated_only_when_it_changes_or_has_become_old() -> None:
    shell = running(mode="advise")

    first = [shell.tick(at) for at in (0, 60, 120, 180)]
    changed = shell.tick(240, rate=150.0)

    assert [d.reason for d in first] == ["scale_down"] * 4, "advice is never pending"
    assert [d.command is not None for d in first] == [True, False, False, True]
    assert "The same advice was sent at 12:00:00 UTC." in first[1].sentence
    assert changed.chosen == 2
    assert all(command.dry_run for command in shell.commands)
    assert [command.to_scale_out for command in shell.commands] == [3, 3, 2]


def test_a_dry_run_is_no_rescale() -> None:
    shell = running(mode="advise")
    shell.tick(0)
    shell.feed(outcome(shell.commands[0], 20, Status.WOULD_APPLY, generation=2))

    assert shell.tick(60).reason == "scale_down"
    assert shell.tick(180).command is not None
    assert shell.commands[-1].expected_generation == 2


def test_a_shadow_decides_but_commands_nothing_and_sees_the_real_outcomes() -> None:
    obeyed, shadow = running(), Shell(Planner("canary", "rules"))
    shadow.feed(declared())
    obeyed.tick(0)

    decisions = [shadow.tick(0), shadow.tick(60)]

    assert [(d.chosen, d.shadow, d.command) for d in decisions] == [(3, True, None)] * 2
    shadow.feed(outcome(obeyed.commands[0], 90, Status.APPLIED))
    assert shadow.tick(120, scale_out=3).reason == "settling"
    assert shadow.commands == []


# -- determinism ----------------------------------------------------------------------------------


TICKS = 33
FORECAST_MISSING = {7, 8, 22}
CAPACITY_MISSING = {11, 22}
STATUSES = (Status.APPLIED, Status.REFUSED, Status.APPLIED, Status.FAILED, None)


def lively(loop: float) -> dict[str, float]:
    """Return a policy that lets many commands fall in a short run."""
    return {"loop": loop, "settle": 40, "quiet": 60, "converge_within": 30}


def parts(k: int, loop: float, scale_out: int, uptime: float) -> list[Event]:
    """Return what analyzer and forecasters send for the k-th tick, in any order."""
    rng = random.Random(k)
    rate = 250.0 + 200.0 * (k % 20 > 8) + rng.uniform(-20, 20)
    found: list[Event] = [forecast(k * loop, rate * 2, forecaster="other")]
    if k not in FORECAST_MISSING:
        found.append(forecast(k * loop, rate))
    if k not in CAPACITY_MISSING:
        capable = 100.0 * scale_out
        now = capacity(k * loop, rate=rate, scale_out=scale_out, capacity=capable, uptime=uptime)
        found.append(now)
    rng.shuffle(found)
    return found


def wishes(k: int, loop: float) -> list[Event]:
    """Return what people want after the k-th tick."""
    at = k * loop + 1
    wanted: dict[int, Event] = {
        12: override(OverrideKind.PAUSE, at, at + 4 * loop),
        17: override(OverrideKind.FLOOR, at, at + 900, scale_out=6),
        30: declared(at=at, scale_max=7, **lively(loop)),
    }
    return [wanted[k]] if k in wanted else []


def recorded(loop: float) -> Shell:
    """Run a job closed-loop: missing parts, wishes, and outcomes of all kinds or none."""
    shell = running(**lively(loop))
    scale_out, since, answered = 4, -3600.0, 0
    for k in range(TICKS):
        tick = k * loop
        for at in range(int(tick - loop) + 15, int(tick), 15):
            shell.feed(metrics(at, scale_out=scale_out))
        shell.feed(closing(tick, scale_out), *parts(k, loop, scale_out, tick - since))
        shell.feed(*wishes(k, loop))
        for command in shell.commands[answered:]:
            status = STATUSES[answered % len(STATUSES)]
            known_at = (command.tick - NOON).total_seconds() + 15
            if status is not None:
                shell.feed(outcome(command, known_at, status, generation=answered))
            if status is Status.APPLIED:
                scale_out, since = command.to_scale_out, known_at
            answered += 1
    shell.feed(metrics(TICKS * loop + 30))
    return shell


RECORDED = {loop: recorded(loop) for loop in (60.0, 20.0)}
"""A loop longer than the grace of 30 s, and a shorter one, with several ticks open at once."""


def replayed(topics: dict[str, list[Event]], order: Iterable[str], **how: Any) -> Shell:
    found = Shell(topics=topics, **how)
    for topic in order:
        found.deliver(topic)
    return found


def names(topics: dict[str, list[Event]]) -> list[str]:
    return [name for name, events in topics.items() for _ in events]


def test_the_recorded_run_covers_what_it_should() -> None:
    shell = RECORDED[60.0]

    marks = {mark for decision in shell.decisions for mark in decision.marks}
    reasons = {decision.reason for decision in shell.decisions}
    assert [decision.tick for decision in shell.decisions] == [after(60 * k) for k in range(TICKS)]
    assert marks == {"forecast_missing", "analyzer_missing"}
    assert reasons >= {
        "scale_up",
        "scale_down",
        "current_suffices",
        "keeps_up",
        "command_pending",
        "analyzer_missing",
        "paused",
        "floor",
    }


@settings(deadline=None, max_examples=6)
@given(loop=st.sampled_from([60.0, 20.0]), data=st.data())
def test_the_order_in_which_topics_are_read_does_not_show(loop: float, data: st.DataObject) -> None:
    shell = RECORDED[loop]
    order = data.draw(st.randoms(use_true_random=False))
    reading = names(shell.topics)
    order.shuffle(reading)

    assert replayed(shell.topics, reading).published == shell.published


@pytest.mark.parametrize(
    "first", ["metrics", "capacity-updates", "forecasts", "scale-outcomes", "control"]
)
@pytest.mark.parametrize("loop", [60.0, 20.0])
def test_nor_does_it_when_one_topic_is_read_to_its_end_first(loop: float, first: str) -> None:
    shell = RECORDED[loop]
    reading = sorted(names(shell.topics), key=lambda name: (name != first, name))

    assert replayed(shell.topics, reading).published == shell.published


@pytest.mark.parametrize("loop", [60.0, 20.0])
def test_restarts_between_any_two_events_do_not_show(loop: float) -> None:
    shell = RECORDED[loop]
    reading = names(shell.topics)
    random.Random(3).shuffle(reading)

    assert replayed(shell.topics, reading, restarting=True).published == shell.published


def test_events_delivered_twice_change_nothing() -> None:
    shell = RECORDED[60.0]

    found = replayed(shell.topics, names(shell.topics), twice=True)

    assert found.published == shell.published


def test_all_topics_delivered_again_from_their_start_change_nothing() -> None:
    shell = RECORDED[60.0]
    found = replayed(shell.topics, names(shell.topics))
    state = found.state

    for events in shell.topics.values():
        for event in events:
            found.fold(event)

    assert found.published == shell.published
    assert found.state is state


@pytest.mark.parametrize("loop", [60.0, 20.0])
def test_a_decision_follows_from_its_inputs_alone(loop: float) -> None:
    shell = RECORDED[loop]
    every = [event for events in shell.topics.values() for event in events]
    rng = random.Random(5)

    for decision in shell.decisions:
        inputs = [event for event in every if event.id in decision.inputs]
        commands = [command for command in shell.commands if command.id in decision.inputs]
        assert len(inputs) + len(commands) == len(decision.inputs)
        again = Shell()
        again.state = PlannerState()
        for command in commands:
            again.fold(command)
        again.topics = grouped(inputs)
        reading = names(again.topics)
        rng.shuffle(reading)
        for topic in reading:
            again.deliver(topic)
        assert [found for found in again.decisions if found.tick == decision.tick] == [decision]


def grouped(events: Sequence[Event]) -> dict[str, list[Event]]:
    topics: dict[str, list[Event]] = {}
    for event in events:
        topics.setdefault(event.NAME, []).append(event)
    return topics


SIDE = {"scale-outcomes", "recoveries", "control"}


@pytest.mark.parametrize(
    ("before", "event", "expected"),
    [
        pytest.param([], metrics(15), set(), id="a report that closes no tick"),
        pytest.param([], closing(0), {"control"}, id="one that opens a tick"),
        pytest.param([capacity(0), forecast(0)], closing(0), SIDE, id="one that completes it"),
        pytest.param([capacity(0)], closing(0), {"control"}, id="one whose forecast is to come"),
        pytest.param([closing(0)], capacity(0), set(), id="a part that completes nothing"),
        pytest.param([closing(0), capacity(0)], forecast(0), SIDE, id="the last part"),
        pytest.param([closing(0), capacity(0)], forecast(60), set(), id="a part of a later tick"),
        pytest.param([closing(0)], metrics(29), set(), id="a report within the grace"),
        pytest.param(
            [closing(0)],
            metrics(30),
            SIDE | {"capacity-updates", "forecasts"},
            id="a report that shows the grace to have passed",
        ),
        pytest.param(
            [closing(0), capacity(0)],
            override(OverrideKind.PAUSE, at=0, until=900),
            set(),
            id="a control event",
        ),
    ],
)
def test_it_asks_for_what_else_must_be_read(
    before: list[Event], event: Event, expected: set[str]
) -> None:
    shell = running()
    shell.feed(*before)

    needed = shell.planner.needs(shell.control, shell.state, event)

    assert {other.NAME for other in needed} == expected


def test_while_the_spec_is_unknown_a_tick_with_its_capacity_counts_as_about_to_be_decided() -> None:
    state = PlannerState(capacities=(capacity(0),), forecasts=(forecast(0),))

    needed = Planner("rules").needs(JobControl(), state, closing(0))

    assert {other.NAME for other in needed} == SIDE
