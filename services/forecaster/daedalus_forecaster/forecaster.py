"""The forecaster's fold: reports in, a forecast out at each tick; no I/O, no clock."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from daedalus_forecaster import combined
from daedalus_forecaster.domain.history import TOLERANCE, Grid, History
from daedalus_forecaster.domain.scoring import Path, Track
from daedalus_forecaster.models import ModelError, Trained, TrainingData, train
from daedalus_forecaster.outlook import Now, Outlook, forecast, model_path, score
from daedalus_forecaster.state import ForecasterState, Reason, Serving, Training
from daedalus_shared.control import JobControl
from daedalus_shared.durations import LONGEST
from daedalus_shared.events import ControlEvent, Event, Forecast, Forget, JobMetrics, Sample
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_shared.service import Step

DELAY = 5
"""Ticks from a training's request until its result serves, however fast it was (docs/method.md,
"Analyze: forecast"), so that a replay agrees."""


class Forecaster:
    """Forecasts the workload of each job; the same object serves all of them."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (JobMetrics,)
    RESULTS: ClassVar[tuple[type[Event], ...]] = (Forecast,)
    KIND: ClassVar[str] = "ForecasterState"
    VERSION: ClassVar[int] = 2
    STATE: ClassVar[type[BaseModel]] = ForecasterState

    name = "forecaster"

    def __init__(
        self,
        instance: str = "daedalus",
        trained: Callable[[TrainingData], Trained] = train,
    ) -> None:
        """Make a forecaster.

        Args:
            instance: Its name, by which a job's policy chooses it.
            trained: `models.train`, or something that has its results at hand already.
        """
        self.instance = instance
        self._trained = trained

    def needs(
        self,
        control: JobControl,  # noqa: ARG002 -- the protocol's
        state: ForecasterState | None,  # noqa: ARG002 -- the protocol's
        event: Event,
    ) -> frozenset[type[Event]]:
        """A tick's forecast depends on the spec in effect then."""
        closes = isinstance(event, JobMetrics) and event.tick is not None
        return frozenset({ControlEvent}) if closes else frozenset()

    def handle(
        self, control: JobControl, state: ForecasterState | None, event: Event
    ) -> Step[ForecasterState]:
        """Fold a report into the job's history; at a tick, score and forecast."""
        match event:
            case Forget() if state is not None and state.at <= event.at:
                # Of a job that goes on: at the tick that it counts from, as all replicas agree.
                return Step(state if event.stays_declared else None)
            case JobMetrics() if state is None or event.at > state.at:
                if event.tick is not None and (state is None or event.tick > state.tick):
                    return self._tick(control, state, event, event.tick)
                return Step(_silent(state, event))
        return Step(state)

    def _tick(
        self,
        control: JobControl,
        state: ForecasterState | None,
        event: JobMetrics,
        tick: datetime,
    ) -> Step[ForecasterState]:
        spec = control.spec(tick)
        if state is not None and _is_forgotten(control, state, tick, spec):
            state = None
        if spec is None:
            return Step(_silent(state, event))

        before = _begun(state, event, spec.policy)
        grown = _grown(before, _fresh(state, event), event.at)
        now = Now(tick, spec.policy, grown.history, grown.history.grid.position(tick))
        if spec.policy.model == "ensemble":
            after, outlook = combined.forecast(now, grown, event.job)
        else:
            after = self._trained_by(now, before)  # its data may have just left the history
            after = self._requested_by(now, score(now, after))
            after, outlook = forecast(now, after)
        seen = {"at": event.at, "history": grown.history, "seasons": grown.seasons}
        after = after.model_copy(update={"tick": tick, **seen})
        if outlook is None:
            return Step(after)
        return Step(after, (self._event(event.job, now, after, outlook),))

    def _trained_by(self, now: Now, state: ForecasterState) -> ForecasterState:
        """Put a training's result into service when its tick has come.

        The new model is scored at once, by what it would have forecast a tick ago: those data are
        newer than all that it was trained on.
        """
        training, data = state.training, state.training_data
        if training is None or data is None or not _due(training, now.tick):
            return state
        found = self._trained(data)
        if found.params is None:
            return state.model_copy(update={"training": None, "failure": found.failure})
        serving = Serving(model=training.model, params=found.params, trained=training.requested)
        position = state.history.grid.position(state.tick)
        try:
            path = Path(position=position, values=model_path(now, serving, position))
        except ModelError:
            pass  # it has no score then, and the line serves
        else:
            track = Track().issue(path, now.aheads, now.policy.report)
            serving = serving.model_copy(update={"track": track})
        return state.model_copy(
            update={"training": None, "failure": None, "poor": 0, "serving": serving}
        )

    def _requested_by(self, now: Now, state: ForecasterState) -> ForecasterState:
        """Ask for a training: with enough history, with twice as much, after many poor forecasts.

        A model of the first 15 min of a job knows nothing of its shape, and its near forecasts are
        good nevertheless: on a noisy sine it missed by 34 % over 900 s, one trained again at each
        doubling of the history by 8 %, and the line by 11 %.
        """
        if state.training is not None:
            return state
        first = now.newest - now.window + 1
        known = int(np.count_nonzero(~np.isnan(now.history.between(first, now.newest))))
        wanted = min(now.policy.least_history, now.policy.training_window)
        if known * now.policy.report < wanted - TOLERANCE:
            return state
        begins = state.serving is None and state.failure is None
        grown = known >= 2 * state.learned
        if not (begins or grown or state.poor >= now.policy.poor_in_a_row):
            return state
        training = Training(
            model=now.policy.model,
            requested=now.tick,
            effective=now.tick + timedelta(seconds=DELAY * now.policy.loop),
            first=first,
            last=now.newest,
        )
        return state.model_copy(update={"training": training, "learned": known, "poor": 0})

    def _event(self, job: str, now: Now, state: ForecasterState, outlook: Outlook) -> Forecast:
        return Forecast(
            job=job,
            at=now.tick,
            tick=now.tick,
            source=f"{self.name}/{self.instance}",
            step=outlook.step,
            horizon=min(outlook.step * len(outlook.values), LONGEST),
            mean=outlook.values,
            quantiles=dict(outlook.quantiles),
            paths=outlook.paths,
            forecaster=self.instance,
            model=outlook.model,
            wape=state.wape,
            errors=state.errors,
            fallback=outlook.reason not in (Reason.ACCURATE, Reason.COMBINED),
            why=outlook.why,
        )


def _is_forgotten(
    control: JobControl, state: ForecasterState, tick: datetime, spec: JobSpec | None
) -> bool:
    """Whether what is known of a job is forgotten at a tick, for good or to be learned anew."""
    if any(
        state.tick < forget.at <= tick for forget in control.forgets if not forget.stays_declared
    ):
        return True
    return spec is not None and control.forgets_between(
        state.tick, tick, spec.policy.forecast_grace
    )


def takes_effect(state: ForecasterState | None, event: Event) -> bool:
    """Whether `event` is the tick at which the training under way is needed."""
    return (
        isinstance(event, JobMetrics)
        and event.tick is not None
        and state is not None
        and state.training is not None
        and event.at > state.at
        and _due(state.training, event.tick)
    )


def _due(training: Training, tick: datetime) -> bool:
    return tick >= training.effective - timedelta(seconds=TOLERANCE)


def _fresh(state: ForecasterState | None, event: JobMetrics) -> list[Sample]:
    return [
        sample
        for sample in event.samples
        if sample.at <= event.at and (state is None or sample.at > state.at)
    ]


def _silent(state: ForecasterState | None, event: JobMetrics) -> ForecasterState | None:
    """Return the state with a report that closes no tick, or one of a job without a spec."""
    if state is None:
        return None
    found = _grown(state, _fresh(state, event), event.at)
    return found.model_copy(update={"tick": event.tick or state.tick})


def _grown(state: ForecasterState, fresh: list[Sample], until: datetime) -> ForecasterState:
    """Return the state with a report's samples."""
    return state.model_copy(
        update={
            "at": until,
            "history": state.history.add(fresh, until, state.keep),
            "seasons": state.seasons.add(fresh, until.timestamp()),
        }
    )


def _begun(state: ForecasterState | None, event: JobMetrics, policy: Policy) -> ForecasterState:
    """Return the state before a tick: a new one, or the known one on the policy's grid.

    What was issued and trained on another grid is void: a model knows its own step only.
    """
    grid = Grid.of(event.job, policy, _slot(policy))
    keep = _keep(policy)
    if state is None:
        history = History.start(grid, event.samples, event.at)
        tick = event.tick or event.at
        return ForecasterState(
            at=event.at, tick=tick, model=policy.model, history=history, keep=keep
        )
    if state.history.grid == grid and state.model == policy.model:
        return state.model_copy(update={"keep": keep})
    return ForecasterState(
        at=state.at,
        tick=state.tick,
        model=policy.model,
        history=state.history.onto(grid),
        keep=keep,
        seasons=state.seasons,
    )


def _slot(policy: Policy) -> float:
    """Return the seconds of a slot of history: the reference has one a report."""
    return combined.slot_length(policy) if policy.model == "ensemble" else policy.report


def _keep(policy: Policy) -> int:
    if policy.model == "ensemble":
        return combined.KEEP
    return math.ceil((policy.training_window + DELAY * policy.loop) / policy.report) + 2
