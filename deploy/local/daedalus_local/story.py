"""What a run's events amount to: the looks at the job and the rescales, put together."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from daedalus_local.score import Look, Rescale
from daedalus_shared.events import Decision, Event, JobMetrics, Recovery, ScaleOutcome

E = TypeVar("E", bound=Event)


class Story:
    """Collects the events of one job."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._metrics: dict[str, JobMetrics] = {}
        self._decisions: dict[str, Decision] = {}
        self._outcomes: dict[str, ScaleOutcome] = {}
        self._recoveries: dict[str, Recovery] = {}

    def add(self, event: Event) -> bool:
        """Take an event in; return whether it is new: delivery is at least once."""
        if event.job != self._job:
            return False
        match event:
            case JobMetrics():
                return _new(self._metrics, event.id, event)
            case Decision(shadow=False):
                return _new(self._decisions, event.id, event)
            case ScaleOutcome():
                return _new(self._outcomes, event.command, event)
            case Recovery():
                return _new(self._recoveries, event.command, event)
        return False

    def looks(self, since: float) -> list[Look]:
        """Return the samples from a Unix time on, in order."""
        samples = {
            sample.at: sample for report in self._metrics.values() for sample in report.samples
        }
        return [
            Look(at.timestamp(), sample.scale_out, sample.workload, sample.lag)
            for at, sample in sorted(samples.items())
            if at.timestamp() >= since
        ]

    def decisions(self) -> Sequence[Decision]:
        """Return the decisions, in order."""
        return sorted(self._decisions.values(), key=lambda decision: decision.at)

    def rescales(self) -> list[Rescale]:
        """Return the commands and what came of each, in order."""
        return [
            self._rescale(decision, decision.command)
            for decision in self.decisions()
            if decision.command is not None
        ]

    def _rescale(self, decision: Decision, command: str) -> Rescale:
        outcome = self._outcomes.get(command)
        recovery = self._recoveries.get(command)
        promise = decision.promise
        return Rescale(
            decided=decision.at.timestamp(),
            start=_unix(outcome.started_at) if outcome else None,
            converged=_unix(outcome.converged_at) if outcome else None,
            before=decision.scale_out or 0,
            after=decision.chosen or 0,
            status=outcome.status.value if outcome else "no outcome yet",
            why=outcome.why if outcome else "",
            capacity_before=_capacity(decision, decision.scale_out),
            promised_downtime=promise.downtime if promise else None,
            downtime=outcome.downtime if outcome else None,
            promised_recovery=promise.recovery if promise else None,
            recovery=recovery.recovery if recovery else None,
        )


def _new(known: dict[str, E], key: str, event: E) -> bool:
    if key in known:
        return False
    known[key] = event
    return True


def _capacity(decision: Decision, scale_out: int | None) -> float | None:
    return next(
        (each.capacity for each in decision.candidates if each.scale_out == scale_out), None
    )


def _unix(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
