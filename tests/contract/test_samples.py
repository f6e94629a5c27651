"""The wire contract: recorded messages decode for ever, whatever is added to the events."""

import json
from pathlib import Path
from typing import Any

import pytest

from daedalus_shared.events import DecodeError, decode, encode, headers
from daedalus_shared.events.codec import BY_TYPE

SAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "samples").glob("*.json"))
}
each_sample = pytest.mark.parametrize("name", SAMPLES)


def read(sample: dict[str, Any], **changed: str) -> Any:
    told = {key: value.encode() for key, value in {**sample["headers"], **changed}.items()}
    return decode(json.dumps(sample["value"]).encode(), told, key=sample["key"].encode())


def says(written: Any, told: Any) -> bool:
    """Whether all that was told is written, whatever a newer minor adds."""
    if isinstance(told, dict):
        return all(key in written and says(written[key], value) for key, value in told.items())
    if isinstance(told, list):
        return len(written) == len(told) and all(map(says, written, told))
    return bool(written == told)


def test_every_event_has_a_sample() -> None:
    assert set(BY_TYPE) <= set(SAMPLES)


@each_sample
def test_a_sample_decodes_with_all_that_it_says(name: str) -> None:
    event = read(SAMPLES[name])

    written = json.loads(encode(event))
    assert says(written, SAMPLES[name]["value"])


@each_sample
def test_ids_and_correlations_never_change(name: str) -> None:
    told = {key: value.decode() for key, value in headers(read(SAMPLES[name])).items()}

    assert told == SAMPLES[name]["headers"]


@each_sample
def test_a_field_of_a_newer_minor_is_skipped(name: str) -> None:
    sample = SAMPLES[name]
    newer = {**sample, "value": {**sample["value"], "invented_later": {"a": [1]}}}

    assert read(newer) == read(sample)


@each_sample
def test_another_major_is_refused(name: str) -> None:
    other = SAMPLES[name]["headers"]["ce_type"].replace(".v1", ".v2")

    with pytest.raises(DecodeError, match="major version 2"):
        read(SAMPLES[name], ce_type=other)


@each_sample
def test_a_key_of_another_job_is_refused(name: str) -> None:
    with pytest.raises(DecodeError, match="under key"):
        read({**SAMPLES[name], "key": "another"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("workload", float("nan"), id="not a number"),
        pytest.param("workload", float("inf"), id="infinite"),
        pytest.param("workload", -1.0, id="negative workload"),
        pytest.param("lag", -1.0, id="negative lag"),
        pytest.param("scale_out", -1, id="negative scale-out"),
        pytest.param("uptime", "soon", id="no duration"),
        pytest.param("at", "2026-01-01T12:00:30", id="an instant without its offset"),
        pytest.param("workers", [{"id": "w", "cpu": 1.2}], id="more CPU than there is"),
    ],
)
def test_nonsense_in_a_sample_of_metrics_is_refused_by_field(field: str, value: object) -> None:
    report = json.loads(json.dumps(SAMPLES["daedalus.metrics.v1"]))
    report["value"]["samples"][0][field] = value

    with pytest.raises(DecodeError, match=f"samples.0.{field}"):
        read(report)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("mean", float("nan"), id="not a number"),
        pytest.param("mean", -1.0, id="negative"),
        pytest.param("mean", 1.1e15, id="absurdly large"),
        pytest.param("quantiles", 1e300, id="an absurdly large quantile"),
        pytest.param("paths", 1e300, id="an absurdly large path"),
    ],
)
def test_nonsense_in_a_forecast_is_refused_by_field(field: str, value: float) -> None:
    forecast = json.loads(json.dumps(SAMPLES["daedalus.forecasts.v1"]))
    values = [value] * len(forecast["value"]["mean"])
    wrong = {"mean": values, "quantiles": {"0.5": values}, "paths": [values]}
    forecast["value"][field] = wrong[field]

    with pytest.raises(DecodeError, match=rf"forecasts\.v1: {field}\."):
        read(forecast)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        pytest.param("daedalus.metrics.v1", "checkpoint_interval", 1e10, id="a duration"),
        pytest.param("daedalus.capacity-updates.v1", "capacity", 1e16, id="a rate"),
        pytest.param("daedalus.capacity-updates.v1", "lag", 1e16, id="records"),
        pytest.param("daedalus.capacity-updates.v1", "scale_out", 10**400, id="workers"),
        pytest.param("daedalus.forecasts.v1", "step", 1e12, id="a step"),
        pytest.param("daedalus.forecasts.v1", "step", 5e-324, id="a step of no time"),
        pytest.param("daedalus.metrics.v1", "at", "0001-01-01T00:00:00+14:00", id="an instant"),
        pytest.param("daedalus.metrics.v1", "tick", "9999-12-31T23:59:59-14:00", id="its tick"),
    ],
)
def test_what_no_reader_could_compute_with_is_refused(name: str, field: str, value: object) -> None:
    sample = SAMPLES[name]

    with pytest.raises(DecodeError, match=field):
        read({**sample, "value": {**sample["value"], field: value}})
