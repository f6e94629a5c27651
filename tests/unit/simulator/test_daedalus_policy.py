"""Daedalus as a policy: what it feeds the loop with, and that nobody sees the future."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from daedalus_shared.events import CapacityUpdate, Decision, JobMetrics, ScaleCommand, ScaleOutcome
from daedalus_simulator.backtest import play
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.run import Run
from daedalus_simulator.domain.world import World
from daedalus_simulator.policies.daedalus import DaedalusPolicy, declared

SECONDS = 2100
RATES = 50_000 * (0.55 + 0.45 * np.sin(2 * np.pi * np.arange(SECONDS) / 1500))


def run(rates: Any = RATES, engine: str = "flink", seconds: int = SECONDS, **policy: Any) -> Run:
    spec = declared(engine, {"planner": "rules", **policy})
    world = World(rates[:seconds], ENGINES[engine], seed=1)
    return play(world, DaedalusPolicy(spec, keep=True))


@pytest.fixture(scope="module", name="flink")
def _flink() -> Run:
    return run()


def test_it_reports_each_15_s_and_decides_each_60_s(flink: Run) -> None:
    reports = [event for event in flink.events if isinstance(event, JobMetrics)]
    ticks = [report.tick for report in reports if report.tick is not None]

    assert len(reports) == SECONDS / 15 - 1
    assert {len(report.samples) for report in reports} == {3}
    assert len(ticks) == SECONDS / 60 - 1
    assert [event.tick for event in flink.events if isinstance(event, Decision)] == ticks


def test_its_reports_are_what_a_monitor_may_publish(flink: Run) -> None:
    """They are built without validation, so they are validated here."""
    for report in flink.events:
        if isinstance(report, JobMetrics):
            assert JobMetrics.model_validate_json(report.model_dump_json()) == report


def test_each_command_is_carried_out_and_answered(flink: Run) -> None:
    commands = [event for event in flink.events if isinstance(event, ScaleCommand)]
    outcomes = [event for event in flink.events if isinstance(event, ScaleOutcome)]

    assert len(commands) > 1
    assert [rescale.after for rescale in flink.rescales] == [c.to_scale_out for c in commands]
    assert [outcome.command for outcome in outcomes] == [c.id for c in commands]
    for outcome, rescale in zip(outcomes, flink.rescales, strict=True):
        assert outcome.downtime == rescale.outage
        assert 0 <= (outcome.at - outcome.tick).total_seconds() - rescale.outage <= 15


def test_in_an_outage_the_engine_says_nothing(flink: Run) -> None:
    first = flink.rescales[0]
    reports = [event for event in flink.events if isinstance(event, JobMetrics)]
    start = reports[0].samples[0].at
    seen = {round((s.at - start).total_seconds()) + 5: s for r in reports for s in r.samples}

    down = [seen[s] for s in seen if first.second < s < first.second + first.outage]
    after = next(seen[s] for s in seen if s >= first.second + first.outage)

    assert down
    for sample in down:
        assert (sample.scale_out, sample.uptime, sample.workers) == (None, None, ())
        assert {"scale_out", "workers", "uptime"} <= set(sample.unknown)
        assert sample.lag is not None
        assert sample.workload is not None
    assert after.scale_out == first.after
    assert after.uptime is not None
    assert after.uptime <= 5
    assert len({worker.id for worker in after.workers}) == first.after
    began = {worker.since for worker in after.workers}
    assert began == {after.at - timedelta(seconds=after.uptime)}


def test_workers_keep_their_names_and_new_ones_come_last() -> None:
    streams = run(engine="kafka-streams")
    samples = [s for e in streams.events if isinstance(e, JobMetrics) for s in e.samples]
    up = next(rescale for rescale in streams.rescales if rescale.after > rescale.before)
    start = samples[0].at.timestamp() - 5

    def known(second: float) -> dict[str, Any]:
        found = next(s for s in samples if s.at.timestamp() - start >= second)
        return {worker.id: worker for worker in found.workers}

    before = known(up.second)
    warm = known(up.second + up.outage + 60)

    assert list(warm)[: up.before] == list(before)
    new = [warm[name] for name in warm if name not in before]
    assert [worker.throughput for worker in new] == [0.0] * (up.after - up.before)
    assert max(worker.cpu for worker in new) < 0.2
    assert all(warm[name].since == before[name].since for name in before)
    assert min(worker.since for worker in new) > max(w.since for w in before.values())


@pytest.mark.parametrize(
    ("planner", "change"), [("rules", 1215), ("horizon", 1080)], ids=["rules", "horizon"]
)
def test_no_decision_depends_on_what_comes_later(planner: str, change: int) -> None:
    known, peak = RATES[:change], np.full(60, 2 * RATES.max())
    # Both end with the same peak, so that both jobs are of the same size.
    calm, storm = (np.concatenate([known, np.full(60, rate), peak]) for rate in (0.0, 90_000.0))

    def until(found: Run) -> list[str]:
        told = (e for e in found.events if isinstance(e, Decision | CapacityUpdate))
        start = next(e.at for e in found.events if isinstance(e, JobMetrics))
        return [e.model_dump_json() for e in told if (e.at - start).total_seconds() + 15 <= change]

    a, b = (run(rates, seconds=len(rates), planner=planner) for rates in (calm, storm))

    assert len(until(a)) >= 2 * (change // 60) - 2
    assert until(a) == until(b)
    assert [r for r in a.rescales if r.second <= change] == [
        r for r in b.rescales if r.second <= change
    ]


def test_a_run_acts_whatever_the_mode() -> None:
    assert run(mode="advise", seconds=1200).rescales


@pytest.mark.parametrize(
    ("policy", "apart"),
    [({"loop": 30.0}, 30), ({"loop": 40.0}, 40), ({"sample": 1.0, "report": 10.0}, 60)],
    ids=["30-s-loop", "loop-not-of-reports", "1-s-samples"],
)
def test_other_intervals_are_kept_to(policy: dict[str, Any], apart: int) -> None:
    found = run(seconds=600, **policy)

    ticks = [event.tick for event in found.events if isinstance(event, Decision)]

    assert {(b - a).total_seconds() for a, b in pairwise(ticks)} == {apart}


def test_events_are_kept_only_where_they_are_asked_for() -> None:
    world = World(RATES[:600], ENGINES["flink"], seed=1)

    assert play(world, DaedalusPolicy(declared())).events == ()
