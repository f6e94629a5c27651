"""The whole loop on real engines: the load doubles and falls again, and the job follows it.

Kafka, Flink and the five services run as processes, started by the local stack; the topics and
Flink itself are asked what came of it.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from daedalus_local.flink_rest import FlinkRest
from harness.fixtures import need_tools
from harness.prometheus import Prometheus, of_dashboard, of_rules
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

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(1500)]

LOW, HIGH = 250.0, 1300.0
SHAPE = {"quiet": 900, "rise": 2800, "peak": 300, "fall": 300}
"""Seconds of the job's time. The rise is slow enough for a trend to show in the minute in which the
rules let a rescale settle."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    need_tools("java", "javac", "mvn")
    path = tmp_path_factory.mktemp("loop")
    options = replace(
        FEW_WORKERS,
        trace=str(rise_and_fall(path / "trace.csv", LOW, HIGH, **SHAPE)),
        peak=HIGH,
        prometheus=shutil.which("prometheus") is not None,
    )
    with following(path, options, LOW) as found:
        yield found


def test_the_job_follows_its_load_up_and_down(watched: Watched) -> None:
    followed_up_and_down(watched)
    assert watched.stack.flink is not None
    flink = FlinkRest(watched.stack.flink)
    # Another rescale may be under way.
    watched.until(
        "Flink runs what was told of last",
        lambda: parallelism(flink) == {watched.last.to_scale_out},
        120,
    )
    assert_all_can_be_traced(watched)
    assert_a_scale_up_was_ahead_of_the_load(watched)
    watched.until("the backlog is gone", lambda: caught_up(watched), 240)


def test_every_query_of_the_dashboard_and_every_rule_finds_something(watched: Watched) -> None:
    """After a rescale, which the test before has seen; alone, this one waits for it."""
    need_tools("prometheus")
    [url] = [each.url for each in watched.stack.processes if each.name == "prometheus"]
    assert url is not None
    prometheus = Prometheus(url)
    variables = {"job": "ysb", "planner": "rules", "forecaster": "daedalus"}
    left = [*of_dashboard(), *of_rules()]
    assert len(left) > 50

    def all_found() -> bool:
        left[:] = [query for query in left if not prometheus.has(query, variables, 900)]
        return not left

    try:
        watched.until("every query finds something", all_found, 240)
    finally:
        assert not left, "\n".join(f"{each.where}: {each.expression}" for each in left)
    assert prometheus.broken() == {}


def parallelism(flink: FlinkRest) -> set[int]:
    """Return the parallelism of the running job's vertices, as Flink itself tells it."""
    running = [job for job in flink.get("/jobs/overview")["jobs"] if job["state"] == "RUNNING"]
    assert len(running) <= 1  # none while it restarts
    return {
        vertex["parallelism"]
        for job in running
        for vertex in flink.get(f"/jobs/{job['jid']}")["vertices"]
    }
