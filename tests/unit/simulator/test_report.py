"""The page: complete in itself, safe from what it is given, small, and right in its plots."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_simulator.domain.score import ScoreCard
from daedalus_simulator.report import charts, labels, pictures, sampling, timeline
from daedalus_simulator.report.charts import Distribution, Price
from daedalus_simulator.report.detail import Detail, Expected, Known, Move
from daedalus_simulator.report.page import Section, embedded, page, table
from daedalus_simulator.report.theme import DARK, LIGHT
from daedalus_simulator.results import Result, line, lines

EVIL = "</script><img src=x onerror=alert(1)>"

SECONDS = 600


def card(**figures: float) -> ScoreCard:
    names = dict.fromkeys(ScoreCard.__dataclass_fields__, 0.0)
    return ScoreCard(**{**names, "rescales": 0, "slow_recoveries": 0, **figures})  # type: ignore[arg-type] # a test's shorthand


def result(policy: str = "rules", seed: int = 0, **figures: float) -> Result:
    return Result(
        trace="t", engine="flink", policy=policy, seed=seed, card=card(**figures), least=4.0
    )


def detail(trace: str = "t", why: str = "more is coming") -> Detail:
    workers = np.full(SECONDS, 12.0)
    workers[300:] = 4.0
    return Detail(
        trace=trace,
        policy="horizon",
        engine="flink",
        seed=0,
        arrivals=np.full(SECONDS, 1000.0),
        workers=workers,
        capacity=workers * 500,
        lags=np.where(np.arange(SECONDS) == 320, 9000.0, 0.0),
        latencies=np.where(np.arange(SECONDS) == 320, 30.0, 0.2),
        moves=(Move(300, 12, 4, 20.0, why),),
        learned=((60.0, 5000.0), (360.0, 2000.0)),
        expected=Expected(
            600.0, np.array([60.0]), np.array([900.0]), np.array([1.0e3]), np.array([1.1e3])
        ),
        curve=(Known(1, 500.0, 490.0, 5.0, "observed"), Known(2, 950.0, None, None, "")),
    )


def prices() -> tuple[Price, ...]:
    return (
        Price("oracle-J", "oracle", 3.0, 9.0, 3.3, 12.0),
        Price("horizon", "daedalus", 3.2, 8.0, 3.6, 10.0),
        Price("static-12", "baseline", 12.0, 0.0, 12.0, 0.0),
    )


def section(name: str = "t") -> Section:
    latencies = np.array([0.2, 30.0])
    return Section(
        heading=name,
        lines=lines([result(name), result("oracle-J")]),
        main=name,
        prices=prices(),
        distributions=[Distribution.of(name, latencies, np.array([99.0, 1.0]))],
        detail=detail(name, why=name),
        tiles=(("1", name),),
    )


def figures(text: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL
    )
    assert found
    drawn: dict[str, Any] = json.loads(found.group(1))
    return drawn


class Tags(HTMLParser):
    """Collects what a browser would see as elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module", name="whole")
def _whole() -> str:
    return page("A & B", "two", [section("a"), section(EVIL)], "end")


def test_the_page_loads_nothing_from_anywhere(whole: str) -> None:
    tags = Tags()
    tags.feed(whole)

    assert not [attrs for _, attrs in tags.found if attrs.keys() & {"src", "href", "srcset"}]
    assert "default-src 'none'" in whole


def test_names_and_sentences_never_become_markup(whole: str) -> None:
    tags = Tags()
    tags.feed(whole)

    assert "img" not in {tag for tag, _ in tags.found}
    assert html.escape(EVIL) in whole
    assert "A &amp; B" in whole


def test_hover_texts_are_escaped_for_plotly_too(whole: str) -> None:
    texts = json.dumps(figures(whole))

    assert "<img" not in texts
    assert "&lt;img" in texts


def test_a_page_stays_below_eight_megabytes(whole: str) -> None:
    assert len(whole.encode()) < 8_000_000


def test_each_figure_has_its_place_and_each_colour_its_themes(whole: str) -> None:
    drawn = figures(whole)

    assert drawn.keys() == {
        f"{name}{n}" for name in ("time", "latency", "capacity", "front") for n in (0, 1)
    }
    assert all(f'id="{name}"' in whole for name in drawn)
    used = set(re.findall(r'"(@[a-z]+)"', json.dumps(drawn)))
    assert used <= LIGHT.keys() == DARK.keys()


def test_plotly_knows_every_property_of_the_figures(whole: str) -> None:
    for drawn in figures(whole).values():
        text = re.sub(r'"@[a-z]+"', '"#123456"', json.dumps(drawn))
        go.Figure(json.loads(text))  # raises on what it does not know


def test_a_table_sets_off_the_main_policy_and_the_oracles() -> None:
    text = table(lines([result("mine"), result("oracle-J"), result("hpa")]), "mine")

    assert re.findall(r'<tr class="(\w*)">', text) == ["main", "oracle", ""]


def test_json_in_a_script_cannot_end_it() -> None:
    text = embedded({"name": EVIL, "and": "<!-- & -->"})

    assert not {"<", ">", "&"} & set(text)
    assert json.loads(text)["name"] == EVIL


def test_a_timeline_marks_each_rescale_with_its_sentence() -> None:
    data = timeline.figure(detail())["data"]

    marks = next(one for one in data if one["name"] == "scale-down")
    assert marks["text"] == ["<b>12 → 4 workers</b>, 20 s of outage<br>more is coming"]
    assert marks["y"] == [4]


def test_a_timeline_keeps_the_one_second_peak_of_a_long_run() -> None:
    latencies = np.full(100_000, 0.2)
    latencies[77_777] = 900.0

    kept = sampling.extremes(latencies)

    assert 77_777 in kept
    assert len(kept) <= sampling.POINTS + 2


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400), st.integers(2, 50))
def test_sampling_keeps_the_ends_the_lowest_and_the_highest(
    values: list[float], points: int
) -> None:
    series = np.array(values)

    kept = sampling.extremes(series, points)

    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert (np.diff(kept) > 0).all()
    assert series[kept].max() == series.max()
    assert series[kept].min() == series.min()


def test_a_step_function_is_drawn_by_its_changes() -> None:
    assert sampling.steps(np.array([3.0, 3.0, 5.0, 5.0, 5.0, 4.0, 4.0])).tolist() == [0, 2, 5, 6]


def test_quantiles_weigh_each_value_by_its_records() -> None:
    found = sampling.quantiles(
        np.array([5.0, 1.0, 3.0]), np.array([1.0, 8.0, 1.0]), np.array([0.0, 0.8, 0.85, 0.9, 1.0])
    )

    assert found.tolist() == [1, 1, 3, 3, 5]


def test_quantiles_of_no_records_are_zero() -> None:
    assert sampling.quantiles(np.array([5.0]), np.array([0.0]), np.array([0.5])).tolist() == [0]


def test_a_learned_capacity_tells_how_far_it_is_off() -> None:
    data = charts.capacity(detail().curve)["data"]

    observed = next(one for one in data if one["name"] == "learned: observed")
    assert observed["text"] == ["-2.0 % off"]
    assert observed["error_y"]["array"] == [10.0]


def test_policies_without_late_records_stand_at_the_edge_of_the_log_axis() -> None:
    data = charts.front(prices())["data"]

    baseline = next(one for one in data if one["name"] == "baselines")
    assert baseline["x"] == [charts.LEAST_LATE]


def test_names_of_neighbours_go_different_ways() -> None:
    points = [labels.Point(100, 100, 60), labels.Point(110, 100, 60), labels.Point(120, 100, 60)]

    assert len(set(labels.places(points))) == 3


def test_a_line_holds_means_and_the_worst_and_sums_what_was_slow() -> None:
    found = line(
        [
            result(price=5.0, workers=4.0, slow_recoveries=1, rescales_per_6h=10.0),
            result(price=6.0, workers=5.0, slow_recoveries=2, rescales_per_6h=20.0, seed=1),
        ]
    )

    assert (found.ratio, found.worst) == (1.375, 1.5)
    assert (found.workers, found.rescales, found.slow, found.runs) == (4.5, 15, 3, 2)


def test_pictures_are_the_same_files_from_the_same_runs(tmp_path: Path) -> None:
    latencies = Distribution.of("a", np.array([0.2, 30.0]), np.array([99.0, 1.0]))
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        pictures.timeline(folder / "timeline.svg", detail())
        pictures.scale_outs(folder / "scale-outs.svg", detail(), {"a": ((0, 12), (300, 4))})
        pictures.front(folder / "front.svg", prices())
        pictures.latencies(folder / "latencies.svg", [latencies])

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["front.svg", "latencies.svg", "scale-outs.svg", "timeline.svg"]
    for file in files:
        text = (tmp_path / "one" / file).read_text()
        assert text == (tmp_path / "two" / file).read_text()
        assert "<text" in text
