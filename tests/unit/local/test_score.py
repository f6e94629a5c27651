"""The score card's figures on values worked by hand."""

import pytest

from daedalus_local import card, plot
from daedalus_local.home import Options
from daedalus_local.score import Delay, Look, Rescale, lead, percentiles, score


def look(at: float, workers: int | None = 2, load: float | None = 100.0) -> Look:
    return Look(at, workers, load, 10.0)


def rescale(**changes: object) -> Rescale:
    plain: dict[str, object] = {
        "decided": 8.0,
        "start": 10.0,
        "converged": 20.0,
        "before": 2,
        "after": 4,
        "status": "applied",
        "capacity_before": 150.0,
    }
    return Rescale(**(plain | changes))  # type: ignore[arg-type] # a table of fields


def test_workers_on_their_way_are_paid_from_the_command_on() -> None:
    looks = [look(0.0), look(10.0), look(20.0, workers=4), look(30.0, workers=4)]

    found = score(looks, [], [rescale()], allowed=6, factor=10.0)

    assert found is not None
    assert found.worker_seconds == 2 * 10 + 4 * 10 + 4 * 10
    assert found.mean_workers == pytest.approx(100 / 30)
    assert found.share_of_static == pytest.approx(100 / 180)
    assert found.worst_lag == 10.0


def test_unknown_workers_are_bridged_not_counted_as_none() -> None:
    found = score([look(0.0), look(5.0, workers=None), look(10.0)], [], [], allowed=2, factor=10.0)

    assert found is not None
    assert found.worker_seconds == 20


def test_no_looks_no_card() -> None:
    assert score([look(0.0)], [], [], allowed=6, factor=10.0) is None


def test_latency_is_over_records_not_rows() -> None:
    found = percentiles([Delay(0.0, 1.0, 99), Delay(0.0, 9.0, 1)])

    assert found is not None
    assert (found.p50, found.p95, found.records) == (1.0, 1.0, 100)
    assert percentiles([]) is None


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        pytest.param({}, 3, id="until two seconds after convergence"),
        pytest.param({"recovery": 15.0}, 2, id="until the recovery that was seen"),
        pytest.param({"start": None, "converged": None}, 5, id="never begun"),
        pytest.param({"converged": None}, 5, id="begun, end unknown"),
    ],
)
def test_calm_latency_leaves_rescales_out(changes: dict[str, object], left: int) -> None:
    delays = [Delay(at, 1.0, 1) for at in (9.9, 10.0, 21.9, 24.9, 25.1)]

    found = score([look(0.0), look(30.0)], delays, [rescale(**changes)], allowed=6, factor=10.0)

    assert found is not None
    assert found.latency is not None
    assert found.calm_latency is not None
    assert (found.latency.records, found.calm_latency.records) == (5, left)


@pytest.mark.parametrize(
    ("changes", "outgrown_at", "expected"),
    [
        pytest.param({}, 33.0, 13.0, id="ahead of the load"),
        pytest.param({}, 15.0, -5.0, id="behind the load"),
        pytest.param({}, None, None, id="the load never came"),
        pytest.param({"after": 1}, 33.0, None, id="a scale-down"),
        pytest.param({"converged": None}, 33.0, None, id="not applied"),
        pytest.param({"capacity_before": None}, 33.0, None, id="nobody knows the capacity"),
    ],
)
def test_lead_is_from_convergence_to_the_load(
    changes: dict[str, object], outgrown_at: float | None, expected: float | None
) -> None:
    looks = [look(0.0), look(9.0)]
    if outgrown_at is not None:
        looks.append(look(outgrown_at, load=151.0))

    assert lead(rescale(**changes), looks) == expected


def test_a_plot_shows_workers_and_load_and_nothing_where_nothing_is_known() -> None:
    looks = [look(0.0, 1, 10.0), look(1.0, 3, 50.0), look(2.0, None, None), look(3.0, 2, 90.0)]

    assert plot.workers(looks, most=3, peak=90.0, width=4)[:3] == [
        " 3 │ █ ·",
        " 2 │ ▓ █",
        " 1 │▓█ █",
    ]


def test_the_card_fits_a_terminal_and_says_what_happened() -> None:
    looks = [look(0.0), look(30.0, workers=4, load=200.0)]
    rescales = [rescale(downtime=4.0, recovery=12.0, promised_downtime=3.0, promised_recovery=6.0)]
    rescales.append(rescale(start=None, converged=None, status="failed", why="no room " * 30))
    found = score(looks, [Delay(1.0, 0.5, 10)], rescales, allowed=6, factor=10.0)
    assert found is not None

    text = card.render(found, looks, rescales, Options(factor=10.0))

    assert max(map(len, text.splitlines())) <= 80
    assert "40 s of the job's time" in " ".join(text.split())
    assert "1 applied: 1 up, 0 down; 1 not applied" in text
    assert "10 s ahead" in text
    assert "failed: no room" in text


def test_the_price_is_of_the_jobs_time() -> None:
    delays = [Delay(1.0, 1.0, 900), Delay(2.0, 8.0, 100)]

    found = score([look(0.0), look(600.0)], delays, [rescale()], allowed=6, factor=10.0)

    assert found is not None
    assert found.price is not None
    assert found.late == 0.1
    assert found.rescales == 1
    assert found.price.lateness == pytest.approx(0.2 * 10 * 0.1 * (8 - 2))
    assert found.price.rescales == pytest.approx(300 / 6000)
    assert found.price.total == found.mean_workers + found.price.lateness + found.price.rescales


def test_without_output_nobody_knows_the_price() -> None:
    found = score([look(0.0), look(600.0)], [], [], allowed=6, factor=1.0)

    assert found is not None
    assert found.price is None
