"""The rule of Kubernetes' autoscaler as a planner on the topics."""

from datetime import UTC, datetime, timedelta

import pytest

from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Decision,
    Declaration,
    Event,
    JobMetrics,
    Promise,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Status,
    Worker,
)
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_simulator.hpa.service import Hpa, HpaState
from daedalus_simulator.simulator import declarations

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def spec(planner: str = "hpa") -> JobSpec:
    return declarations(1, "job", Policy(planner=planner, mode="act"), most=12)[0]


JOB = spec().job


def control(planner: str = "hpa") -> JobControl:
    declared = Declaration(job=JOB, at=at(-100), source="c", spec=spec(planner))
    return JobControl().fold(declared)


def report(seconds: float, workers: int | None, cpu: float = 0.5) -> JobMetrics:
    each = tuple(Worker(id=f"w{number}", cpu=cpu) for number in range(workers or 0))
    sample = Sample(at=at(seconds), scale_out=workers, workers=each)
    return JobMetrics(job=JOB, at=at(seconds), source="m", samples=(sample,))


class Fed:
    """The service and its state."""

    def __init__(self, planner: str = "hpa", speed: float = 1.0) -> None:
        self.service = Hpa(speed=speed)
        self.control = control(planner)
        self.state: HpaState | None = None

    def __call__(self, event: Event) -> list[ScaleCommand]:
        step = self.service.handle(self.control, self.state, event)
        self.state = step.state
        said = [each for each in step.events if isinstance(each, Decision)]
        commands = [each for each in step.events if isinstance(each, ScaleCommand)]
        assert [each.command for each in said] == [each.id for each in commands]
        assert [each.id for each in said] == [each.decision for each in commands]
        return commands


def applied(command: ScaleCommand, seconds: float) -> ScaleOutcome:
    return ScaleOutcome(
        job=JOB,
        at=at(seconds),
        tick=command.tick,
        source="executor/executor",
        command=command.id,
        to_scale_out=command.to_scale_out,
        generation=1,
        status=Status.APPLIED,
        promise=Promise(),
    )


@pytest.mark.parametrize(
    ("cpu", "wanted"), [(0.80, None), (0.87, None), (0.90, 5), (1.0, 5), (0.60, 3), (0.10, 1)]
)
def test_workers_follow_the_mean_cpu(cpu: float, wanted: int | None) -> None:
    fed = Fed()
    fed(report(15, 4, 0.8))

    commands = fed(report(400, 4, cpu))

    assert [each.to_scale_out for each in commands] == ([] if wanted is None else [wanted])


def test_a_command_is_waited_for_and_the_next_names_its_generation() -> None:
    fed = Fed()
    [first] = fed(report(15, 4, 1.0))

    assert fed(report(30, 4, 1.0)) == []
    fed(applied(first, 40))
    [second] = fed(report(45, 5, 1.0))

    assert (second.from_scale_out, second.expected_generation) == (5, 1)
    assert first.source == "planner/hpa"


@pytest.mark.parametrize(("speed", "until"), [(1.0, 315), (10.0, 42)])
def test_a_scale_down_waits_until_five_minutes_agree(speed: float, until: float) -> None:
    fed = Fed(speed=speed)
    fed(report(15, 4, 0.8))

    assert fed(report(until - 15, 4, 0.3)) == []
    [down] = fed(report(until + 5, 4, 0.3))

    assert down.to_scale_out == 2


def test_at_the_start_what_runs_counts_as_recommended() -> None:
    assert Fed()(report(15, 4, 0.1)) == []


def test_what_is_unknown_moves_nothing() -> None:
    fed = Fed()

    assert fed(report(15, None)) == []
    assert fed(report(15, 4, 1.0)) == []


def test_another_planners_job_is_left_alone() -> None:
    assert Fed("horizon")(report(15, 4, 1.0)) == []


def test_a_report_delivered_twice_counts_once() -> None:
    fed = Fed()
    fed(report(15, 4, 0.8))
    before = fed.state

    assert fed(report(15, 4, 0.8)) == []
    assert fed.state is before
