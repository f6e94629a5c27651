"""The whole loop on real engines: the load doubles and falls again, and the job follows it.

Kafka, Flink and the five services run as processes, started by the local stack; the topics and
Flink itself are asked what came of it.
"""

from pathlib import Path

import pytest

from daedalus_local.flink_rest import FlinkRest
from daedalus_local.home import Options
from harness.fixtures import need_tools
from harness.watched import (
    assert_a_scale_up_was_ahead_of_the_load,
    assert_all_can_be_traced,
    caught_up,
    followed_up_and_down,
    rise_and_fall,
    watching,
)

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(900)]

LOW, HIGH = 1200.0, 3600.0
SHAPE = {"quiet": 900, "rise": 2800, "peak": 300, "fall": 300}
"""Seconds of the job's time. The rise is slow enough for a trend to show in the minute in which the
rules let a rescale settle."""


def test_the_job_follows_its_load_up_and_down(tmp_path: Path) -> None:
    need_tools("java", "javac", "mvn")
    # The rules: a load that halves within seconds leaves `horizon`, which weighs how wrong its
    # forecasts were, waiting for longer than a test may take.
    options = Options(
        factor=10.0,
        trace=str(rise_and_fall(tmp_path / "trace.csv", LOW, HIGH, **SHAPE)),
        peak=HIGH,
        first_workers=2,
        planner="rules",
    )
    with watching(tmp_path / ".daedalus", options) as watched:
        last = followed_up_and_down(watched)
        assert watched.stack.flink is not None
        assert parallelism(FlinkRest(watched.stack.flink)) == {last.to_scale_out}
        assert_all_can_be_traced(watched)
        assert_a_scale_up_was_ahead_of_the_load(watched)
        watched.until("the backlog is gone", lambda: caught_up(watched), 120)


def parallelism(flink: FlinkRest) -> set[int]:
    """Return the parallelism of the running job's vertices, as Flink itself tells it."""
    [job] = [job for job in flink.get("/jobs/overview")["jobs"] if job["state"] == "RUNNING"]
    return {vertex["parallelism"] for vertex in flink.get(f"/jobs/{job['jid']}")["vertices"]}
