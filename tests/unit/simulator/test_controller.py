"""The whole loop in one object: fed by a hand-made monitor, however that works."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from daedalus_shared.events import (
    Answer,
    Approval,
    CapacityUpdate,
    Decision,
    Declaration,
    Event,
    Forecast,
    Forget,
    JobMetrics,
    Override,
    OverrideKind,
    Recovery,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Status,
    Worker,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.ticks import next_end
from daedalus_simulator.controller import Controller

START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def spec(**policy: Any) -> JobSpec:
    return JobSpec.model_validate(
        {
            "job": "ysb",
            "engine": {"kind": "flink", "rest": "http://none"},
            "input": {"bootstrap": "none:9092", "topics": ["in"], "group": "ysb"},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 12},
            "policy": {"mode": "act", "planner": "rules", **policy},
        }
    )


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@dataclass
class Feed:
    """A job of 100 records/s a worker, and a monitor of any habits."""

    scale_out: int = 8
    every: int = 5
    """Seconds between two samples."""
    report: int = 15
    """Seconds between two reports."""
    stamps: bool = False
    loop: float = 60.0
    up_since: int = -3600
    down_until: int = 0
    lag: float = 0.0

    def arrivals(self, second: int) -> float:
        return 300 + 100 * float(np.sin(second / 700)) + 5 * float(np.sin(second / 7))

    def sample(self, second: int) -> Sample:
        rate = self.arrivals(second)
        possible = 0.0 if second <= self.down_until else 100.0 * self.scale_out * self.every
        done = min(self.lag + rate * self.every, possible)
        self.lag = max(0.0, self.lag + rate * self.every - done)
        each = done / self.every / self.scale_out
        workers = tuple(
            Worker(id=f"w{n}", cpu=min(1.0, 0.1 + 0.9 * each / 100), throughput=each)
            for n in range(self.scale_out)
        )
        uptime = float(max(0, second - self.up_since))
        return Sample(
            at=at(second),
            scale_out=self.scale_out,
            workload=rate,
            lag=self.lag,
            uptime=uptime,
            workers=workers,
        )

    def reports(self, seconds: int, begin: int = 0) -> Iterator[tuple[int, JobMetrics]]:
        samples: list[Sample] = []
        due = next_end("ysb", self.loop, at(begin))
        for second in range(begin + 1, seconds + 1):
            if (second - begin) % self.every == 0:
                samples.append(self.sample(second))
            if (second - begin) % self.report == 0:
                tick = None
                if self.stamps and at(second) >= due:
                    tick, due = at(second), next_end("ysb", self.loop, at(second))
                yield (
                    second,
                    JobMetrics(
                        job="ysb", at=at(second), source="m/x", samples=tuple(samples), tick=tick
                    ),
                )
                samples = []

    def carried_out(self, command: ScaleCommand, second: int, outage: int) -> ScaleOutcome:
        before, self.scale_out = self.scale_out, command.to_scale_out
        self.down_until = self.up_since = second + outage
        return ScaleOutcome(
            job="ysb",
            at=at(second + outage),
            tick=command.tick,
            source="executor/x",
            command=command.id,
            from_scale_out=before,
            to_scale_out=self.scale_out,
            scale_out=self.scale_out,
            generation=1,
            status=Status.APPLIED,
            downtime=float(outage),
            started_at=at(second),
            converged_at=at(second + outage),
            promise=command.promise,
        )


def played(controller: Controller, feed: Feed, seconds: int, outage: int = 25) -> list[Event]:
    """Feed a controller; carry out its commands at once, and answer when the job runs again."""
    found: list[Event] = []
    waiting: list[ScaleOutcome] = []
    for second, report in feed.reports(seconds):
        for outcome in [each for each in waiting if each.at <= at(second)]:
            waiting.remove(outcome)
            found += controller.observe(outcome)
        said = controller.observe(report)
        found += said
        waiting += [
            feed.carried_out(each, second, outage)
            for each in said
            if isinstance(each, ScaleCommand) and not each.dry_run
        ]
    return found


def decisions(events: list[Event]) -> list[Decision]:
    return [event for event in events if isinstance(event, Decision)]


@pytest.mark.parametrize(
    "feed",
    [
        Feed(),
        Feed(stamps=True),
        Feed(every=1),
        Feed(every=5, report=5),
        Feed(every=1, report=1),
        Feed(every=10, report=30),
        Feed(every=5, report=60),
    ],
    ids=["usual", "stamped", "1-s-samples", "5-s-reports", "1-s-reports", "30-s", "60-s-reports"],
)
def test_any_monitor_leads_to_a_decision_a_loop_on_all_inputs(feed: Feed) -> None:
    found = played(Controller(spec()), feed, 1200)

    ticks = [each.tick for each in decisions(found)]
    assert [(b - a).total_seconds() for a, b in pairwise(ticks)] == [60.0] * (len(ticks) - 1)
    assert len(ticks) >= 19
    assert ticks[0] - START <= timedelta(seconds=60)
    assert [each.tick for each in found if isinstance(each, CapacityUpdate)] == ticks
    # The first tick may come before there is anything to forecast from.
    assert [each.tick for each in found if isinstance(each, Forecast)][-len(ticks) + 1 :] == ticks[
        1:
    ]
    assert not any("missing" in mark for each in decisions(found)[1:] for mark in each.marks)


def test_a_job_that_idles_is_scaled_down_and_its_recovery_seen() -> None:
    found = played(Controller(spec()), Feed(), 1800)

    commands = [event for event in found if isinstance(event, ScaleCommand)]
    assert commands
    assert (commands[0].from_scale_out, commands[0].dry_run) == (8, False)
    assert commands[0].to_scale_out < 8
    recoveries = [event for event in found if isinstance(event, Recovery)]
    assert recoveries[0].command == commands[0].id
    assert recoveries[0].downtime == 25
    after = [event for event in found if isinstance(event, CapacityUpdate)][-1]
    assert after.downtime_down.seen >= 1
    assert after.downtime_down.mean == pytest.approx(25.0)


def test_events_of_a_tick_come_in_the_order_of_their_causes() -> None:
    controller = Controller(spec())
    for _, report in Feed().reports(1500):
        said = controller.observe(report)
        if any(isinstance(event, ScaleCommand) for event in said):
            break

    assert [type(event) for event in said] == [CapacityUpdate, Forecast, Decision, ScaleCommand]


def test_nobody_answers_so_no_second_command_falls_while_the_first_may_be_carried_out() -> None:
    controller, commands = Controller(spec()), []
    for _, report in Feed().reports(1800):
        commands += [
            event for event in controller.observe(report) if isinstance(event, ScaleCommand)
        ]

    void = timedelta(seconds=2 * 60 + 120 + 30)
    assert len(commands) > 1
    assert min(b.tick - a.tick for a, b in pairwise(commands)) >= void


def test_in_mode_advise_all_is_a_dry_run() -> None:
    found = played(Controller(spec(mode="advise")), Feed(), 1500)

    assert all(each.dry_run for each in decisions(found))
    assert all(each.dry_run for each in found if isinstance(each, ScaleCommand))


def test_the_decisions_are_the_same_each_time() -> None:
    first, again = (played(Controller(spec()), Feed(), 1500) for _ in range(2))

    assert [each.model_dump_json() for each in first] == [each.model_dump_json() for each in again]


def test_a_json_round_trip_of_every_state_at_each_report_changes_nothing() -> None:
    class Forgetful(Controller):
        def observe(self, event: Event) -> list[Event]:
            found = super().observe(event)
            for stage in (self.analyzer, self.forecaster, self.planner):
                if stage.state is not None:
                    text = stage.state.model_dump_json()
                    stage.state = stage.service.STATE.model_validate_json(text)  # type: ignore[assignment]
            return found

    direct = played(Controller(spec()), Feed(), 1500)
    restored = played(Forgetful(spec()), Feed(), 1500)

    assert [each.model_dump_json() for each in restored] == [
        each.model_dump_json() for each in direct
    ]


def test_an_override_counts_from_the_first_tick_after_the_grace() -> None:
    controller, feed = Controller(spec()), Feed()
    pin = Override(
        job="ysb",
        at=at(1),
        source="console/x",
        kind=OverrideKind.PIN,
        scale_out=11,
        until=at(9999),
        author="ann",
    )
    controller.observe(pin)

    found = played(controller, feed, 180)

    commands = [event for event in found if isinstance(event, ScaleCommand)]
    assert [each.to_scale_out for each in commands] == [11]
    assert commands[0].tick >= pin.at + timedelta(seconds=30)


def test_a_new_declaration_takes_the_place_of_the_spec() -> None:
    controller = Controller(spec())
    wider = spec(planner="rules").model_copy(
        update={"scale": spec().scale.model_copy(update={"min": 10})}
    )
    controller.observe(Declaration(job="ysb", at=at(2), source="console/x", spec=wider))

    found = played(controller, Feed(), 240)

    assert [e.to_scale_out for e in found if isinstance(e, ScaleCommand)] == [10]


def test_a_new_declaration_may_name_another_planner() -> None:
    controller = Controller(spec())
    other = Declaration(job="ysb", at=at(200), source="console/x", spec=spec(planner="horizon"))
    found = []
    for second, report in Feed().reports(400):
        if second == 210:
            controller.observe(other)
        found += controller.observe(report)

    names = [each.planner for each in decisions(found)]
    assert (names[0], names[-1]) == ("rules", "horizon")
    assert not any(each.shadow for each in decisions(found))


def test_a_forgotten_job_is_decided_no_more() -> None:
    controller, feed = Controller(spec()), Feed()
    played(controller, feed, 300)
    controller.observe(Forget(job="ysb", at=at(301), source="console/x", author="ann"))

    found = [each for _, report in feed.reports(600, 301) for each in controller.observe(report)]

    assert found == []
    assert controller.analyzer.state is None
    assert controller.planner.state is None


def test_a_job_that_is_learned_anew_goes_on_from_the_first_tick_that_counts_it() -> None:
    controller, feed = Controller(spec()), Feed()
    before = played(controller, feed, 600)
    controller.observe(
        Forget(job="ysb", at=at(601), source="console/x", author="ann", stays_declared=True)
    )

    found = [each for _, report in feed.reports(900, 600) for each in controller.observe(report)]

    loops = [each.loop for each in (*before, *found) if isinstance(each, CapacityUpdate)]
    assert loops == [*range(1, 11), *range(1, 6)]
    assert len(decisions(found)) == 5, "none is left out"


def approving(controller: Controller, feed: Feed, word: Answer, seconds: int) -> list[Event]:
    """Play a job, and answer the first decision that asks, ten seconds after it."""
    found: list[Event] = []
    asked: Decision | None = None
    for second, report in feed.reports(seconds):
        said = controller.observe(report)
        found += said
        for command in [each for each in said if isinstance(each, ScaleCommand)]:
            controller.observe(feed.carried_out(command, second, 20))
        if asked is None and (asking := [each for each in decisions(said) if each.asked]):
            asked = asking[0]
            assert asked.asked is not None
            controller.observe(
                Approval(
                    job="ysb",
                    at=at(second + 10),
                    source="console/ann",
                    decision=asked.id,
                    author="ann",
                    answer=word,
                    from_scale_out=asked.scale_out,
                    scale_out=asked.asked.scale_out,
                    until=at(second + 900),
                )
            )
    return found


@pytest.mark.parametrize("mode", ["act", "advise"])
def test_a_rescale_waits_for_its_approval_and_follows_at_the_next_tick(mode: str) -> None:
    policy = {"approval": "required", "mode": mode}

    found = approving(Controller(spec(**policy)), Feed(), Answer.APPROVE, 900)

    told = [(each.tick, each.asked.state) for each in decisions(found) if each.asked]
    (first, waits), (second, passes) = told[:2]
    assert (waits, passes) == ("awaiting", "approved")
    assert second - first == timedelta(minutes=1)
    commands = [each for each in found if isinstance(each, ScaleCommand)]
    assert commands[0].tick == second
    assert commands[0].dry_run is (mode == "advise")


def test_a_rejected_rescale_is_not_commanded_and_the_job_goes_on() -> None:
    found = approving(Controller(spec(approval="required")), Feed(), Answer.REJECT, 900)

    assert not [each for each in found if isinstance(each, ScaleCommand)]
    assert {each.asked.state for each in decisions(found) if each.asked} >= {"rejected"}
    assert len(decisions(found)) == 15


def test_an_outage_in_which_nothing_is_known_leads_to_no_command() -> None:
    controller, feed = Controller(spec()), Feed()
    played(controller, feed, 900)
    blind = [
        JobMetrics(
            job="ysb",
            at=at(second),
            source="m/x",
            samples=(Sample(at=at(second), workload=300.0, unknown={"workers": "no answer"}),),
        )
        for second in range(915, 1200, 15)
    ]

    found = [each for report in blind for each in controller.observe(report)]

    assert len(decisions(found)) >= 4
    assert not [each for each in found if isinstance(each, ScaleCommand)]


@pytest.mark.parametrize("again", [1, 3], ids=["twice", "four-times"])
def test_reports_that_come_again_change_nothing(again: int) -> None:
    class Stutter(Controller):
        def observe(self, event: Event) -> list[Event]:
            found = super().observe(event)
            for _ in range(again):
                assert super().observe(event) == []
            return found

    once, often = (played(kind(spec()), Feed(), 900) for kind in (Controller, Stutter))

    assert [each.id for each in often] == [each.id for each in once]


def test_what_it_said_may_be_fed_back_as_a_recorded_topic_would() -> None:
    class Echo(Controller):
        def observe(self, event: Event) -> list[Event]:
            found = super().observe(event)
            for said in found:
                assert super().observe(said) == []
            return found

    once, echoed = (played(kind(spec()), Feed(), 1500) for kind in (Controller, Echo))

    assert [each.id for each in echoed] == [each.id for each in once]


def test_an_event_of_another_job_is_refused() -> None:
    with pytest.raises(ValueError, match="is of job 'other', not 'ysb'"):
        Controller(spec()).observe(JobMetrics(job="other", at=at(0), source="m/x", samples=()))
