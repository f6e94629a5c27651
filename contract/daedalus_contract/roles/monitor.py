"""A monitor: watches real jobs by the clock, and reports what it sees of each."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from daedalus_contract.engine import Engine
from daedalus_contract.found import Answer, answers, of, other_sources, seconds_between
from daedalus_contract.jobs import PLAYER, declaration, names, spec
from daedalus_contract.process import say
from daedalus_contract.stage import Stage
from daedalus_contract.tick_play import Request
from daedalus_contract.ticks import RESTART
from daedalus_contract.verdicts import Mark, Verdict, judged, passed, skipped
from daedalus_shared.events import ControlEvent, Declaration, Event, Forget, JobMetrics
from daedalus_shared.ticks import next_end

LOOP, REPORT, SAMPLE = 6.0, 2.0, 2.0
WORKERS = 3
"""Workers that the played engine says each job has."""

RATE = 200
"""Records/s that are written to the jobs' input."""

_WATCHED = 2
"""Ticks that are looked at before the kit sends garbage, and again after it."""

OUTPUTS: tuple[type[Event], ...] = (JobMetrics,)

_SIGNALS = ("scale_out", "workload", "lag", "latency", "uptime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """All that was to be seen, and what was reported."""

    source: str
    partitions: int
    grace: float
    seen: tuple[str, ...]
    """Jobs that run."""

    broken: str
    """A job whose engine answers nonsense."""

    forgotten: str
    forgotten_at: datetime
    silent: str
    """A job that runs, and was never declared."""

    until: datetime
    """Up to when ticks had to be closed."""

    spoiled_at: datetime
    """When garbage was sent."""

    away: tuple[datetime, datetime] | None
    """When the service was killed, and when it should be at work again."""

    answers: tuple[Answer, ...]
    others: Sequence[str] = ()

    @property
    def reports(self) -> dict[str, list[JobMetrics]]:
        """Job → its reports in order, repeated ones once."""
        found: dict[str, dict[str, JobMetrics]] = defaultdict(dict)
        for _, event in of(JobMetrics, self.answers):
            found[event.job][event.id] = event
        return {job: sorted(each.values(), key=_at) for job, each in found.items()}


@dataclass
class MonitorPlay:
    """A few jobs on a played engine, and an input topic that fills."""

    stage: Stage
    engine: Engine
    request: Request
    _jobs: Sequence[str] = ()

    def run(self) -> Watched:
        """Let it watch, and return what it reported."""
        stage, request = self.stage, self.request
        jobs = names(request.run, 5, stage.partitions)
        self._jobs = jobs
        one, two, forgotten, broken, silent = jobs
        topic = f"contract-{request.run}-input"
        stage.create_topic(topic, 3)
        try:
            self._declare([one, two, forgotten, broken], broken, topic)
            self.engine.add(silent, WORKERS)
            if self._feed(topic, request.patience, lambda: self._ticks(one) >= 1):
                self._watch(topic, _WATCHED)
            forgotten_at = self._forget(forgotten)
            for job in (one, broken):
                stage.send_garbage(Declaration, job)
            stage.flush()
            spoiled_at = datetime.now(UTC)
            alive = self._ticks(one) > 0
            if alive:
                self._watch(topic, _WATCHED)
            away = self._kill(topic, one) if alive else None
            until = datetime.now(UTC)
            if alive:
                self._feed(topic, request.grace, lambda: self._told(until, one, two))
            self._forget(one, two, broken)
        finally:
            stage.delete_topic(topic)
        return Watched(
            source=request.source,
            partitions=stage.partitions,
            grace=request.grace,
            seen=(one, two),
            broken=broken,
            forgotten=forgotten,
            forgotten_at=forgotten_at,
            silent=silent,
            until=until,
            spoiled_at=spoiled_at,
            away=away,
            answers=answers(stage.found, request.source, jobs),
            others=other_sources(stage.found, request.source, jobs),
        )

    def _declare(self, jobs: Sequence[str], broken: str, topic: str) -> None:
        at = datetime.now(UTC) - timedelta(seconds=2 * self.request.grace + LOOP)
        for job in jobs:
            self.engine.add(job, WORKERS)
            rest = f"{self.engine.url}/broken" if job == broken else self.engine.url
            found = spec(
                job,
                self.request.grace,
                engine={"kind": "flink", "rest": rest},
                input={"bootstrap": self.stage.bootstrap, "topics": [topic], "group": job},
                loop=LOOP,
                report=REPORT,
                sample=SAMPLE,
            )
            self.stage.send(declaration(found, at))
        self.stage.flush()

    def _watch(self, topic: str, ticks: int) -> None:
        self._feed(topic, ticks * LOOP)
        reports = len(of(JobMetrics, answers(self.stage.found, self.request.source, self._jobs)))
        say(f"watched {ticks} ticks of {LOOP:g} s: {reports} reports so far")

    def _feed(self, topic: str, seconds: float, done: object = None) -> bool:
        """Fill the jobs' input at a steady rate, for so long or until `done()`."""
        begin, fed = time.monotonic(), 0
        while (passed := time.monotonic() - begin) < seconds:
            due = round(passed * RATE)
            self.stage.feed(topic, due - fed)
            fed = due
            self.stage.listen(0.1)
            if callable(done) and done():
                return True
        return False

    def _kill(self, topic: str, job: str) -> tuple[datetime, datetime] | None:
        process = self.request.process
        if process is None:
            return None
        killed_at = datetime.now(UTC)
        process.kill()
        process.start()
        before = self._ticks(job)
        self._feed(topic, self.request.patience, lambda: self._ticks(job) > before + 1)
        back = datetime.now(UTC)
        self._watch(topic, 2)
        return killed_at, back

    def _ticks(self, job: str) -> int:
        found = of(JobMetrics, answers(self.stage.found, self.request.source, self._jobs))
        return len({event.tick for _, event in found if event.job == job and event.tick})

    def _told(self, until: datetime, *jobs: str) -> bool:
        """Whether all that there was up to an instant has been reported."""
        found = of(JobMetrics, answers(self.stage.found, self.request.source, self._jobs))
        return set(jobs) <= {event.job for _, event in found if event.at >= until}

    def _forget(self, *jobs: str) -> datetime:
        at = datetime.now(UTC)
        source = f"console/{PLAYER}"
        events: list[ControlEvent] = [
            Forget(job=job, at=at, source=source, author=PLAYER) for job in jobs
        ]
        self.stage.send(*events)
        self.stage.flush()
        return at


def verdicts(play: Watched) -> list[Verdict]:
    """Return what a monitor alone is judged by."""
    return [
        closes(play),
        grid(play),
        ordered(play),
        unknowns(play),
        scale_outs(play),
        workloads(play),
        in_time(play),
        forgotten(play),
        survives(play),
        restart(play),
    ]


def closes(play: Watched) -> Verdict:
    """Each tick is closed by one report."""
    wrong, due = [], 0
    for job in play.seen:
        closed = [report.tick for report in play.reports.get(job, []) if report.tick is not None]
        if not closed:
            continue
        for tick in _ticks(job, min(closed), play.until):
            if play.away and play.away[0] - timedelta(seconds=LOOP) <= tick <= play.away[1]:
                continue
            due += 1
            count = closed.count(tick)
            if count != 1:
                wrong.append(f"the tick of {job} at {tick.isoformat()} was closed {count} times")
    mend = "The report that ends at a tick's end carries it as `tick`, and no other"
    if due == 0:
        who = f"; {', '.join(play.others)} answered" if play.others else ""
        wrong = [f"nothing came from {play.source} that closes a tick{who}"]
        mend = "Does the monitor run on this Kafka, under this source, and does it reach the "
        mend += "engine that the kit plays on this machine?"
    return judged("one a tick", wrong, well=f"{due} ticks, each closed by one report", mend=mend)


def grid(play: Watched) -> Verdict:
    """Ticks lie where the job's loop and name put them."""
    wrong = []
    for message, event in of(JobMetrics, play.answers):
        if event.tick is None:
            continue
        right = next_end(event.job, LOOP, event.tick - timedelta(seconds=0.5))
        if event.tick != right:
            told = f"tick {event.tick.isoformat()}, expected {right.isoformat()}"
            wrong.append(f"{message.place}: {told}")
        elif event.at != event.tick:
            wrong.append(f"{message.place}: at {event.at.isoformat()} is not the tick it closes")
    return judged(
        "tick",
        wrong,
        well="ticks end where loop and name of the job put them",
        mend="At multiples of the loop plus crc32(job) mod loop, in milliseconds, since 1970",
    )


def ordered(play: Watched) -> Verdict:
    """Samples are told once, in order, and none beyond its report."""
    wrong = []
    for job, reports in play.reports.items():
        ats = [sample.at for report in reports for sample in report.samples]
        wrong += [
            f"{job}: the sample at {later.isoformat()} follows one at {earlier.isoformat()}"
            for earlier, later in pairwise(ats)
            if later <= earlier
        ]
        wrong += [
            f"{job}: a sample at {sample.at.isoformat()} in the report of {report.at.isoformat()}"
            for report in reports
            for sample in report.samples
            if sample.at > report.at
        ]
    return judged(
        "samples",
        wrong,
        well="each sample was told once, in the order of time",
        mend="A sample belongs to the first report that ends at it or after it",
    )


def unknowns(play: Watched) -> Verdict:
    """What could not be read is null, with the reason beside it; never 0."""
    wrong = []
    for job, reports in play.reports.items():
        for sample in (sample for report in reports for sample in report.samples):
            wrong += [
                f"{job} at {sample.at.isoformat()}: {name} is null, and `unknown` does not say why"
                for name in _SIGNALS
                if getattr(sample, name) is None and name not in sample.unknown
            ]
            if job == play.broken and sample.scale_out is not None:
                told = f"scale_out {sample.scale_out}, though its engine says nothing readable"
                wrong.append(f"{job} at {sample.at.isoformat()}: {told}")
    return judged(
        "unknown",
        wrong,
        well="a signal that could not be read is null, and `unknown` says why",
        mend="Name each null signal in the sample's `unknown`, with the reason",
    )


def scale_outs(play: Watched) -> Verdict:
    """The scale-out is the engine's."""
    wrong = [
        f"{job} at {sample.at.isoformat()}: scale_out {sample.scale_out}, the engine says {WORKERS}"
        for job in play.seen
        for report in play.reports.get(job, [])
        for sample in report.samples
        if sample.scale_out not in (None, WORKERS)
    ]
    return judged(
        "scale-out",
        wrong,
        well=f"it is the engine's, {WORKERS}",
        mend="Ask the engine at each look",
    )


def workloads(play: Watched) -> Verdict:
    """The workload is what arrives in the input topics."""
    rates = [
        sample.workload
        for job in play.seen
        for report in play.reports.get(job, [])
        for sample in report.samples
        if sample.workload is not None
    ]
    if not rates:
        return Verdict(
            "workload",
            Mark.FAILED,
            f"it was never known, though {RATE} records/s were written to the input topic. "
            "It is the difference of the topics' end offsets over the time between two looks",
        )
    mean = sum(rates) / len(rates)
    if 0.6 * RATE <= mean <= 1.4 * RATE:
        return passed("workload", f"{mean:.0f} records/s on average, {RATE} were written")
    return Verdict(
        "workload",
        Mark.FAILED,
        f"{mean:.0f} records/s on average, expected about {RATE}. "
        "It is records/s that arrive in the input topics, not what the job processes",
    )


def in_time(play: Watched) -> Verdict:
    """A report comes soon after what it tells of."""
    waits = [
        (seconds_between(event.at, message.written_at), event)
        for message, event in of(JobMetrics, play.answers)
        if event.job in play.seen
    ]
    if not waits:
        return Verdict("in time", Mark.FAILED, "nothing came")
    wrong = [
        f"the report of {event.job} at {event.at.isoformat()} came after {wait:.1f} s"
        for wait, event in waits
        if wait > play.grace
    ]
    slowest = max(wait for wait, _ in waits)
    return judged(
        "in time",
        wrong,
        well=f"the slowest report came {slowest:.2f} s after its end",
        mend=f"Expected within {play.grace:g} s: one slow source must not hold up the others",
    )


def forgotten(play: Watched) -> Verdict:
    """Nothing is said of a job that is not declared, or not any more."""
    limit = play.forgotten_at + timedelta(seconds=REPORT + play.grace)
    wrong = [
        f"{message.place} speaks of {event.job}, which was never declared"
        for message, event in of(JobMetrics, play.answers)
        if event.job == play.silent
    ]
    wrong += [
        f"{message.place} speaks of {event.job} at {event.at.isoformat()}, forgotten at "
        f"{play.forgotten_at.isoformat()}"
        for message, event in of(JobMetrics, play.answers)
        if event.job == play.forgotten and event.at > limit
    ]
    return judged(
        "unknown jobs",
        wrong,
        well="nothing was said of a job that was never declared, nor of one that was forgotten",
        mend="Watch what is declared on daedalus.control, until a Forget",
    )


def survives(play: Watched) -> Verdict:
    """It goes on after control events that nobody can read."""
    back = play.spoiled_at + timedelta(seconds=LOOP)
    wrong = [
        f"no report of {job} after control events that nobody can read"
        for job in play.seen
        if not [report for report in play.reports.get(job, []) if report.at > back]
    ]
    return judged(
        "bad input",
        wrong,
        well="it goes on after bytes that are no JSON, an unknown major version and the like",
        mend="Skip what you cannot read, commit it, and say so (a dead letter is welcome)",
    )


def restart(play: Watched) -> Verdict:
    """Killed and started, it goes on reporting."""
    if play.away is None:
        return skipped("restart", RESTART)
    wrong = [
        f"no report of {job} after a restart"
        for job in play.seen
        if not [report for report in play.reports.get(job, []) if report.at > play.away[1]]
    ]
    return judged(
        "restart",
        wrong,
        well="killed and started again, it goes on, and says nothing twice",
        mend="Read daedalus.control from its beginning at the start",
    )


def _ticks(job: str, first: datetime, until: datetime) -> list[datetime]:
    found, tick = [], first
    while tick <= until:
        found.append(tick)
        tick = next_end(job, LOOP, tick)
    return found


def _at(report: JobMetrics) -> datetime:
    return report.at
