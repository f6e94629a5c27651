"""From what a loop taught to the event that says so: the capacity, or why none was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from daedalus_analyzer.domain.downtime import expected, slowness
from daedalus_analyzer.domain.learning import Learner
from daedalus_analyzer.domain.model import Model, Table
from daedalus_analyzer.domain.report import caution, sentence
from daedalus_analyzer.domain.samples import epoch, moment
from daedalus_analyzer.domain.workload import summarise
from daedalus_analyzer.state import AnalyzerState
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    CapacityUpdate,
    JobMetrics,
    Sample,
    Skew,
)
from daedalus_shared.job_spec import JobSpec, Policy

FITTED = 2
"""Scale-outs seen from which on the others are read off a fitted curve."""

TELLING = 1.25
"""A lower bound below this many times the workload says nothing."""


def why_unknown(learner: Learner, report: JobMetrics, policy: Policy) -> str | None:
    """Return why the loop measured no capacity, or None when it did."""
    why = dict(report.samples[-1].unknown) if report.samples else {}
    present = len(learner.present)
    mine = [found for found in learner.readings if found.scale_out == learner.scale_out]
    measured = any(found.saturated or found.throughput for found in mine if not found.cold)
    found: str | None = None
    if not present:
        found = "no worker was seen in this loop"
        found = _with(found, why.get("workers") or why.get("scale_out"))
    elif _newest(report, "scale_out") is None:
        found = _with("the scale-out is unknown", why.get("scale_out"))
    elif learner.without_work:
        found = f"{learner.without_work} of {present} workers have no work yet"
    elif learner.cold and not measured:
        found = (
            f"warm-up: nothing is learned for {policy.warm_up:g} s after a restart or a change of "
            "the scale-out"
        )
    elif present != learner.scale_out:
        found = f"metrics of {present} workers at a scale-out of {learner.scale_out}"
    elif any(reading.throughput == 0 for reading in mine):
        found = "idle: no worker processed a record in this loop"
    elif not measured:
        found = _with("no usable sample in this loop", _signals(learner.present, why))
    return found


def _signals(workers: tuple[str, ...], why: Mapping[str, str]) -> str | None:
    for worker in workers:
        for signal in ("cpu", "throughput"):
            if reason := why.get(f"worker.{worker}.{signal}"):
                return f"{signal} of worker {worker}: {reason}"
    return None


def _with(found: str, reason: str | None) -> str:
    return found if reason is None else f"{found}: {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything that a capacity update is made of."""

    source: str
    """Who says so."""

    report: JobMetrics
    """The report that closed the tick."""

    spec: JobSpec
    """In effect at the tick."""

    state: AnalyzerState
    """With the tick folded in."""

    learner: Learner
    """What the loop taught."""

    known: Table
    """What is known of all scale-outs."""

    why_unknown: str | None
    """Why the loop measured no capacity; None when it did."""

    def update(self) -> CapacityUpdate:
        """Return the event."""
        state, report, policy = self.state, self.report, self.spec.policy
        tick = state.tick or report.at
        table = self._table()
        scale_out = _newest(report, "scale_out")
        current = int(scale_out) if scale_out is not None else None
        # What can be processed now: workers without work are no capacity.
        at_work = current - self.learner.without_work if current is not None else 0
        now = table.at(at_work) if at_work > 0 else None
        up, down = state.downtimes_up, state.downtimes_down
        slow_up = slowness(up, policy.downtime_up)
        slow_down = slowness(down, policy.downtime_down)
        skew = self._skew(table) if at_work > 0 else None
        return CapacityUpdate(
            job=report.job,
            at=tick,
            source=self.source,
            tick=tick,
            loop=state.loop,
            scale_out=current,
            capacity=now.capacity if now else None,
            capacity_error=now.error if now else None,
            fit=table.fit.explained if table.fit else None,
            caution=caution(table, at_work) if now else None,
            table=self._points(table),
            workload=summarise(self.learner.workload, epoch(tick)),
            skew=skew,
            lag=_newest(report, "lag"),
            uptime=_newest(report, "uptime"),
            scale_out_since=moment(state.scale_out_since) if state.scale_out_since else None,
            checkpoint_interval=report.checkpoint_interval,
            input_partitions=report.input_partitions,
            max_parallelism=report.max_parallelism,
            downtime_up=expected(up, policy.downtime_up * slow_down),
            downtime_down=expected(down, policy.downtime_down * slow_up),
            warm_up=expected(state.warm_ups, 0.0) if state.warm_ups else None,
            warming=self.learner.without_work,
            report=self._report(table, skew),
            why_unknown=self.why_unknown,
        )

    def _table(self) -> Table:
        """Return what is known, or nothing where that is no more than what is processed anyway.

        That much is no limit: to plan with it would be to take a job that keeps up for overloaded.
        """
        table = self.known
        present = len(self.learner.present)
        bound = table.at(present) if present else None
        highest = max((rate for _, rate in self.learner.workload), default=0.0)
        if bound is not None and bound.at_least and bound.capacity < TELLING * highest:
            return Table.of(Model())
        return table

    def _points(self, table: Table) -> tuple[CapacityPoint, ...]:
        seen = {known.scale_out: moment(known.at) for known in self.state.model.observed}
        scale = self.spec.scale
        found = ((q, table.at(q)) for q in range(scale.min, scale.max + 1))
        beyond = Basis.FITTED if table.known >= FITTED else Basis.ESTIMATED
        return tuple(
            CapacityPoint(
                scale_out=q,
                capacity=known.capacity,
                basis=Basis.OBSERVED if q in seen else beyond,
                at=seen.get(q),
                error=known.error,
                at_least=known.at_least,
            )
            for q, known in found
            if known is not None
        )

    def _skew(self, table: Table) -> Skew | None:
        present = len(self.learner.present)
        hottest, now = self.learner.skew, table.at(present) if present else None
        if present < 2 or hottest is None or now is None:
            return None
        cpus = {
            worker: load.cpu / load.readings
            for worker, load in self.learner.loads.items()
            if load.readings > 0
        }
        mean = sum(cpus.values()) / len(cpus) if cpus else 0.0
        more = table.at(present + 1)
        return Skew(
            hottest=hottest.hottest,
            gap=min(max(cpus.get(hottest.hottest, mean) - mean, 0.0), 1.0),
            capacity_without=now.even,
            gain_of_one_more=0.0
            if self._limit(present)
            else more.capacity - now.capacity
            if more
            else None,
        )

    def _limit(self, scale_out: int) -> str | None:
        """Return what keeps one more worker from helping, or None."""
        for limit, name in (
            (self.report.input_partitions, "partitions"),
            (self.report.max_parallelism, "max parallelism"),
        ):
            if limit is not None and scale_out >= limit:
                return f"{limit} {name}"
        return None

    def _report(self, table: Table, skew: Skew | None) -> str | None:
        hottest = self.learner.skew
        present = len(self.learner.present)
        now, more = table.at(present) if present else None, table.at(present + 1)
        if hottest is None or now is None or more is None or skew is None:
            return None
        gain = more.capacity / now.capacity - 1
        return sentence(hottest, gain, self._limit(present))


def _newest(report: JobMetrics, signal: str) -> float | None:
    """Return a signal from the newest sample of the report that knows it."""
    known = (_signal(sample, signal) for sample in reversed(report.samples))
    return next((value for value in known if value is not None), None)


def _signal(sample: Sample, signal: str) -> float | None:
    return {"scale_out": sample.scale_out, "lag": sample.lag, "uptime": sample.uptime}[signal]
