"""What an older service makes of a newer one's events: docs/operate.md tells people the same."""

import json

import pytest

from daedalus_shared.events import Declaration, DecodeError, JobMetrics, decode
from daedalus_shared.events.base import event_type


def told(event: type) -> dict[str, bytes]:
    return {"ce_type": event_type(event).encode()}


def test_a_field_of_a_newer_event_is_skipped() -> None:
    value = b'{"job":"ysb","at":"2026-01-01T12:00:00Z","source":"m/m","samples":[],"later":1}'

    assert isinstance(decode(value, told(JobMetrics)), JobMetrics)


def test_a_field_of_a_newer_job_file_is_refused_since_it_asks_for_what_nobody_would_do() -> None:
    spec = {
        "job": "ysb",
        "engine": {"kind": "flink", "rest": "http://jm:8081"},
        "input": {"bootstrap": "kafka:9092", "topics": ["a"], "group": "g"},
        "workers": {"kind": "none"},
        "scale": {"max": 4},
        "later": 1,
    }
    value = {"job": "ysb", "at": "2026-01-01T12:00:00Z", "source": "console/me", "spec": spec}

    with pytest.raises(DecodeError, match=r"spec\.later"):
        decode(json.dumps(value).encode(), told(Declaration))


def test_another_major_is_refused() -> None:
    value = b'{"job":"ysb","at":"2026-01-01T12:00:00Z","source":"m/m","samples":[]}'

    with pytest.raises(DecodeError, match="major version 2 of"):
        decode(value, {"ce_type": b"daedalus.metrics.v2"})
