"""The runs of a comparison as lines, a table and JSON."""

import json
from dataclasses import replace

import pytest

from daedalus_local import entries
from daedalus_local.compare import Progress
from daedalus_local.entries import Entry
from daedalus_local.errors import StackError
from daedalus_local.home import Options
from daedalus_local.play import options
from daedalus_local.score import Percentiles, Price, ScoreCard

CARD = ScoreCard(
    seconds=480.0,
    worker_seconds=1200.0,
    mean_workers=2.5,
    most_workers=5,
    share_of_static=0.42,
    latency=Percentiles(1.25, 4.5, 1000),
    calm_latency=None,
    worst_lag=900.0,
    late=0.125,
    rescales=6,
    price=Price(workers=2.5, lateness=0.2, rescales=0.375),
)
RUN = Entry(planner="horizon", seed=1, card=CARD)


def test_a_run_is_one_line() -> None:
    assert entries.line(RUN) == (
        "2.50 workers on average (0.42 of static), 6 rescales, p95 4.5 s, 12.5% later than 2 s, "
        "J 3.08"
    )


def test_a_run_without_output_has_no_price() -> None:
    card = replace(CARD, latency=None, late=None, price=None)

    told = entries.line(replace(RUN, card=card))

    assert told == "2.50 workers on average (0.42 of static), 6 rescales"
    assert "?" in entries.table([replace(RUN, card=card)], Options())


def test_runs_are_tabled_with_their_means() -> None:
    other = replace(RUN, seed=2, card=replace(CARD, mean_workers=3.5, rescales=3))

    lines = entries.table([RUN, other], Options(factor=10.0)).splitlines()

    assert lines[1].split() == [
        *("planner", "seed", "workers", "rescales", "p50", "p95", "late"),
        *("J", "lateness", "moves"),
    ]
    assert lines[2].split()[:4] == ["horizon", "1", "2.50", "6"]
    assert lines[5].split()[:4] == ["horizon", "mean", "3.00", "4.5"]
    assert all(len(line) <= 80 for line in lines[1:6])


def test_one_run_each_has_no_means() -> None:
    assert "mean " not in entries.table([RUN], Options()).splitlines()[3]


def test_a_failed_run_is_told_and_left_out_of_the_table() -> None:
    failed = Entry(planner="rules", seed=1, error="Flink has ended")

    told = entries.table([RUN, failed], Options())

    assert "rules, seed 1: failed: Flink has ended" in told
    assert json.loads(json.dumps(failed.as_dict))["card"] is None


def test_a_run_is_json_with_its_price() -> None:
    found = json.loads(json.dumps(RUN.as_dict))

    assert found["planner"] == "horizon"
    assert found["card"]["price"]["total"] == pytest.approx(3.075)


@pytest.mark.parametrize("minutes", [1.0, 81.0])
def test_a_run_too_short_or_too_long_is_refused(minutes: float) -> None:
    with pytest.raises(StackError, match="must be 2 to 80"):
        options(minutes, 1, "horizon")


def test_progress_is_a_line() -> None:
    assert Progress(Options(minutes=80, factor=10)).line() == "0:00 of 8:00, 0 rescales"
