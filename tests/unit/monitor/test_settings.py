"""Settings come from the environment, and the sources from the spec."""

from pathlib import Path

import pytest

from daedalus_monitor.__main__ import wire
from daedalus_monitor.adapters.flink import FlinkSource
from daedalus_monitor.adapters.kafka import KafkaOffsets, StreamsOffsets
from daedalus_monitor.adapters.kafka_streams import StreamsSource
from daedalus_monitor.adapters.prometheus import PrometheusLatency, PrometheusSource
from daedalus_monitor.adapters.sources import Connections
from daedalus_monitor.adapters.streams_prometheus import StreamsPrometheusSource
from daedalus_monitor.settings import Settings
from daedalus_shared.credentials import Credentials
from daedalus_shared.job_spec import read_spec

SPEC = """
job: ysb
engine: {engine}
input: {{bootstrap: "127.0.0.1:1", topics: [ads], group: ysb}}
metrics: {metrics}
workers: {{kind: none}}
scale: {{max: 4}}
"""
FLINK = "{kind: flink, rest: 'http://jm:8081'}"
STREAMS = "{kind: kafka-streams, metrics: ['http://w:9401/metrics']}"


def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "input").write_text("at=kafka:9093\nsasl.username = daedalus\nsasl.password=a=b\n")
    monkeypatch.setenv("MONITOR_STILL_AFTER", "4")
    monkeypatch.setenv("MONITOR_CREDENTIALS", str(tmp_path))

    settings = Settings()

    assert (settings.still_after, settings.instance) == (4, "monitor")
    monitor, _ = wire(settings)
    assert (monitor.name, monitor.instance) == ("monitor", "monitor")


@pytest.mark.parametrize(
    ("engine", "metrics", "kinds"),
    [
        pytest.param(FLINK, "{}", [FlinkSource], id="the engine alone"),
        pytest.param(
            FLINK, "{prometheus: 'http://p:9090'}", [FlinkSource, PrometheusSource], id="both"
        ),
        pytest.param(
            FLINK,
            "{prometheus: 'http://p:9090', prefer: prometheus}",
            [PrometheusSource, FlinkSource],
            id="Prometheus first",
        ),
        pytest.param("{kind: kafka-streams}", "{}", [], id="nobody tells"),
        pytest.param(STREAMS, "{}", [StreamsSource], id="the workers alone"),
        pytest.param(
            "{kind: kafka-streams}",
            "{prometheus: 'http://p:9090'}",
            [StreamsPrometheusSource],
            id="Prometheus alone",
        ),
        pytest.param(
            STREAMS,
            "{prometheus: 'http://p:9090', prefer: prometheus}",
            [StreamsPrometheusSource, StreamsSource],
            id="Prometheus before the workers",
        ),
    ],
)
async def test_the_spec_says_who_is_asked_and_in_which_order(
    engine: str, metrics: str, kinds: list[type]
) -> None:
    connect = Connections(Credentials(), 8)

    sources = connect(read_spec(SPEC.format(engine=engine, metrics=metrics)))

    assert [type(source) for source in sources.engines] == kinds
    assert sources.latency is None
    expected = KafkaOffsets if engine == FLINK else StreamsOffsets
    assert type(sources.offsets) is expected
    await connect.close()


async def test_a_measure_of_the_latency_is_asked_for_beside() -> None:
    connect = Connections(Credentials(), 8)
    metrics = "{prometheus: 'http://p:9090', latency: 'max(lag)'}"

    sources = connect(read_spec(SPEC.format(engine=FLINK, metrics=metrics)))

    assert isinstance(sources.latency, PrometheusLatency)
    await connect.close()
