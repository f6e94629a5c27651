"""Decisions taken again from what was recorded."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache

import pytest

from daedalus_planner.planner import Planner
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    ScaleCommand,
)
from daedalus_simulator.backtest import play
from daedalus_simulator.controller import Stage
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.shapes import generate
from daedalus_simulator.domain.world import World
from daedalus_simulator.policies.daedalus import JOB, DaedalusPolicy, declared
from daedalus_simulator.replay import Judged, Replay, Verdict

MINUTES = 40
"""Enough for some rescales, and their recoveries."""


@cache
def recording(planner: str = "rules") -> tuple[Event, ...]:
    """What the services would have put on the topics in a run, in its order."""
    rates = generate("sine", seed=1, seconds=60 * MINUTES).rates
    policy = DaedalusPolicy(declared(policy={"planner": planner}), keep=True)
    play(World(rates, ENGINES["flink"], 1), policy)
    return (*policy._controller._control.declarations, *policy.events)


def judged(events: Iterable[Event]) -> list[Judged]:
    replay = Replay(JOB)
    found = [one for event in events for one in replay.feed(event)]
    return [*found, *replay.finish()]


def changed(
    events: Sequence[Event], which: Callable[[Event], bool], **update: object
) -> list[Event]:
    """Return the events with the last that fits changed."""
    place = max(number for number, event in enumerate(events) if which(event))
    found = list(events)
    found[place] = found[place].model_copy(update=update)
    return found


@pytest.mark.parametrize("planner", ["rules", "horizon"])
def test_a_run_decides_the_same_again(planner: str) -> None:
    events = recording(planner)
    decisions = [event for event in events if isinstance(event, Decision)]
    assert sum(each.command is not None for each in decisions) >= 2

    found = judged(events)

    assert [each.tick for each in found] == [each.tick for each in decisions]
    assert Counter(each.verdict for each in found) == {Verdict.SAME: len(decisions)}
    assert all(each.whole for each in found)


def test_events_that_come_twice_change_nothing() -> None:
    doubled = [event for event in recording() for _ in range(2)]

    assert {each.verdict for each in judged(doubled)} == {Verdict.SAME}


def test_a_tampered_metric_is_found_with_its_tick_and_field() -> None:
    events = list(recording())
    place = len(events) // 2
    place = next(n for n in range(place, len(events)) if isinstance(events[n], JobMetrics))
    report = events[place]
    assert isinstance(report, JobMetrics)
    before = report.samples[0]
    sample = before.model_copy(update={"workload": (before.workload or 0.0) * 1.01})
    events[place] = report.model_copy(update={"samples": (sample, *report.samples[1:])})

    first = next(each for each in judged(events) if each.verdict is not Verdict.SAME)

    assert first.verdict is Verdict.DIFFERENT
    assert timedelta(0) <= first.tick - report.at < timedelta(minutes=1)
    assert first.why.endswith("first CapacityUpdate.workload.mean")
    recorded = first.differences[0]
    assert recorded.recorded != recorded.replayed


@pytest.mark.parametrize(
    ("kind", "update", "why"),
    [
        pytest.param(Decision, {"chosen": 17}, "first Decision.chosen", id="decision"),
        pytest.param(ScaleCommand, {"to_scale_out": 17}, "first ScaleCommand.to", id="command"),
        pytest.param(CapacityUpdate, {"lag": 123.0}, "first CapacityUpdate.lag", id="capacity"),
        pytest.param(Forecast, {"wape": 0.123}, "first Forecast.wape", id="forecast"),
    ],
)
def test_whatever_is_tampered_with_is_named(
    kind: type[Event], update: dict[str, object], why: str
) -> None:
    found = judged(changed(recording(), lambda event: isinstance(event, kind), **update))

    (different,) = [each for each in found if each.verdict is not Verdict.SAME]
    assert different.verdict is Verdict.DIFFERENT
    assert why in different.why


def test_a_recording_that_begins_midway_judges_the_planner_alone() -> None:
    events = recording()
    midway = len(events) // 2
    found = judged([events[0], *events[midway:]])

    assert not any(each.whole for each in found)
    verdicts = [each.verdict for each in found]
    assert Verdict.DIFFERENT not in verdicts
    assert verdicts.count(Verdict.SAME) > len(found) / 2
    lacking = [each for each in found if each.verdict is Verdict.UNJUDGED]
    assert all("not in the recording" in each.why for each in lacking)


def test_without_the_spec_nothing_can_be_judged() -> None:
    found = judged(recording()[1:])

    assert {each.verdict for each in found} == {Verdict.UNJUDGED}
    assert {each.why for each in found} == {"the job's spec of that time is not in the recording"}


def test_another_planners_decisions_are_not_judged() -> None:
    foreign = [
        event.model_copy(update={"source": "planner/hpa-code"})
        if isinstance(event, Decision)
        else event
        for event in recording()
    ]

    found = judged(foreign)
    assert {each.why for each in found} == {"planner/hpa-code is not this code"}


def test_what_came_too_late_is_withheld_and_said() -> None:
    """A forecast that its decision had to do without, and that came after it."""
    events = [each for each in recording() if not isinstance(each, (Decision, ScaleCommand))]
    ticks = [each.tick for each in events if isinstance(each, Forecast)]
    late = ticks[len(ticks) // 2]
    control = JobControl()
    planner = Stage(Planner("horizon"))
    taken: list[Event] = []
    held: Event | None = None
    for event in events:
        if isinstance(event, ControlEvent):
            control = control.fold(event)
        if isinstance(event, Forecast) and event.tick == late:
            held = event
            continue
        said = planner.handle(control, event)
        taken += [event, *said]
        if held is not None and any(isinstance(each, Decision) for each in said):
            taken += [held, *planner.handle(control, held)]
            held = None

    found = {each.tick: each for each in judged(taken)}

    assert found[late].verdict is Verdict.UNJUDGED
    assert found[late].why.startswith("forecast_missing: it came too late")
    others = {each.verdict for tick, each in found.items() if tick != late}
    assert others == {Verdict.SAME}
