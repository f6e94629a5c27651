"""What one worker's exposition says, and what is no exposition."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_monitor.adapters.exposition import points
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.domain.scrapes import Scrape, scraped, with_quota

AT = Moment(datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0)

WORKER = """\
# HELP process_cpu_seconds_total CPU time.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7672688E9
daedalus_cpu_quota_cores 0.2
kafka_streams_state{state="CREATED"} 0
kafka_streams_state{state="RUNNING"} 1
kafka_streams_thread_process_total{thread_id="wordcount-StreamThread-1"} 1500
kafka_streams_thread_process_total{thread_id="wordcount-StreamThread-2"} 500
kafka_streams_assigned_partitions{topic="lines"} 3
kafka_streams_assigned_partitions{topic="wordcount-by-word-repartition"} 2
kafka_streams_assigned_partitions{topic="other"} 0
kafka_streams_source_records_total{topic="lines"} 1000.0
kafka_streams_source_records_total{topic="wordcount-by-word-repartition"} 1000
kafka_streams_e2e_latency_avg_seconds{node="sink-1"} 0.2
kafka_streams_e2e_latency_max_seconds{node="sink-1"} 0.75
kafka_streams_e2e_latency_max_seconds{node="sink-2"} NaN
jvm_threads 12
"""


def read(text: str) -> Scrape:
    return scraped(AT, points(text))


def test_reads_every_signal() -> None:
    assert read(WORKER) == Scrape(
        at=AT,
        state="RUNNING",
        started=1_767_268_800.0,
        cpu=12.5,
        quota=0.2,
        processed=2000.0,
        assigned={"lines": 3.0, "wordcount-by-word-repartition": 2.0},
        consumed={"lines": 1000.0, "wordcount-by-word-repartition": 1000.0},
        latency=0.75,
    )


@pytest.mark.parametrize(
    ("was", "becomes", "signal", "why"),
    [
        pytest.param(
            "process_cpu_seconds_total 12.5\n",
            "",
            "cpu",
            "does not tell process_cpu_seconds_total",
            id="no CPU",
        ),
        pytest.param("total 12.5", "total NaN", "cpu", "not a number", id="CPU is NaN"),
        pytest.param("total 12.5", "total -1", "cpu", "negative", id="CPU is negative"),
        pytest.param("_cores 0.2", "_cores 0", "quota", "reads 0", id="no core"),
        pytest.param(
            "daedalus_cpu_quota_cores 0.2\n", "", "quota", "does not tell", id="quota not told"
        ),
        pytest.param(
            'state="CREATED"} 0', 'state="CREATED"} 1', "state", "2 states", id="two states"
        ),
        pytest.param(
            'state="RUNNING"} 1', 'state="RUNNING"} 0', "state", "does not tell", id="no state"
        ),
        pytest.param('-2"} 500', '-2"} +Inf', "processed", "not a number", id="one odd thread"),
        pytest.param("0.75", "NaN", "latency", None, id="the mean where no maximum is"),
        pytest.param(
            "jvm_threads", "process_start_time_seconds", "started", "2 times", id="told twice"
        ),
    ],
)
def test_a_missing_or_odd_signal_is_unknown_alone(
    was: str, becomes: str, signal: str, why: str | None
) -> None:
    assert was in WORKER

    found = getattr(read(WORKER.replace(was, becomes)), signal)

    if why is None:
        assert found == 0.2
    else:
        assert isinstance(found, Unknown)
        assert why in found.why


def test_threads_that_tell_a_topic_apart_are_summed() -> None:
    text = WORKER + 'kafka_streams_source_records_total{topic="lines",thread_id="2"} 5\n'

    assert read(text).consumed["lines"] == 1005.0


def test_the_job_files_quota_fills_in_alone() -> None:
    untold = read(WORKER.replace("daedalus_cpu", "another"))

    assert with_quota(read(WORKER), 4.0).quota == 0.2
    assert with_quota(untold, 4.0).quota == 4.0
    assert with_quota(untold, None) == untold


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<html><body>Not found</body></html>", id="HTML"),
        pytest.param('{"status": "UP"}', id="JSON"),
        pytest.param(WORKER[:-20] + 'kafka_streams_state{state="RUN', id="cut off"),
        pytest.param("process_cpu_seconds_total twelve", id="a word for a number"),
        pytest.param("# TYPE", id="half a comment"),
        pytest.param("\x00\x01 2", id="bytes"),
    ],
)
def test_nonsense_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"no Prometheus metrics|nonsense") as found:
        points(text)

    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 150


@given(cut=st.integers(0, len(WORKER)), junk=st.text(max_size=5))
def test_any_text_is_read_or_refused(cut: int, junk: str) -> None:
    with contextlib.suppress(ValueError):
        read(WORKER[:cut] + junk + WORKER[cut:])
