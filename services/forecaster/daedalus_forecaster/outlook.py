"""What the reference forecasts at a tick: by its model or by the line, and why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from daedalus_forecaster.domain import line
from daedalus_forecaster.domain.history import History, interpolated, rounded
from daedalus_forecaster.domain.scoring import Path, Track
from daedalus_forecaster.models import MODELS, ModelError, predict
from daedalus_forecaster.state import ForecasterState, Reason, Serving
from daedalus_shared.job_spec import Policy

LONGEST = 2000
"""Most values of a forecast, as the event allows."""


class Outlook(NamedTuple):
    """What is published at a tick, and why."""

    values: tuple[float, ...]
    """Records/s."""

    model: str
    """What made them."""

    reason: Reason
    """Why it was that."""

    why: str | None
    """The reason in words, where a fallback serves."""

    step: float
    """Seconds between two values."""

    quantiles: Mapping[str, tuple[float, ...]] = MappingProxyType({})
    """Records/s by probability; none from the reference."""

    paths: tuple[tuple[float, ...], ...] = ()
    """Equally likely futures, records/s; none from the reference."""


@dataclass(frozen=True, slots=True)
class Now:
    """A tick as the rules see it."""

    tick: datetime
    policy: Policy
    history: History
    """With the report that closes the tick."""

    position: float
    """Where the tick lies on the history's grid."""

    @property
    def newest(self) -> int:
        """The newest slot that ended by the tick."""
        return math.floor(self.position)

    @property
    def window(self) -> int:
        """How many slots a model sees."""
        return math.ceil(self.policy.training_window / self.policy.report)

    @property
    def count(self) -> int:
        """How many values a forecast has."""
        return min(max(round(self.policy.horizon / self.policy.report), 1), LONGEST)

    @property
    def aheads(self) -> tuple[float, ...]:
        """The horizons that are scored, in seconds."""
        spans = (self.policy.near, *(self.policy.horizon * part / 3 for part in (1, 2, 3)))
        return tuple(sorted({round(span, 3) for span in spans}))


def score(now: Now, state: ForecasterState) -> ForecasterState:
    """Score what was published, and the model; count the model's poor forecasts in a row."""
    published = state.published.score(now.history, now.newest)
    serving, poor = state.serving, state.poor
    if serving is not None:
        track = serving.track.score(now.history, now.newest)
        if track.wape is not None:
            poor = poor + 1 if track.wape >= now.policy.wape_poor else 0
        elif state.reason is Reason.MODEL_FAILED:
            poor += 1
        trusted = serving.trusted if track.wape is None else track.wape < now.policy.wape_gate
        serving = serving.model_copy(update={"track": track, "trusted": trusted})
    elif state.failure is not None:
        poor += 1
    return state.model_copy(update={"published": published, "serving": serving, "poor": poor})


def forecast(now: Now, state: ForecasterState) -> tuple[ForecasterState, Outlook | None]:
    """Forecast with model and line, choose by the gate, and remember what was issued."""
    trend = line.extrapolate(now.history, now.position, now.policy, now.count)
    if trend is None:
        return state.model_copy(update={"reason": None}), None
    serving, values, failure = state.serving, None, None
    if serving is not None:
        try:
            values = model_path(now, serving, now.position)
        except ModelError as error:
            failure = str(error)
        else:
            track = issued(now, serving.track, values)
            serving = serving.model_copy(update={"track": track})
    reason, why = _reason(now, state, failure)
    if reason is Reason.ACCURATE and serving is not None and values is not None:
        label = MODELS[serving.model].label(serving.params)
    else:
        values, label = tuple(map(rounded, trend)), "line"
    outlook = Outlook(values, label, reason, why, now.policy.report)
    published = issued(now, state.published, values)
    update = {"serving": serving, "published": published, "reason": reason}
    return state.model_copy(update=update), outlook


def _reason(now: Now, state: ForecasterState, failure: str | None) -> tuple[Reason, str | None]:
    serving = state.serving
    if serving is None:
        return _without_model(now, state)
    if failure is not None:
        return Reason.MODEL_FAILED, failure
    if serving.trusted is None:
        return Reason.UNSCORED, "the model could not be scored yet"
    if not serving.trusted:
        known = serving.track.wape
        seen = "when last scored" if known is None else f"WAPE {known:.2f}"
        return Reason.INACCURATE, f"the model was off: {seen}, gate {now.policy.wape_gate:g}"
    return Reason.ACCURATE, None


def _without_model(now: Now, state: ForecasterState) -> tuple[Reason, str]:
    if state.failure is not None:
        return Reason.TRAINING_FAILED, f"no model could be trained: {state.failure}"
    if state.training is not None:
        until = state.training.effective.isoformat()
        return Reason.IN_TRAINING, f"the first model serves from {until} on"
    return Reason.LITTLE_HISTORY, f"less than {now.policy.least_history:g} s of history"


def model_path(now: Now, serving: Serving, position: float) -> tuple[float, ...]:
    """Return the model's forecast issued at `position`, from the history up to there.

    Between two slots' ends it is interpolated; over a gap at the end the model forecasts, too.
    """
    base = math.floor(position)
    kept = now.history.between(base - now.window + 1, base)
    known = [slot for slot, value in enumerate(kept) if not math.isnan(value)]
    gap = len(kept) - 1 - known[-1] if known else 0
    part = position - base
    found = predict(serving.model, serving.params, interpolated(kept), gap + now.count + 1)
    path = (1 - part) * found[gap:-1] + part * found[gap + 1 :]
    return tuple(rounded(float(value)) for value in path)


def issued(now: Now, track: Track, values: tuple[float, ...]) -> Track:
    """Return a track with what was forecast at this tick."""
    return track.issue(Path(position=now.position, values=values), now.aheads, now.policy.report)
