"""Reports go on, never overlap and never contradict each other, however monitors are killed."""

import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from daedalus_shared.events import JobMetrics
from daedalus_shared.ticks import next_end
from harness.broker import Broker
from harness.commands import declare
from harness.fake_flink import FakeFlink
from harness.replicas import Replica, running
from harness.services import service

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

LOOP = 3.0
POLICY = {"sample": 0.5, "report": 1.0, "loop": LOOP, "forecast_grace": 1.0}
JOBS = [f"job-{number}" for number in range(12)]
MOMENT = timedelta(seconds=0.1)
BRIEF = timedelta(seconds=10)
"""A report is made within this time."""
PATIENCE = 300.0
"""Seconds without ticks after which the monitors are taken for dead."""


class Scene:
    """Monitors, and what they report."""

    def __init__(self, broker: Broker, replicas: list[Replica]) -> None:
        self.replicas = replicas
        self.tap = broker.tap(JobMetrics)
        self.reports: dict[str, dict[datetime, JobMetrics]] = defaultdict(dict)
        """Job → `at` → report, in the order in which they lie on the topic."""
        self.ticks: dict[str, int] = dict.fromkeys(JOBS, 0)
        self.repeated = 0
        self.contradictions: list[tuple[JobMetrics, JobMetrics]] = []

    def listen(self) -> None:
        for each in self.tap.poll(0.05):
            report = each.event
            assert isinstance(report, JobMetrics)
            known = self.reports[report.job].get(report.at)
            if known is None:
                self.reports[report.job][report.at] = report
                self.ticks[report.job] += report.tick is not None
            elif known == report:
                self.repeated += 1
            else:
                self.contradictions.append((known, report))

    def go_on(self, done: Callable[[], bool], away: Replica | None = None) -> float:
        """Listen until `done()`, and return how many seconds that took."""
        began = time.monotonic()
        while not done():
            tails = "\n".join(f"--- {each.name}\n{each.tail()}" for each in self.replicas)
            assert time.monotonic() - began < PATIENCE, f"no ticks of all jobs\n{tails}"
            for replica in self.replicas:
                if replica is not away:
                    replica.tend()
            self.listen()
        return time.monotonic() - began

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.go_on(lambda: time.monotonic() >= end)

    def until_all_tick(self, away: Replica | None = None) -> float:
        """Go on until each job has ticked once more; the seconds that it took."""
        before = dict(self.ticks)
        return self.go_on(lambda: all(self.ticks[job] > before[job] for job in JOBS), away)

    def check(self, stops: Sequence[datetime] = ()) -> None:
        """Check all reports; `stops` are the instants at which a replica was stopped.

        One report a stop may be on its way to the broker, which no replica sends two of at a time.
        It lands once the replica is woken, too old for any reader to heed.
        """
        reports = [report for found in self.reports.values() for report in found.values()]
        ticks = sum(self.ticks.values())
        landed = [report for found in self.reports.values() for report in _landed_late(found)]
        print(
            f"{len(reports)} reports, {ticks} ticks, {self.repeated} repeated as they were, "
            f"{len(landed)} landed late"
        )
        assert not self.contradictions
        on_the_way = list(stops)
        for report in sorted(landed, key=lambda each: each.at):  # the first may only have the first
            stop = next(
                (each for each in on_the_way if report.at <= each < report.at + BRIEF), None
            )
            assert stop is not None, f"{report.job} {report.at}, stops {stops}"
            on_the_way.remove(stop)
            del self.reports[report.job][report.at]
        for job, found in self.reports.items():
            for earlier, later in pairwise(found.values()):
                ats = [earlier.at, *(sample.at for sample in later.samples)]
                assert all(one < two for one, two in pairwise(ats)), job
                assert ats[-1] <= later.at
            for at, report in found.items():
                assert report.tick in (None, at)
                assert report.tick is None or report.tick == next_end(job, LOOP, at - MOMENT)


def _landed_late(found: Mapping[datetime, JobMetrics]) -> list[JobMetrics]:
    """Return the reports that lie behind a newer one."""
    newest = accumulate(found, max)
    return [
        report for before, report in zip(newest, found.values(), strict=True) if report.at < before
    ]


@contextmanager
def scene(broker: Broker, directory: Path, replicas: int) -> Iterator[Scene]:
    flink = FakeFlink(random.Random(0))
    started = [service("monitor", number, broker, directory) for number in range(replicas)]
    for job in JOBS:
        flink.add(job, 2)
        where = {"bootstrap": broker.bootstrap, "topics": ["daedalus.metrics"], "group": job}
        declare(broker, flink, job, policy=POLICY, input=where)
    broker.flush()
    with flink.running(), running(*started):
        made = Scene(broker, started)
        made.until_all_tick()
        try:
            yield made
        finally:
            made.tap.close()


def test_sigkill_at_random_instants(
    broker: Broker, tmp_path: Path, kills: int, rng: random.Random
) -> None:
    """One monitor: after each restart all jobs tick again, within seconds."""
    kills //= 2  # one takes 8 s, most of which are the dead member's session and the start
    with scene(broker, tmp_path, 1) as found:
        [replica] = found.replicas
        took = []
        for _ in range(kills):
            found.rest(rng.uniform(0, 1.5))
            replica.kill()
            replica.start()
            took.append(found.until_all_tick())
        median = sorted(took)[kills // 2]
        print(f"{kills} kills; all ticked again after {median:.1f} s, {max(took):.1f} s at most")
        found.check()


def test_a_killed_replicas_jobs_are_taken_over(
    broker: Broker, tmp_path: Path, rounds: int, rng: random.Random
) -> None:
    with scene(broker, tmp_path, 2) as found:
        took = []
        for _ in range(max(1, rounds // 2)):
            found.rest(rng.uniform(1, 3))
            victim = rng.choice(found.replicas)
            victim.kill()
            took.append(found.until_all_tick(away=victim))
            victim.start()
            found.until_all_tick()
        print(f"all ticked again after {', '.join(f'{each:.1f}' for each in took)} s")
        found.check()


def test_a_zombie_reports_nothing(
    broker: Broker, tmp_path: Path, rounds: int, rng: random.Random
) -> None:
    """Stopped past its session, and woken when another reports its jobs."""
    with scene(broker, tmp_path, 2) as found:
        stops = []
        for _ in range(rounds):
            found.rest(rng.uniform(0, 2))
            zombie = rng.choice(found.replicas)
            stops.append(datetime.now(UTC))
            zombie.signal(signal.SIGSTOP)
            found.until_all_tick(away=zombie)
            found.rest(rng.uniform(0, 1))
            zombie.signal(signal.SIGCONT)
            found.until_all_tick()
        found.check(stops)
