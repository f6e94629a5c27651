"""The simulator as a process on a real broker: what it plays, obeys once, and finds again."""

import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daedalus_shared.events import (
    Declaration,
    Forget,
    JobMetrics,
    Promise,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from harness.broker import Broker, Tap
from harness.replicas import Replica, running
from harness.services import service

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

JOBS = ("sim-0000", "sim-0001", "sim-0002")
SPEED = "20"
PATIENCE = 240.0


@pytest.fixture
def simulator(broker: Broker, tmp_path: Path) -> Iterator[Replica]:
    # A planner that does not run: the test commands.
    settings = {"JOBS": str(len(JOBS)), "SPEED": SPEED, "PLANNER": "test", "WORKERS": "6"}
    found = service("simulator", 0, broker, tmp_path, **settings)
    with running(found):
        yield found


@pytest.fixture
def tap(broker: Broker) -> Iterator[Tap]:
    found = broker.tap(Declaration, JobMetrics, ScaleOutcome)
    yield found
    found.close()


def reports(tap: Tap, job: str) -> list[JobMetrics]:
    return [
        each.event
        for each in tap.found
        if isinstance(each.event, JobMetrics) and each.event.job == job
    ]


def workers(tap: Tap, job: str) -> int | None:
    samples = [sample for report in reports(tap, job) for sample in report.samples]
    return samples[-1].scale_out if samples else None


def outcomes(tap: Tap) -> list[ScaleOutcome]:
    return [each.event for each in tap.found if isinstance(each.event, ScaleOutcome)]


def obeyed(tap: Tap, to: int, told: int) -> bool:
    """Whether the first job has so many workers, and so many outcomes are told: in any order."""
    return workers(tap, JOBS[0]) == to and len(outcomes(tap)) >= told


def scraped(simulator: Replica, holds: Callable[[str], bool]) -> str:
    """Return what Prometheus would read, once it is as wanted."""
    told = simulator.log.read_text().split("healthz, readyz and metrics at ")[-1]
    port = re.findall(r"\d+", told.partition(")")[0])[-1]
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                text: str = answer.read().decode()
        except OSError as error:  # it is busy
            text = str(error)
        else:
            if holds(text):
                return text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


def command(to: int, came_from: int = 6) -> ScaleCommand:
    now = datetime.now(UTC)
    return ScaleCommand(
        job=JOBS[0],
        at=now,
        tick=now,
        source="planner/test",
        from_scale_out=came_from,
        to_scale_out=to,
        expires_at=now + timedelta(minutes=10),
        decision="d",
        promise=Promise(),
    )


def test_jobs_are_played_and_commands_carried_out_once_also_after_a_kill(
    broker: Broker, simulator: Replica, tap: Tap
) -> None:
    assert tap.until(lambda: all(workers(tap, job) == 6 for job in JOBS), PATIENCE), (
        simulator.tail()
    )
    declared = [each for each in tap.found if isinstance(each.event, Declaration)]
    assert [each.event.job for each in sorted(declared, key=lambda each: each.event.job)] == [*JOBS]
    assert {
        len({each.partition for each in tap.found if each.event.job == job}) for job in JOBS
    } == {1}

    first = command(8)
    broker.send(first)
    broker.send(first)
    broker.flush()
    assert tap.until(lambda: obeyed(tap, 8, 1), PATIENCE), simulator.tail()
    [outcome] = outcomes(tap)
    assert (outcome.status, outcome.generation, outcome.command) == (Status.APPLIED, 1, first.id)
    assert workers(tap, JOBS[1]) == 6

    simulator.kill()
    second = command(5, came_from=8)
    broker.send(first)
    broker.send(second)
    broker.flush()
    seen = len(reports(tap, JOBS[0]))
    simulator.start()
    assert tap.until(lambda: obeyed(tap, 5, 2), PATIENCE), simulator.tail()
    assert [(each.command, each.generation) for each in outcomes(tap)] == [
        (first.id, 1),
        (second.id, 2),
    ]
    after = reports(tap, JOBS[0])[seen:]
    found = [sample.scale_out for report in after for sample in report.samples if sample.scale_out]
    assert set(found) <= {8, 5}, "the job goes on at the scale-out that the outcomes tell"
    assert len([each for each in tap.found if isinstance(each.event, Declaration)]) == len(JOBS)

    broker.send(Forget(job=JOBS[2], at=datetime.now(UTC), source="console/cli", author="test"))
    broker.flush()
    exported = scraped(simulator, lambda text: JOBS[2] not in text)
    assert f'daedalus_job_scale_out_workers{{job_name="{JOBS[0]}"}} 5.0' in exported
    assert f'daedalus_job_generation{{job_name="{JOBS[0]}"}} 2.0' in exported
    assert 'daedalus_outcomes_total{status="applied"} 1.0' in exported

    assert simulator.terminate() < 10
    assert simulator.code == 0
    assert len(outcomes(tap)) == 2
