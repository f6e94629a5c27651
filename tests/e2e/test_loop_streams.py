"""The whole loop on Kafka Streams: workers come before the load, share it, go, and are missed.

Kafka, the workers and the five services run as processes, started by the local stack; the topics
and the workers themselves are asked what came of it.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from daedalus_executor.adapters import worker_process
from daedalus_local import jobs, kstreams, workers
from daedalus_local.home import Home
from daedalus_shared.events import Decision, JobMetrics
from harness.fixtures import need_tools
from harness.watched import (
    FEW_WORKERS,
    Watched,
    assert_a_scale_up_was_ahead_of_the_load,
    assert_all_can_be_traced,
    caught_up,
    followed_up_and_down,
    following,
    rise_and_fall,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1500)]

JOB = jobs.JOBS["wordcount-kstreams"]
LOW, HIGH = 100.0, 450.0
SHAPE = {"quiet": 900, "rise": 2400, "peak": 200, "fall": 300}
"""Seconds of the job's time. The rise asks for a worker more every two minutes at a factor of 10:
within the minute in which the rules let a rescale settle, nobody could be ahead of two."""


def test_workers_come_before_the_load_and_go_after_it(tmp_path: Path) -> None:
    need_tools("java", "javac", "mvn")
    options = replace(
        FEW_WORKERS,
        job=JOB.name,
        trace=str(rise_and_fall(tmp_path / "trace.csv", LOW, HIGH, **SHAPE)),
        peak=HIGH,
    )
    with following(tmp_path, options, LOW) as watched:
        home = watched.home
        followed_up_and_down(watched)
        assert_all_can_be_traced(watched)
        assert_a_scale_up_was_ahead_of_the_load(watched)
        watched.until("the backlog is gone", lambda: caught_up(watched), 240)
        _asked_for_at_least_two(watched)
        # Another rescale may be under way.
        watched.until("the workers told of share the work", lambda: as_told(watched, home), 120)
        _a_killed_worker_is_missed(watched, home)


def _asked_for_at_least_two(watched: Watched) -> None:
    """A person's floor holds a job that could do with fewer."""
    asked = f"floor {JOB.name} 2 --until 1h --why test --bootstrap {watched.stack.bootstrap}"
    subprocess.run([sys.executable, "-m", "daedalus_console", *asked.split()], check=True)

    def held() -> bool:
        return any(
            "floor" in event.limits and event.chosen == event.scale_out == 2
            for event in watched.of(Decision)
            if isinstance(event, Decision)
        )

    watched.until("the floor alone holds two workers", held, 300)


def as_told(watched: Watched, home: Home) -> bool:
    """Whether as many workers run as the last outcome says, each with some of the input."""
    running, found = workers.running(home.pools, JOB.name), shares(home)
    return (
        len(running) == len(found) == watched.last.to_scale_out
        and all(found)
        and sum(found) == jobs.INPUT_PARTITIONS
    )


def _a_killed_worker_is_missed(watched: Watched, home: Home) -> None:
    """It says no good-bye: the executor clears it away, and the job is seen on one fewer.

    Not only as unknown, which it is until then, since a worker that is listed does not answer.
    """
    running = workers.running(home.pools, JOB.name)
    assert len(running) > 1, "of a job without workers nothing is known"
    folder = home.path / "pools" / JOB.name / "workers" / running[-1]
    identity = worker_process.registered(folder)
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    killed = time.time()

    def missed() -> bool:
        newest = [
            sample
            for event in watched.of(JobMetrics)
            if isinstance(event, JobMetrics)
            for sample in event.samples
            if sample.at.timestamp() > killed
        ]
        return any(sample.scale_out == len(running) - 1 for sample in newest)

    watched.until("the monitor misses the worker", missed, 240)


def shares(home: Home) -> list[int]:
    """Return how many partitions of the input each worker has."""
    name = f'kafka_streams_assigned_partitions{{topic="{JOB.input}"}} '
    directory = home.path / "pools" / JOB.name
    found = []
    for address in kstreams.endpoints(directory).values():
        text = kstreams.scrape(address) or ""
        found += [
            int(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)
        ]
    return found
