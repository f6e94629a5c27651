"""The options of the page's charts, on plain values."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nicegui import Client

from daedalus_console.page.charts.capacity import SURE, capacity_curve
from daedalus_console.page.charts.model import (
    LIMIT,
    Capacity,
    Curve,
    Expected,
    Move,
    Reading,
    Timeline,
    WorkerLoad,
    steps,
    thinned,
)
from daedalus_console.page.charts.quality import SHOWN, forecast_error, worker_cpu
from daedalus_console.page.charts.timeline import BAND, LOW, series_of, timeline
from daedalus_console.page.charts.worker_hours import bars
from daedalus_console.page.growing import changes, told
from daedalus_console.page.plots import Main
from daedalus_shared.events import Basis

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MS = round(NOON.timestamp() * 1000)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def readings(*values: float | None, every: float = 15.0) -> list[Reading]:
    return [(after(place * every), value) for place, value in enumerate(values)]


def named(options: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [one for one in options if one["name"] == name]
    return found


FORECAST = Expected(at=NOON, step=60, mean=(10.0, 20.0), low=(8.0, 15.0), high=(13.0, 30.0))

FULL = Timeline(
    workload=readings(1.0, None, 3.0),
    capacity=readings(5.0, 5.0, 7.0),
    applied=readings(2.0, 2.0, 3.0),
    recommended=readings(2.0, 3.0, 3.0),
    lag=readings(0.0, 9.0, 0.0),
    latency=readings(None, None, None),
    expected=FORECAST,
    moves=(
        Move(at=after(30), before=2, after=3, reason="scale_up"),
        Move(at=after(60), before=3, after=1, reason="scale_down", done=False),
    ),
    selected=after(15),
)


def test_an_unknown_value_is_a_gap_and_no_zero() -> None:
    workload = named(series_of(FULL), "workload")

    assert workload["data"] == [[MS, 1.0], [MS + 15_000, None], [MS + 30_000, 3.0]]
    assert workload["connectNulls"] is False


def test_the_band_lies_between_the_quantiles() -> None:
    series = series_of(FULL)
    low, band = named(series, LOW), named(series, BAND)

    assert low["data"] == [[MS + 60_000, 8.0], [MS + 120_000, 15.0]]
    assert band["data"] == [[MS + 60_000, 5.0], [MS + 120_000, 15.0]]
    assert low["stack"] == band["stack"]


def test_a_forecast_without_quantiles_has_no_band() -> None:
    series = series_of(Timeline(expected=Expected(at=NOON, step=60, mean=(1.0, 2.0))))

    assert named(series, BAND)["data"] == []
    assert named(series, "forecast")["data"] == [[MS + 60_000, 1.0], [MS + 120_000, 2.0]]


def test_a_long_band_keeps_the_same_instants_above_and_below() -> None:
    many = tuple(float(each) for each in range(2_000))
    long = Expected(at=NOON, step=1, mean=many, low=many, high=tuple(each + 1 for each in many))

    series = series_of(Timeline(expected=long))
    low, band = named(series, LOW)["data"], named(series, BAND)["data"]

    assert [point[0] for point in low] == [point[0] for point in band]
    assert len(low) <= LIMIT
    assert {point[1] for point in band} == {1.0}


def test_what_was_forecast_of_the_past_ends_where_the_newest_forecast_begins() -> None:
    past = [(after(-60), 4.0), (after(0), 5.0), (after(60), 99.0)]

    line = named(series_of(Timeline(foreseen=past, expected=FORECAST)), "forecast")["data"]

    assert line == [[MS - 60_000, 4.0], [MS, None], [MS + 60_000, 10.0], [MS + 120_000, 20.0]]


def test_scale_outs_and_capacity_are_steps() -> None:
    series = series_of(FULL)

    for name in ("running", "recommended", "capacity"):
        assert named(series, name)["step"] == "end"
    assert named(series, "running")["data"] == [[MS, 2.0], [MS + 30_000, 3.0]]


def test_rescales_are_marked_with_their_reason_and_whether_they_were_done() -> None:
    up, down = named(series_of(FULL), "running")["markPoint"]["data"]

    assert up["name"] == "2 → 3: scale up"
    assert down["name"] == "3 → 1: scale down"
    assert up["symbol"] != down["symbol"]
    assert up["itemStyle"]["color"] != down["itemStyle"]["color"]


def test_the_decision_looked_at_is_a_line_and_so_is_the_present() -> None:
    lines = named(series_of(FULL), "capacity")["markLine"]["data"]

    assert {line["label"]["formatter"]: line["xAxis"] for line in lines} == {
        "now": MS,
        "decision": MS + 15_000,
    }


def test_an_unknown_latency_is_named_so() -> None:
    assert [axis["name"] for axis in timeline(FULL)["yAxis"]][-1] == "latency: unknown"


def test_all_grids_span_the_same_time() -> None:
    axes = timeline(FULL)["xAxis"]

    assert {(axis["min"], axis["max"]) for axis in axes} == {(MS, MS + 120_000)}


def test_a_forecast_takes_no_more_of_the_width_than_the_past() -> None:
    long = Expected(at=after(300), step=10, mean=(5.0,) * 200, low=(1.0,) * 200, high=(9.0,) * 200)
    young = Timeline(workload=[(NOON, 1.0), (after(300), 2.0)], expected=long)

    line = named(series_of(young), "forecast")["data"]

    assert line[-1][0] == MS + 600_000
    assert {axis["max"] for axis in timeline(young)["xAxis"]} == {MS + 600_000}
    assert len(named(series_of(young), BAND)["data"]) == len(line) == 30


def test_a_job_of_which_nothing_is_known_still_has_a_chart() -> None:
    options = timeline(Timeline())

    assert all(not one["data"] for one in options["series"])


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=3 * LIMIT),
    st.integers(2, LIMIT),
)
def test_a_thinned_line_is_short_and_keeps_real_readings(
    values: list[float | None], limit: int
) -> None:
    line = readings(*values)
    kept = thinned(line, limit)

    assert len(kept) == min(len(line), limit)
    assert set(kept) <= set(line)
    assert kept == sorted(kept, key=lambda reading: reading[0])


def test_a_thinned_line_keeps_the_peak_and_the_gap() -> None:
    line = readings(*[1.0] * 500, 99.0, *[1.0] * 500, None, *[1.0] * 500)

    values = [value for _, value in thinned(line, 50)]

    assert 99.0 in values
    assert None in values


def test_steps_keep_changes_and_the_end() -> None:
    line = readings(1.0, 1.0, 2.0, 2.0, 2.0)

    assert steps(line) == [line[0], line[2], line[4]]
    assert steps([]) == []


POINTS = (
    Capacity(scale_out=4, capacity=400.0, basis=Basis.OBSERVED, error=10.0),
    Capacity(scale_out=2, capacity=220.0, basis=Basis.FITTED, error=200.0),
    Capacity(scale_out=8, capacity=700.0, basis=Basis.ESTIMATED),
    Capacity(scale_out=9, capacity=750.0, basis=Basis.OBSERVED, error=1.0, at_least=True),
)


def test_the_curve_tells_bases_apart_by_shape_and_says_how_sure_it_is() -> None:
    series = capacity_curve(Curve(points=POINTS, scale_out=4, workload=300.0))["series"]

    assert named(series, "curve")["data"] == [[2, 220.0], [4, 400.0], [8, 700.0], [9, 750.0]]
    shapes = {
        basis: (named(series, basis.value)["symbol"], named(series, basis.value)["data"])
        for basis in Basis
    }
    assert shapes[Basis.OBSERVED] == ("circle", [[4, 400.0]])
    assert len({symbol for symbol, _ in shapes.values()}) == 3
    assert named(series, "at least")["data"] == [[9, 750.0]]
    low, band = named(series, "low")["data"], named(series, "± 95 %")["data"]
    assert low == [[2, 0.0], [4, pytest.approx(400 - 10 * SURE)]]  # no capacity below 0
    assert band[1] == [4, pytest.approx(20 * SURE)]


def test_workers_are_sorted_and_the_hottest_stands_out() -> None:
    loads = [WorkerLoad(id="a", cpu=0.4), WorkerLoad(id="b", cpu=0.9), WorkerLoad(id="c", cpu=None)]

    options = worker_cpu(loads)

    assert options["yAxis"]["data"] == ["a", "b"]  # from the bottom up; who is unknown has no bar
    plain, hot = options["series"][0]["data"]
    assert plain["itemStyle"] != hot["itemStyle"]


def test_evenly_loaded_workers_have_no_hottest() -> None:
    alike = worker_cpu([WorkerLoad(id="a", cpu=0.50), WorkerLoad(id="b", cpu=0.53)])
    apart = worker_cpu([WorkerLoad(id="a", cpu=0.50), WorkerLoad(id="b", cpu=0.63)])

    def colours(options: dict[str, Any]) -> set[str]:
        return {bar["itemStyle"]["color"] for bar in options["series"][0]["data"]}

    assert len(colours(alike)) == 1
    assert len(colours(apart)) == 2


def test_of_very_many_workers_the_hottest_are_drawn() -> None:
    loads = [WorkerLoad(id=f"w{each}", cpu=each / 1000) for each in range(1000)]

    assert worker_cpu(loads)["yAxis"]["data"][-1] == "w999"
    assert len(worker_cpu(loads)["yAxis"]["data"]) == SHOWN


def test_names_from_topics_are_data_and_never_code() -> None:
    evil = "<img src=x onerror=alert(1)>');alert(1)//"
    options = worker_cpu([WorkerLoad(id=evil, cpu=0.9), WorkerLoad(id="cool", cpu=0.1)])

    def code(part: object) -> list[str]:
        match part:
            case dict():
                own = [str(value) for key, value in part.items() if str(key).startswith(":")]
                return own + [each for value in part.values() for each in code(value)]
            case list():
                return [each for value in part for each in code(value)]
        return []

    assert code(options)
    assert all(each.startswith("daedalus.") and evil not in each for each in code(options))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(timeline(FULL), id="timeline"),
        pytest.param(capacity_curve(Curve(points=POINTS)), id="capacity"),
        pytest.param(forecast_error(readings(0.1, None)), id="error"),
        pytest.param(worker_cpu([]), id="workers"),
        pytest.param(bars([("used", 1.0), ("static", 2.0)]), id="worker-hours"),
    ],
)
def test_options_are_json_of_finite_numbers(options: dict[str, Any]) -> None:
    assert json.loads(json.dumps(options, allow_nan=False)) == options


def test_of_a_growing_line_only_what_is_new_is_sent() -> None:
    before = told(series_of(FULL))
    more = [*FULL.workload, (after(45), 4.0)]
    now = Timeline(
        workload=more,
        capacity=FULL.capacity,
        applied=FULL.applied,
        recommended=readings(2.0, 3.0, 4.0),
        lag=FULL.lag,
        latency=FULL.latency,
        expected=FULL.expected,
        moves=FULL.moves,
        selected=FULL.selected,
    )

    news = changes(before, series_of(now))

    assert news["fresh"] == {"workload": [[MS + 45_000, 4.0]]}
    assert set(news["whole"]) == {"recommended"}
    assert changes(before, series_of(FULL)) == {"fresh": {}, "whole": {}}


async def test_until_a_browser_has_drawn_the_chart_it_is_sent_whole(client: Client) -> None:
    def seen(values: int) -> Timeline:
        return Timeline(workload=readings(*[1.0] * values))

    with client:
        main = Main("ysb", lambda: None, lambda _: None)
        main.show(seen(1))
        main.begin()
        main.show(seen(2))  # the chart's script is still being fetched
        chart = main._chart.drawn
        assert chart is not None
        assert len(named(chart.props["options"]["series"], "workload")["data"]) == 2

        main._is_drawn()
        main.show(seen(3))
    assert len(named(chart.props["options"]["series"], "workload")["data"]) == 2
    await asyncio.sleep(0)  # it is sent by the loop
    sent = [message for _, kind, message in client.outbox.messages if kind == "run_javascript"]
    assert "daedalus.extend" in sent[-1]["code"]
