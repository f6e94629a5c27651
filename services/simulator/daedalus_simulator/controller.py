"""The whole loop of one job in a single object: events in, events out.

`Controller` calls the handlers of the services, analyzer, forecaster and planner, and carries their
events between them as the topics would: no Kafka, no clock, no thread, no network. Whoever judges
the method in a simulator of their own feeds it what a monitor and an executor would have said.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from daedalus_analyzer.analyzer import Analyzer
from daedalus_analyzer.state import AnalyzerState
from daedalus_forecaster.forecaster import Forecaster
from daedalus_forecaster.state import ForecasterState
from daedalus_planner.planner import Planner
from daedalus_planner.state import PlannerState
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Declaration,
    Event,
    Forecast,
    JobMetrics,
    Recovery,
    ScaleOutcome,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.service import Service
from daedalus_shared.ticks import next_end

S = TypeVar("S", bound=BaseModel)

_MARGIN = timedelta(seconds=1)
"""By how much the spec was declared before it had to be, to count from the first tick on."""


class Listener(Protocol):
    """A stage of the loop, whatever its state."""

    def handle(self, control: JobControl, event: Event) -> tuple[Event, ...]:
        """Fold an event; return what the service says to it."""
        ...


class Stage(Generic[S]):
    """A service and what it knows of the job."""

    def __init__(self, service: Service[S]) -> None:
        self.service = service
        self.state: S | None = None

    def handle(self, control: JobControl, event: Event) -> tuple[Event, ...]:
        """Fold an event; return what the service says to it."""
        if not isinstance(event, (*self.service.SOURCES, ControlEvent)):
            return ()
        step = self.service.handle(control, self.state, event)
        self.state = step.state
        return step.events


class Controller:
    """Decides for one job, fed by `observe` in the order of event time.

    The spec counts from the first tick on. Whoever feeds it

    - sends JobMetrics as a monitor would: samples some seconds apart, a few in a report. A report
      that closes a tick may carry it; where none does, the first report at or past a tick's end is
      taken to close it, so that decisions fall a loop apart whatever the reports' interval;
    - carries out each ScaleCommand that is no dry run, and answers with its ScaleOutcome (`command`
      is the id of the ScaleCommand) once the job runs again, or why it was not carried out: until
      then the planner waits, for as long as the command may take;
    - may send control events, such as an Override or another Declaration. As everywhere, these and
      outcomes count from the first tick on that ends the policy's grace after them.
    """

    def __init__(self, spec: JobSpec) -> None:
        """Make the controller of a job; planner and forecaster are those that the policy names."""
        self.spec = spec
        self.analyzer: Stage[AnalyzerState] = Stage(Analyzer())
        self.forecaster: Stage[ForecasterState] = Stage(Forecaster())
        self.planner: Stage[PlannerState] = Stage(Planner(spec.policy.planner))
        self._control = JobControl()
        self._reported: datetime | None = None
        self._stamped = False

    def observe(self, event: Event) -> list[Event]:
        """Take in one event, and return what the services say to it, in this order.

        Recovery, CapacityUpdate, Forecast, Decision, ScaleCommand: all of a tick together, with the
        report that closes it.

        Raises:
            ValueError: The event is of another job.
        """
        if event.job != self.spec.job:
            raise ValueError(f"the event is of job {event.job!r}, not {self.spec.job!r}")
        if not self._control.declarations:
            self._declare(event)
        match event:
            case ControlEvent():
                self._control = self._control.fold(event)
                return self._carried([self.analyzer, self.forecaster, self.planner], [event])
            case JobMetrics():
                report = self._with_tick(event)
                self._obey(report)
                found = self._carried([self.analyzer, self.forecaster], [report])
                return found + self._carried([self.planner], [*found, report])
            case ScaleOutcome():
                return self._carried([self.analyzer, self.planner], [event])
            case CapacityUpdate() | Forecast() | Recovery():  # another's, beside our own
                return self._carried([self.planner], [event])
        return []

    def _declare(self, first: Event) -> None:
        """Declare the job early enough for the first tick, unless the feed declares it itself."""
        seconds = self.spec.policy.forecast_grace + self.spec.policy.loop
        earliest = min([first.at, *_sampled(first)])
        self._control = self._control.fold(
            Declaration(
                job=self.spec.job,
                at=earliest - timedelta(seconds=seconds) - _MARGIN,
                source="controller/spec",
                spec=self.spec,
            )
        )

    def _obey(self, report: JobMetrics) -> None:
        """Let the planner decide that the spec in effect names, where it was declared anew."""
        spec = self._control.spec(report.at)
        if spec is not None and spec.policy.planner != self.planner.service.instance:
            self.planner.service = Planner(spec.policy.planner)

    def _carried(self, stages: Sequence[Listener], events: Iterable[Event]) -> list[Event]:
        return [
            said
            for event in events
            for stage in stages
            for said in stage.handle(self._control, event)
        ]

    def _with_tick(self, report: JobMetrics) -> JobMetrics:
        """Return a report with the tick that it closes."""
        before = self._reported or min([report.at, *_sampled(report)])
        if report.at < before:  # comes late: the services pass over it
            return report
        self._reported = report.at
        if report.tick is not None:
            self._stamped = True
        if self._stamped:
            return report
        spec = self._control.spec(report.at) or self.spec
        if next_end(report.job, spec.policy.loop, before) > report.at:
            return report
        return report.model_copy(update={"tick": report.at})


def _sampled(event: Event) -> list[datetime]:
    return [sample.at for sample in event.samples] if isinstance(event, JobMetrics) else []
