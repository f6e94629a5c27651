"""The fold: what is forecast at a tick, when a model serves, and that restarts change nothing."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_forecaster.domain.scoring import DISCOUNT
from daedalus_forecaster.forecaster import Forecaster
from daedalus_forecaster.models import ArimaParams, Trained, TrainingData
from daedalus_forecaster.state import Reason
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, Forecast, Forget, JobMetrics, Sample
from daedalus_shared.events.base import LARGEST

NewJob = Callable[..., Any]
Declare = Callable[..., JobControl]

SHORT = {
    "least_history": 60.0,
    "training_window": 75.0,
    "horizon": 60.0,
    "fallback_horizon": 60.0,
    "near": 15.0,
}
"""A policy under which a model is trained at the second tick, and serves from the seventh on."""


def constant(level: float) -> Callable[[TrainingData], Trained]:
    """Return a training whose model always forecasts `level`."""
    params = ArimaParams(constant=level).model_dump(mode="json")
    return lambda _: Trained(params)


NONE = TrainingData("arima", ())


def slots(*levels: float | None) -> Iterator[float | None]:
    """Yield each level for a whole loop."""
    return (level for level in levels for _ in range(4))


def test_a_forecast_names_its_instants_and_itself(new_job: NewJob) -> None:
    job = new_job()

    (forecast,) = job.feed([100.0])

    assert (forecast.at, forecast.tick) == (job.start, job.start)
    assert (forecast.step, forecast.horizon, len(forecast.mean)) == (15.0, 900.0, 60)
    assert (forecast.forecaster, forecast.source) == ("daedalus", "forecaster/daedalus")
    assert (forecast.model, forecast.fallback) == ("line", True)
    assert forecast.why == "less than 900 s of history"
    assert forecast.wape is None


def test_one_forecast_a_tick(new_job: NewJob) -> None:
    job = new_job()

    forecasts = job.feed([100.0] * 13)

    ticks = [job.start + timedelta(seconds=60 * number) for number in range(4)]
    assert [forecast.tick for forecast in forecasts] == ticks


def test_the_line_is_that_of_the_last_loop_and_is_scored_on_the_next(new_job: NewJob) -> None:
    job = new_job()

    job.feed([7.0, 10.0, 20.0, 30.0, 40.0])
    line = job.forecasts[-1]
    assert line.mean[:4] == pytest.approx((50.0, 60.0, 70.0, 80.0))
    assert line.mean[38:42] == pytest.approx((430.0, 440.0, 440.0, 440.0))  # 600 s, then flat

    (following,) = job.feed([50.0, 70.0, 70.0, 60.0])
    assert following.wape == pytest.approx((0 + 10 + 0 + 20) / 250)
    # 60 s ahead: 7 expected of 40 by the first forecast, 80 of 60 by the second.
    (error,) = following.errors
    assert error.horizon == 60.0
    assert error.wape == pytest.approx((DISCOUNT * 33 + 20) / (DISCOUNT * 40 + 60))


def test_nothing_is_forecast_of_a_job_that_is_not_declared(new_job: NewJob) -> None:
    job = new_job(control=JobControl())

    assert job.feed([100.0] * 9) == []
    assert job.state is None


def test_nothing_is_forecast_while_nothing_is_known(new_job: NewJob) -> None:
    job = new_job()

    assert job.feed([None] * 9) == []
    assert job.state.reason is None


def test_the_last_known_workload_holds_no_longer_than_a_forecast_spans(
    new_job: NewJob, declare: Declare
) -> None:
    job = new_job(control=declare(**SHORT))

    forecasts = job.feed([80.0, 80.0, 80.0, 80.0, 80.0, None, None, None, None, *[None] * 8])

    assert [(found.mean[0], found.wape) for found in forecasts] == [
        (80.0, None),
        (80.0, 0.0),
    ]


def test_the_console_is_read_before_a_tick_and_not_before_each_report(new_job: NewJob) -> None:
    job = new_job()

    def needs(event: JobMetrics) -> frozenset[type[Any]]:
        return Forecaster().needs(job.control, None, event)

    assert needs(job.report(0, 1.0)) == {ControlEvent}
    assert needs(job.report(1, 1.0)) == frozenset()


# -- training --------------------------------------------------------------------------------------


def test_a_model_is_asked_for_with_enough_history_and_serves_five_ticks_later(
    new_job: NewJob,
) -> None:
    job = new_job()

    forecasts = job.feed([100.0] * 100)

    reasons = [forecast.model for forecast in forecasts]
    # 60 slots of 15 s are there at tick 15, its training serves from tick 20 on.
    assert reasons == ["line"] * 20 + ["arima(0,1,0)"] * 5
    assert forecasts[14].why == "less than 900 s of history"
    assert forecasts[15].why == f"the first model serves from {forecasts[20].tick.isoformat()} on"
    assert not forecasts[20].fallback
    assert forecasts[20].why is None


def test_a_training_sees_nothing_after_its_request(new_job: NewJob, declare: Declare) -> None:
    seen: list[TrainingData] = []

    def training(data: TrainingData) -> Trained:
        seen.append(data)
        return constant(1.0)(data)

    job = new_job(control=declare(**SHORT), trained=training)
    job.feed(float(slot) for slot in range(40))

    # Slots 0 to 4 are known at the second tick; 24 is the seventh.
    assert seen == [TrainingData("arima", (0.0, 1.0, 2.0, 3.0, 4.0))]
    assert job.state.serving.trained == job.start + timedelta(seconds=60)


@pytest.mark.parametrize(
    "restarts", [frozenset({slot}) for slot in range(15, 26)] + [frozenset(range(40))]
)
def test_a_restart_at_any_report_changes_nothing(
    new_job: NewJob, declare: Declare, restarts: frozenset[int]
) -> None:
    def training(data: TrainingData) -> Trained:
        return constant(sum(data.values))(data)

    workloads = [100.0 + slot % 7 if slot % 5 else None for slot in range(40)]
    policy = {**SHORT, "least_history": 120.0, "training_window": 7200.0}
    plain = new_job(control=declare(**policy), trained=training)
    plain.feed(workloads)

    job = new_job(control=declare(**policy), trained=training)
    for slot, workload in enumerate(workloads):
        job.feed([workload])
        if slot in restarts:
            job.restart()

    assert job.forecasts == plain.forecasts
    assert job.state == plain.state
    assert job.state.serving is not None


def test_a_training_takes_effect_at_the_first_tick_after_a_silence(
    new_job: NewJob, declare: Declare
) -> None:
    job = new_job(control=declare(**SHORT))
    job.feed([100.0] * 9)
    job.slot = 60

    job.feed([100.0])

    assert job.state.serving.trained == job.start + timedelta(seconds=60)


def test_fifteen_poor_forecasts_in_a_row_cause_a_new_training(
    new_job: NewJob, declare: Declare
) -> None:
    job = new_job(control=declare(**SHORT), trained=constant(100.0))
    job.feed(slots(100.0, 100.0, 100.0, 100.0, 100.0, 100.0))
    job.feed([100.0])
    assert job.state.serving is not None

    job.feed(slots(*[120.0] * 14))  # off by a sixth: poor, but it passes the gate
    assert (job.state.poor, job.state.training) == (14, None)
    assert job.forecasts[-1].model == "arima(0,0,0)"

    job.feed(slots(120.0))
    assert job.state.training.requested == job.forecasts[-1].tick


def test_a_model_that_fails_counts_as_poor(new_job: NewJob, declare: Declare) -> None:
    job = new_job(control=declare(**{**SHORT, "poor_in_a_row": 3}), trained=constant(1e14))
    job.feed([100.0] * 25)

    job.feed(slots(100.0, 100.0))
    assert (job.state.reason, job.state.training) == (Reason.MODEL_FAILED, None)

    job.feed(slots(100.0))
    assert job.state.training is not None


def test_a_model_is_trained_again_whenever_the_history_has_doubled(
    new_job: NewJob, declare: Declare
) -> None:
    sizes: list[int] = []

    def training(data: TrainingData) -> Trained:
        sizes.append(len(data.values))
        return constant(100.0)(data)

    job = new_job(control=declare(**{**SHORT, "training_window": 1200.0}), trained=training)
    job.feed([100.0] * 200)

    # At ticks, the first with twice as much: 5, then ≥ 10 once a result is there; 80 are kept.
    assert sizes == [5, 25, 53]


def test_a_good_forecast_starts_the_count_anew(new_job: NewJob, declare: Declare) -> None:
    job = new_job(control=declare(**SHORT), trained=constant(100.0))
    job.feed([100.0] * 25)

    job.feed(slots(*[120.0] * 14, 100.0, 120.0))

    assert (job.state.poor, job.state.training) == (1, None)


def test_the_old_model_serves_until_the_new_one_is_due(new_job: NewJob, declare: Declare) -> None:
    levels = iter((100.0, 115.0))

    def training(data: TrainingData) -> Trained:
        return constant(next(levels))(data)

    job = new_job(
        control=declare(**{**SHORT, "poor_in_a_row": 2}),
        trained=training,
    )
    job.feed([100.0] * 25)

    forecasts = job.feed(slots(*[115.0] * 8))

    assert [forecast.mean[0] for forecast in forecasts] == [100.0] * 6 + [115.0] * 2


def test_a_training_that_fails_leaves_the_line_and_is_tried_again(
    new_job: NewJob, declare: Declare
) -> None:
    results = cycle([Trained(None, "no ARIMA model fits"), constant(100.0)(NONE)])
    job = new_job(control=declare(**{**SHORT, "poor_in_a_row": 2}), trained=lambda _: next(results))

    forecasts = job.feed([100.0] * 57)

    failed = [f for f in forecasts if f.why == "no model could be trained: no ARIMA model fits"]
    assert [forecast.model for forecast in failed] == ["line"] * len(failed)
    # It failed at tick 6; after two ticks without a model a training is asked for, which serves
    # from tick 12 on.
    assert [(f.tick - job.start) // timedelta(seconds=60) for f in failed] == [6, 7, 8, 9, 10, 11]
    assert forecasts[12].model == "arima(0,0,0)"


# -- gate ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "model", "why"),
    [
        pytest.param(100.0, "arima(0,0,0)", None, id="exact"),
        pytest.param(124.0, "arima(0,0,0)", None, id="just within the gate"),
        pytest.param(125.0, "line", "the model was off: WAPE 0.25, gate 0.25", id="at the gate"),
        pytest.param(
            1e14, "line", "arima(0,0,0) runs away to 1e+14/s from at most 100/s", id="wild"
        ),
    ],
)
def test_a_model_serves_when_its_previous_forecast_passes_the_gate(
    new_job: NewJob, declare: Declare, level: float, model: str, why: str | None
) -> None:
    job = new_job(control=declare(**SHORT), trained=constant(level))

    forecast = job.feed([100.0] * 25)[-1]

    assert (forecast.model, forecast.why) == (model, why)
    assert forecast.fallback == (model == "line")
    assert forecast.mean[0] == (100.0 if model == "line" else level)


def test_the_models_own_forecasts_are_scored_while_the_line_serves(
    new_job: NewJob, declare: Declare
) -> None:
    job = new_job(control=declare(**SHORT), trained=constant(200.0))
    job.feed([100.0] * 25)
    assert job.state.reason is Reason.INACCURATE

    back = job.feed(slots(200.0, 200.0))

    # The line was published at 100, so that the first score of what was published is 0.5.
    assert [(forecast.model, forecast.wape) for forecast in back] == [
        ("arima(0,0,0)", 0.5),
        ("arima(0,0,0)", 0.0),
    ]


def test_without_data_to_score_the_last_verdict_stands(new_job: NewJob, declare: Declare) -> None:
    job = new_job(control=declare(**{**SHORT, "horizon": 900.0}), trained=constant(100.0))
    job.feed([100.0] * 25)

    (forecast,) = job.feed(slots(None))

    assert (forecast.model, forecast.wape) == ("arima(0,0,0)", None)


def test_a_model_forecasts_over_a_gap_at_the_end(new_job: NewJob, declare: Declare) -> None:
    drift = ArimaParams(differences=1, constant=10.0).model_dump(mode="json")
    job = new_job(control=declare(**SHORT), trained=lambda _: Trained(drift))

    job.feed(100.0 + 10 * slot for slot in range(27))
    (forecast,) = job.feed([None, None])

    # Slot 26 was 360 and the last one known, the tick is slot 28, the first value slot 29.
    assert forecast.model == "arima(0,1,0)"
    assert forecast.mean == (390.0, 400.0, 410.0, 420.0)


def test_ticks_that_lie_between_slots_are_forecast_and_scored_at_their_own_instants(
    new_job: NewJob, declare: Declare
) -> None:
    drift = ArimaParams(differences=1, constant=25.0).model_dump(mode="json")
    policy = {"report": 25.0, "least_history": 150.0, "fallback_horizon": 900.0}
    job = new_job(control=declare(**policy), trained=lambda _: Trained(drift))

    for slot in range(61):
        plain = job.report(slot, None)
        samples = (
            Sample(at=each.at, workload=1000.0 + (each.at - job.start).total_seconds())
            for each in plain.samples
        )
        job.take(plain.model_copy(update={"samples": tuple(samples)}))

    # The mean of a slot is the workload 10 s before its end.
    assert {found.model for found in job.forecasts[5:]} == {"line", "arima(0,1,0)"}
    for found in job.forecasts[5:]:
        tick = (found.tick - job.start).total_seconds()
        assert found.mean[:3] == pytest.approx(
            [990 + tick + ahead for ahead in (25, 50, 75)], abs=0.1
        )
        assert found.wape == pytest.approx(0.0, abs=1e-4)


# -- delivery --------------------------------------------------------------------------------------


def test_a_report_that_comes_twice_or_late_changes_nothing(new_job: NewJob) -> None:
    job = new_job()
    job.feed([100.0] * 10)
    before = job.state

    for slot in (9, 8, 3):
        assert job.take(job.report(slot, 999.0)) == ()
        assert job.state is before


def test_duplicates_everywhere_lead_to_the_same_forecasts(new_job: NewJob) -> None:
    plain, doubled = new_job(), new_job()
    workloads = list(islice(cycle([100.0, 130.0, None]), 90))
    plain.feed(workloads)

    for slot, workload in enumerate(workloads):
        for delivered in {max(slot - 3, 0), slot}:
            doubled.take(doubled.report(delivered, workloads[delivered]))
        doubled.take(doubled.report(slot, workload))

    assert doubled.forecasts == plain.forecasts
    assert doubled.state == plain.state


def test_a_lost_report_is_a_gap(new_job: NewJob) -> None:
    job = new_job()
    job.feed([100.0] * 6)
    job.slot = 7
    job.feed([100.0])

    assert job.state.history.values[-3:] == (100.0, None, 100.0)


# -- control ---------------------------------------------------------------------------------------


def test_a_forgotten_job_leaves_nothing(new_job: NewJob) -> None:
    job = new_job()
    job.feed([100.0] * 10)
    forget = Forget(job="ysb", at=job.start + timedelta(hours=1), source="console/t", author="me")

    step = Forecaster().handle(job.control.fold(forget), job.state, forget)

    assert step.state is None


def test_a_job_forgotten_before_a_tick_is_gone_at_it(new_job: NewJob) -> None:
    job = new_job()
    job.feed([100.0] * 10)
    at = job.start + timedelta(seconds=140)
    job.control = job.control.fold(Forget(job="ysb", at=at, source="console/t", author="me"))

    assert job.feed([100.0] * 3) == []
    assert job.state is None


@pytest.mark.parametrize("late", [False, True], ids=["read at once", "read late"])
def test_a_job_that_goes_on_is_learned_anew(new_job: NewJob, late: bool) -> None:
    job = new_job()
    job.feed([100.0] * 10)
    known = len(job.state.history.values)
    at = job.state.at + timedelta(seconds=1)
    forget = Forget(job="ysb", at=at, source="console/t", author="me", stays_declared=True)
    job.control = job.control.fold(forget)
    if not late:
        assert Forecaster().handle(job.control, job.state, forget).state is job.state

    job.feed([300.0] * 8)

    assert len(job.state.history.values) < known
    assert set(job.state.history.values) <= {300.0, None}


def test_on_another_grid_the_history_stays_and_the_model_is_trained_anew(
    new_job: NewJob, declare: Declare
) -> None:
    job = new_job(control=declare(**SHORT))
    job.feed([100.0] * 25)
    assert job.state.serving is not None

    job.control = declare(**{**SHORT, "report": 30.0})
    (forecast,) = job.feed(slots(100.0))

    assert (forecast.step, forecast.mean) == (30.0, (100.0, 100.0))
    assert len(job.state.history.values) > 10
    assert job.state.serving is None
    assert job.state.training.requested == forecast.tick


# -- bounds ----------------------------------------------------------------------------------------

workloads = st.one_of(
    st.none(),
    st.just(0.0),
    st.floats(0, LARGEST),
    st.floats(0, 1e6),
)
coefficients = st.lists(st.floats(-3, 3), max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    levels=st.lists(workloads, min_size=1, max_size=50),
    ar=coefficients,
    ma=coefficients,
    differences=st.integers(0, 2),
    level=st.floats(-1e9, 1e9),
)
def test_no_forecast_is_negative_or_infinite(  # noqa: PLR0917 -- hypothesis passes names
    new_job: NewJob,
    declare: Declare,
    levels: list[float | None],
    ar: list[float],
    ma: list[float],
    differences: int,
    level: float,
) -> None:
    model = ArimaParams(ar=tuple(ar), ma=tuple(ma), differences=differences, constant=level)
    params = model.model_dump(mode="json")
    policy = {**SHORT, "wape_gate": 1.0, "horizon": 600.0}
    job = new_job(control=declare(**policy), trained=lambda _: Trained(params))

    job.feed(levels)
    job.feed(reversed(levels))
    job.restart()  # the snapshot is valid JSON, too

    for forecast in job.forecasts:
        # The event's own bounds: none negative, NaN or infinite.
        assert Forecast.model_validate_json(forecast.model_dump_json()) == forecast
        assert min(forecast.mean) >= 0
