"""Decisions taken again from what was recorded."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from daedalus_analyzer.analyzer import Analyzer
from daedalus_forecaster.forecaster import Forecaster
from daedalus_planner.planner import Planner
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Decision,
    Event,
    Forecast,
    Forget,
    JobMetrics,
    Knowledge,
    Override,
    OverrideKind,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.topics import topic_of
from daedalus_simulator.backtest import play
from daedalus_simulator.controller import Stage
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.shapes import generate
from daedalus_simulator.domain.world import World
from daedalus_simulator.policies.daedalus import JOB, DaedalusPolicy, declared
from daedalus_simulator.remembered import Place
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


def test_what_is_said_again_after_a_restart_is_judged_once() -> None:
    events = recording()
    places = [number for number, event in enumerate(events) if isinstance(event, Decision)]
    end = places[len(places) // 2] + 1
    again = events[places[len(places) // 2 - 3] : end]  # from three ticks before on

    found = judged([*events[:end], *again, *events[end:]])

    assert Counter(each.verdict for each in found) == {Verdict.SAME: len(places)}


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


def with_snapshots(events: Iterable[Event]) -> Iterator[tuple[Event, Place | None]]:
    """Each event with its place, and what the services publish of their state after it."""
    stages: list[Stage[Any]] = [Stage(Analyzer()), Stage(Forecaster()), Stage(Planner("rules"))]
    covers: list[dict[str, int]] = [{} for _ in stages]
    offsets: Counter[str] = Counter()
    control = JobControl()
    for event in events:
        topic = topic_of(type(event))
        place = (topic, offsets[topic])
        offsets[topic] += 1
        yield event, place
        if isinstance(event, ControlEvent):
            control = control.fold(event)
        for stage, covered in zip(stages, covers, strict=True):
            before = stage.state
            stage.handle(control, event)
            if isinstance(event, stage.service.SOURCES):
                covered[topic] = place[1]
            if stage.state is not before and isinstance(event, JobMetrics) and event.tick:
                yield snapshot(stage, event, dict(covered)), None


def snapshot(stage: Stage[Any], event: Event, covers: dict[str, int]) -> Knowledge:
    assert stage.state is not None
    return Knowledge(
        job=JOB,
        at=event.at,
        source="any/one",
        kind=stage.service.KIND,
        instance=stage.service.instance,
        version=stage.service.VERSION,
        epoch=0,
        revision=1,
        covers=covers,
        state=stage.state.model_dump(mode="json"),
    )


@cache
def kept() -> tuple[tuple[Event, Place | None], ...]:
    """The declaration, and the second half of the recording with snapshots."""
    placed = list(with_snapshots(recording()))
    return (placed[0], *placed[len(placed) // 2 :])


def second_half(
    change: Callable[[Event], Event] = lambda each: each,
) -> tuple[Replay, list[Judged]]:
    """Replay the second half; events are changed before."""
    replay = Replay(JOB)
    found = [one for event, place in kept() for one in replay.feed(change(event), place)]
    return replay, [*found, *replay.finish()]


def test_a_recording_that_begins_midway_is_judged_wholly_from_snapshots_on() -> None:
    replay, found = second_half()

    assert {each.verdict for each in found[3:]} == {Verdict.SAME}
    assert Verdict.DIFFERENT not in {each.verdict for each in found}
    assert all(each.whole for each in found[3:])
    assert replay.restored is not None
    assert found[0].tick < replay.restored <= found[3].tick


def test_what_was_tampered_with_after_a_snapshot_is_found() -> None:
    last = [each for each in recording() if isinstance(each, JobMetrics)][-20]

    def tamper(event: Event) -> Event:
        if event.id != last.id or not isinstance(event, JobMetrics):
            return event
        before = event.samples[0]
        sample = before.model_copy(update={"workload": (before.workload or 0.0) * 1.01})
        return event.model_copy(update={"samples": (sample, *event.samples[1:])})

    _, found = second_half(tamper)

    first = next(each for each in found if each.verdict is Verdict.DIFFERENT)
    assert first.why.endswith("first CapacityUpdate.workload.mean")


def test_a_snapshot_of_another_version_is_of_no_use() -> None:
    def older(event: Event) -> Event:
        return event.model_copy(update={"version": 99}) if isinstance(event, Knowledge) else event

    replay, found = second_half(older)

    assert replay.restored is None
    assert not any(each.whole for each in found)
    assert Verdict.DIFFERENT not in {each.verdict for each in found}


def test_without_the_spec_nothing_can_be_judged() -> None:
    found = judged(recording()[1:])

    assert {each.verdict for each in found} == {Verdict.UNJUDGED}
    assert {each.why for each in found} == {"the job's spec of that time is not in the recording"}


def test_another_planners_decisions_are_not_judged() -> None:
    """Such as the HPA's: by rules of its own, and as reports come rather than once a tick."""
    update = {"source": "planner/hpa", "planner": "hpa", "sentence": "90% of the CPU is used."}
    foreign: list[Event] = []
    for event in recording():
        if isinstance(event, Decision):
            early = event.tick - timedelta(seconds=15)
            another = event.model_copy(update=update)
            foreign += [another.model_copy(update={"at": early, "tick": early}), another]
        elif not isinstance(event, ScaleCommand):
            foreign.append(event)

    found = judged(foreign)

    assert {each.verdict for each in found} == {Verdict.UNJUDGED}
    assert {each.why for each in found} == {"hpa may decide by another plan, or be another program"}


def written(raw: Iterable[Event], *services: Any) -> list[Event]:
    """What lies on the topics where services answer these events; they read control at once."""
    stages = [Stage[Any](service) for service in services]
    control = JobControl()
    taken: list[Event] = []
    for event in raw:
        waiting = deque([event])
        while waiting:
            one = waiting.popleft()
            taken.append(one)
            if isinstance(one, ControlEvent):
                control = control.fold(one)
            waiting += [said for stage in stages for said in stage.handle(control, one)]
    return taken


def unanswered(declaration: Event | None = None) -> list[Event]:
    """Reports and outcomes of the run, and what declares its job."""
    first, *others = recording()
    return [declaration or first, *(e for e in others if isinstance(e, (JobMetrics, ScaleOutcome)))]


@pytest.mark.parametrize("plan", ["rules", "horizon"])
def test_a_planner_whose_name_tells_no_plan_is_judged_by_the_one_that_it_decides_by(
    plan: str,
) -> None:
    events = [e for e in recording() if not isinstance(e, (Decision, ScaleCommand))]
    both = written(events, Planner("rules"), Planner("mine", plan))

    found = judged(both)

    verdicts = Counter((each.planner, each.verdict) for each in found)
    assert verdicts.keys() == {("rules", Verdict.SAME), ("mine", Verdict.SAME)}
    assert verdicts["mine", Verdict.SAME] == verdicts["rules", Verdict.SAME]


def asked_late(late: Callable[[datetime], Event]) -> tuple[list[Event], Decision]:
    """A run in which something was asked for before a rescale's tick, and read after it."""
    recorded = [each for each in recording() if isinstance(each, Decision) and each.command]
    tick = recorded[-1].tick
    raw: list[Event] = []
    for event in unanswered():
        raw.append(event)
        if isinstance(event, JobMetrics) and event.tick == tick:
            raw.append(late(tick))
    events = written(raw, Analyzer(), Forecaster(), Planner("rules"))
    return events, next(e for e in events if isinstance(e, Decision) and e.tick == tick)


def pause(tick: datetime) -> Override:
    at = tick - timedelta(seconds=50)
    return Override(
        job=JOB, at=at, source="console/ada", author="ada", kind=OverrideKind.PAUSE,
        until=at + timedelta(minutes=3),
    )  # fmt: skip


def forget(tick: datetime) -> Forget:
    at = tick - timedelta(seconds=10)
    return Forget(job=JOB, at=at, source="console/ada", author="ada", stays_declared=False)


@pytest.mark.parametrize(("late", "name"), [(pause, "Override"), (forget, "Forget")])
def test_what_people_asked_for_too_late_is_withheld_and_said(
    late: Callable[[datetime], Event], name: str
) -> None:
    events, before = asked_late(late)
    assert before.command is not None

    found = {each.tick: each for each in judged(events)}

    assert found.pop(before.tick).why.startswith(f"{name}: it came too late")
    assert {each.verdict for each in found.values()} == {Verdict.SAME}


def test_what_is_tampered_with_is_found_beside_what_came_too_late() -> None:
    events, late = asked_late(pause)
    events = changed(events, lambda event: event == late, lag=123.0)

    found = {each.tick: each for each in judged(events)}

    assert found[late.tick].verdict is Verdict.DIFFERENT
    assert [each.field for each in found[late.tick].differences] == ["lag"]


def test_an_outcome_that_came_too_late_is_withheld_and_said() -> None:
    outcome = [each for each in recording() if isinstance(each, ScaleOutcome)][-1]
    counts_from = outcome.at + timedelta(seconds=30)
    raw: list[Event] = []
    held: Event | None = None
    for event in unanswered():
        if event == outcome:
            held = event
            continue
        raw.append(event)
        if held and isinstance(event, JobMetrics) and event.tick and event.tick >= counts_from:
            raw.append(held)
            late, held = event.tick, None
    events = written(raw, Analyzer(), Forecaster(), Planner("rules"))

    found = {each.tick: each for each in judged(events)}

    assert found.pop(late).why.startswith("ScaleOutcome: it came too late")
    assert {each.verdict for each in found.values()} == {Verdict.SAME}


@pytest.mark.parametrize(
    ("services", "source"),
    [
        pytest.param((Analyzer("blue"), Forecaster()), "analyzer/blue", id="analyzer"),
        pytest.param((Analyzer(), Forecaster("mine")), "forecaster/mine", id="forecaster"),
    ],
)
def test_what_is_taken_as_recorded_is_told_with_whose_it_is(
    services: tuple[Any, ...], source: str
) -> None:
    policy = {"planner": "rules", "forecaster": services[1].instance}
    declaration = recording()[0].model_copy(update={"spec": declared(policy=policy)})

    found = judged(written(unanswered(declaration), *services, Planner("rules")))

    assert {(each.verdict, each.whole, each.taken) for each in found} == {
        (Verdict.SAME, False, (source,))
    }


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
