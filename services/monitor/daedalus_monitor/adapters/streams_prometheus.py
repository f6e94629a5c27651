"""A Kafka Streams job from a Prometheus server that scrapes its workers.

The label `job` tells whose workers they are, `instance` tells them apart, and `up` which there are:
one that Prometheus cannot scrape leaves the look unknown, one that it no longer lists has left. The
series of a worker carry the time of their scrape, so that they are put together again as it was.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from daedalus_monitor.adapters.prometheus import Prometheus
from daedalus_monitor.domain import streams
from daedalus_monitor.domain.counters import FIRST, Moment
from daedalus_monitor.domain.looks import EngineLook
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.domain.scrapes import NAMES, Scrape, scraped, with_quota
from daedalus_monitor.domain.series import Series, alive
from daedalus_monitor.domain.streams import Pair
from daedalus_monitor.ports import SourceError
from daedalus_shared.job_spec import JobSpec

UP = "up"


class StreamsPrometheusSource:
    """Looks at one job."""

    def __init__(self, prometheus: Prometheus, spec: JobSpec) -> None:
        """Look at the workers whose label `job` is the job's name in the engine."""
        self._prometheus = prometheus
        self._name = spec.engine_name
        self._topics = spec.input.topics
        self._sample = spec.policy.sample
        self._cores = spec.engine.cores
        self._run: streams.Run | None = None

    async def look(self, now: Moment) -> EngineLook:
        """Return what Prometheus has of the job.

        Raises:
            SourceError: It has nothing of it, or cannot scrape a worker.
        """
        at = now.wall.timestamp()
        # Quoted as JSON is, which is as PromQL has it; the names need no quoting.
        job = json.dumps(self._name, ensure_ascii=False)
        names = "|".join((UP, *NAMES))
        found = await self._prometheus.scrapes(f'{{job={job},__name__=~"{names}"}}', at)
        pairs = {
            name: self._pair(up, [series for series in found if _instance(series) == name])
            for name, up in workers(found, at, self._name).items()
        }
        going = streams.alive({name: pair.now for name, pair in pairs.items()})
        if isinstance(going, Unknown):
            raise SourceError(going.why)
        self._run = streams.run(self._run, now, going)
        uptime = streams.uptime(self._run, now, going)
        return streams.engine_look({name: pairs[name] for name in going}, uptime, self._topics)

    def _pair(self, up: Series, found: list[Series]) -> Pair:
        """Return a worker's newest scrape and the one a sample interval before, or longer."""
        newest = up.newest[0]
        good = [stamp for stamp, value in up.points[:-1] if float(value) == 1]
        early = [stamp for stamp in good if newest - stamp >= self._sample - 1e-3]
        since = early[-1] if early else good[0] if good else None
        before = None if since is None else self._scrape(since, found)
        passed: Reading[float] = FIRST if since is None else newest - since
        return Pair(before, self._scrape(newest, found), passed)

    def _scrape(self, stamp: float, found: Iterable[Series]) -> Scrape:
        points = [
            (series.labels.get("__name__", ""), series.labels, value)
            for series in found
            for at, value in series.points
            if at == stamp
        ]
        moment = Moment(datetime.fromtimestamp(stamp, UTC), stamp)
        return with_quota(scraped(moment, points), self._cores)


def workers(found: Iterable[Series], now: float, name: str) -> dict[str, Series]:
    """Return the `up` of each worker that Prometheus lists.

    Raises:
        SourceError: There is none, it is not scraped, or it is scraped twice.
    """
    listed = [series for series in found if series.labels.get("__name__") == UP]
    going = alive(listed, now)
    if not going:
        ages = [series.age(now) for series in listed if series.points]
        seen = f"has nothing newer than {min(ages):.0f} s" if ages else "has nothing"
        raise SourceError(f"Prometheus {seen} of the job {name}")
    ups: dict[str, Series] = {}
    for series in going:
        instance = _instance(series)
        if instance in ups:
            raise SourceError(f"Prometheus has two series of {instance}: is it scraped twice?")
        if series.newest[1] != "1":
            raise SourceError(f"Prometheus cannot scrape {instance} of the job {name}")
        ups[instance] = series
    return ups


def _instance(series: Series) -> str:
    return series.labels.get("instance", "")
