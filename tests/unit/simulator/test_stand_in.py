"""A simulated job on the topics: what is reported and answered, told what time it is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from daedalus_shared.events import (
    Declaration,
    Event,
    Forget,
    JobMetrics,
    Promise,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.simulator import Scene, Simulator, declarations, undeclared

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
RATE = 10_000.0
TRACES = (Trace("steady", np.full(1200, RATE)),)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def spec(speed: float = 1.0, mode: str = "act") -> JobSpec:
    policy = Policy.model_validate({"mode": mode, "planner": "p"}).compressed(speed)
    return declarations(1, "sim", policy, most=18)[0]


JOB = spec().job


def started(speed: float = 1.0, mode: str = "act", history: tuple[Event, ...] = ()) -> Simulator:
    """Return a simulator with one job, declared long enough ago to count from the first tick."""
    declared = Declaration(job=JOB, at=at(-100), source="c", spec=spec(speed, mode))
    found = Simulator(
        "simulator/sim", Scene(traces=TRACES, speed=speed, workers=12), lambda _: True
    )
    found.restore([declared, *history])
    found.begin(START)
    return found


def command(tick: float, to: int, came_from: int = 12, generation: int = 0) -> ScaleCommand:
    return ScaleCommand(
        job=JOB,
        at=at(tick),
        tick=at(tick),
        source="planner/p",
        from_scale_out=came_from,
        to_scale_out=to,
        expected_generation=generation,
        expires_at=at(tick + 120),
        decision="d",
        promise=Promise(),
    )


def played(simulator: Simulator, until: float) -> list[Event]:
    return simulator.advance(at(until), 100_000)


def reports(events: list[Event]) -> list[JobMetrics]:
    return [event for event in events if isinstance(event, JobMetrics)]


def outcomes(events: list[Event]) -> list[ScaleOutcome]:
    return [event for event in events if isinstance(event, ScaleOutcome)]


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_the_job_is_reported_as_a_monitor_would(speed: float) -> None:
    found = reports(played(started(speed), 180 / speed))

    gaps = {(later.at - now.at).total_seconds() for now, later in pairwise(found)}
    assert gaps == {15 / speed}
    assert all(len(each.samples) == 3 for each in found[1:])
    ticks = [each.tick for each in found if each.tick is not None]
    assert len(ticks) == 3
    last = found[-1].samples[-1]
    assert last.scale_out == len(last.workers) == 12
    assert last.workload == RATE
    assert sum(worker.throughput or 0.0 for worker in last.workers) == pytest.approx(RATE)
    assert last.uptime is not None
    assert last.uptime > 100 / speed
    assert found[-1].checkpoint_interval == 10 / speed


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_a_command_is_carried_out_at_the_jobs_speed(speed: float) -> None:
    simulator = started(speed)
    played(simulator, 60)

    assert simulator.handle(command(60, 15), at(60)) == ()
    events = played(simulator, 60 + 100 / speed)

    [outcome] = outcomes(events)
    assert (outcome.status, outcome.generation, outcome.scale_out) == (Status.APPLIED, 1, 15)
    assert outcome.started_at == at(60)
    assert outcome.downtime is not None
    assert 21 <= outcome.downtime * speed <= 39
    assert outcome.converged_at == outcome.at
    assert 0 <= (outcome.at - at(60)).total_seconds() - outcome.downtime <= 1 / speed
    down = [s for each in reports(events) for s in each.samples if s.scale_out is None]
    assert max(s.lag or 0.0 for s in down) * speed > 10 * RATE
    assert reports(events)[-1].samples[-1].scale_out == 15


def test_a_command_delivered_twice_is_carried_out_once() -> None:
    simulator = started()
    played(simulator, 60)

    simulator.handle(command(60, 15), at(60))
    simulator.handle(command(60, 15), at(61))
    first = outcomes(played(simulator, 120))
    simulator.handle(command(60, 15), at(121))

    assert len(first) == 1
    assert outcomes(played(simulator, 300)) == []


@pytest.mark.parametrize(
    ("given", "came", "status"),
    [
        (command(60, 15), 180, Status.EXPIRED),
        (command(60, 12), 60, Status.ALREADY_THERE),
        (command(60, 15, came_from=9), 60, Status.REFUSED),
        (command(60, 15, generation=3), 60, Status.REFUSED),
        (command(60, 40), 60, Status.REFUSED),
        (command(60, 15).model_copy(update={"source": "planner/other"}), 60, Status.REFUSED),
        (command(60, 15).model_copy(update={"dry_run": True}), 60, Status.WOULD_APPLY),
    ],
    ids=["expired", "already there", "from", "generation", "bounds", "planner", "dry run"],
)
def test_a_command_is_checked_as_the_executor_does(
    given: ScaleCommand, came: float, status: Status
) -> None:
    simulator = started()
    played(simulator, came)

    [outcome] = simulator.handle(given, at(came))

    assert isinstance(outcome, ScaleOutcome)
    assert (outcome.status, outcome.generation) == (status, 0)
    assert reports(played(simulator, came + 60))[-1].samples[-1].scale_out == 12


def test_in_advise_nothing_is_changed() -> None:
    simulator = started(mode="advise")

    [outcome] = simulator.handle(command(60, 15), at(60))

    assert isinstance(outcome, ScaleOutcome)
    assert outcome.status is Status.REFUSED


def test_a_command_during_a_rescale_waits_and_is_then_judged_anew() -> None:
    simulator = started()
    played(simulator, 60)
    simulator.handle(command(60, 15), at(60))
    assert simulator.handle(command(70, 10, came_from=15, generation=1), at(70)) == ()

    first, second = outcomes(played(simulator, 200))

    assert (first.scale_out, second.scale_out) == (15, 10)
    assert second.started_at == first.converged_at
    assert second.generation == 2


def test_a_simulator_started_again_carries_on_where_the_outcomes_say() -> None:
    before = started()
    played(before, 60)
    before.handle(command(60, 15), at(60))
    answered = outcomes(played(before, 120))

    again = started(history=tuple(answered))
    again.handle(command(60, 15), at(125))
    again.handle(command(120, 10, came_from=15, generation=1), at(125))
    events = played(again, 240)

    assert [(each.scale_out, each.generation) for each in outcomes(events)] == [(10, 2)]
    assert outcomes(events)[0].from_scale_out == 15


def test_outcomes_of_others_are_not_taken_for_own_ones() -> None:
    before = started()
    before.handle(command(60, 15), at(60))
    [outcome] = outcomes(played(before, 120))

    again = started(history=(outcome.model_copy(update={"source": "executor/executor"}),))

    assert reports(played(again, 60))[-1].samples[-1].scale_out == 12


def test_the_world_begins_again_when_it_ends() -> None:
    found = reports(played(started(10.0), 300))

    assert len(found) == 200
    assert {s.workload for each in found for s in each.samples} == {RATE}


def test_an_outage_at_the_worlds_end_goes_on_in_the_next() -> None:
    simulator = started()
    job = simulator.jobs[JOB]
    left = job.world.seconds - job.job.second
    played(simulator, left - 5)
    simulator.handle(command(left - 5, 15), at(left - 5))

    [outcome] = outcomes(played(simulator, left + 60))

    assert outcome.downtime is not None
    assert outcome.converged_at is not None
    assert 0 <= (outcome.converged_at - at(left - 5)).total_seconds() - outcome.downtime <= 1


def test_a_forgotten_job_is_no_longer_played() -> None:
    simulator = started()
    played(simulator, 60)

    simulator.handle(Forget(job=JOB, at=at(60), source="c", author="me"), at(60))

    assert played(simulator, 600) == []
    assert simulator.due is None


def test_only_what_is_not_declared_alike_is_declared() -> None:
    simulator = started()
    specs = declarations(3, "sim", spec().policy, most=18)

    found = undeclared(specs, simulator, START)

    assert [each.job for each in found] == ["sim-0001", "sim-0002"]
