"""Which sources a job has, by its spec."""

import aiohttp

from daedalus_monitor.adapters.flink import FlinkSource
from daedalus_monitor.adapters.flink_rest import FlinkRest
from daedalus_monitor.adapters.http import Http
from daedalus_monitor.adapters.kafka import Brokers, KafkaOffsets, StreamsOffsets
from daedalus_monitor.adapters.kafka_streams import StreamsSource
from daedalus_monitor.adapters.prometheus import Prometheus, PrometheusLatency, PrometheusSource
from daedalus_monitor.adapters.streams_prometheus import StreamsPrometheusSource
from daedalus_monitor.adapters.targets import Target, Targets
from daedalus_monitor.ports import EngineSource, Sources
from daedalus_shared.credentials import Credentials
from daedalus_shared.job_spec import EngineKind, JobSpec

ANSWER = 0.7
"""A worker is given this part of a sample interval: less than a look may take, so that it is named
who did not answer. Half of it where a second source is asked after."""


class Connections:
    """One HTTP session and one Kafka client a cluster, for all jobs."""

    def __init__(self, credentials: Credentials, connections_per_host: int) -> None:
        self._credentials = credentials
        self._brokers = Brokers(credentials)
        self._per_host = connections_per_host
        self._session: aiohttp.ClientSession | None = None

    def __call__(self, spec: JobSpec) -> Sources:
        """Return the sources of a job; the first call needs a running event loop."""
        metrics, sample = spec.metrics, spec.policy.sample
        streams = spec.engine.kind is EngineKind.KAFKA_STREAMS
        prometheus = latency = None
        if metrics.prometheus is not None:
            prometheus = Prometheus(self._http(metrics.prometheus))
            if metrics.latency is not None:
                latency = PrometheusLatency(prometheus, metrics.latency, sample)
        engines = self._streams(spec, prometheus) if streams else self._flink(spec, prometheus)
        if metrics.prefer == "prometheus":
            engines.reverse()
        offsets = (StreamsOffsets if streams else KafkaOffsets)(
            self._brokers, spec.input, patience=0.4 * sample
        )
        return Sources(tuple(engines), offsets, latency)

    def _flink(self, spec: JobSpec, prometheus: Prometheus | None) -> list[EngineSource]:
        name, sample = spec.engine_name, spec.policy.sample
        found: list[EngineSource] = []
        if spec.engine.rest is not None:
            found.append(FlinkSource(FlinkRest(self._http(spec.engine.rest)), name, sample))
        if prometheus is not None:
            found.append(PrometheusSource(prometheus, name, sample))
        return found

    def _streams(self, spec: JobSpec, prometheus: Prometheus | None) -> list[EngineSource]:
        found: list[EngineSource] = []
        if spec.engine.metrics:
            targets = Targets(spec.engine.metrics, spec.engine_name)
            patience = ANSWER * spec.policy.sample / (1 if prometheus is None else 2)
            found.append(StreamsSource(targets, self._exposition, spec, patience))
        if prometheus is not None:
            found.append(StreamsPrometheusSource(prometheus, spec))
        return found

    async def _exposition(self, target: Target) -> str:
        return await self._http(target.server, target.name).text(target.path)

    async def close(self) -> None:
        """Close the HTTP connections."""
        if self._session is not None:
            await self._session.close()

    def _http(self, url: str, certified: str | None = None) -> Http:
        if self._session is None:
            # No limit over all hosts: a slow one must not keep the others' jobs waiting.
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=self._per_host)
            self._session = aiohttp.ClientSession(connector=connector)
        return Http(self._session, url, certified, access=self._credentials.http(url))
