"""What the forecaster remembers of a job: its history, what it issued, what is being trained."""

from enum import StrEnum

import numpy as np

from daedalus_forecaster.domain.history import History, interpolated
from daedalus_forecaster.domain.record import SLOTS, Book, Record
from daedalus_forecaster.domain.scoring import Track
from daedalus_forecaster.domain.seasons import Seasons
from daedalus_forecaster.models import Params, TrainingData
from daedalus_shared.events import HorizonError, Value
from daedalus_shared.events.base import Instant


class Reason(StrEnum):
    """Why a forecast is what it is; also the label of the forecast counter."""

    COMBINED = "combined"
    """The ensemble's experts are combined by how they did."""

    ACCURATE = "accurate"
    """The model's previous forecast passed the gate."""

    LITTLE_HISTORY = "little_history"
    """Too little history to train on, or for the ensemble's regressions."""

    IN_TRAINING = "in_training"
    """No model yet; one is being trained."""

    TRAINING_FAILED = "training_failed"
    """No model could be trained on this history."""

    UNSCORED = "unscored"
    """No workload was known against which the model could be scored."""

    INACCURATE = "inaccurate"
    """The model's previous forecast did not pass the gate."""

    MODEL_FAILED = "model_failed"
    """The model gave no usable forecast."""


class Training(Value):
    """A training that was asked for; its result serves from a tick that is known already."""

    model: str
    """Name in the registry."""

    requested: Instant
    """The tick up to which it may use the history."""

    effective: Instant
    """The result serves from the first tick that ends then or later."""

    first: int
    """Oldest slot of its data."""

    last: int
    """Newest slot of its data."""


class Serving(Value):
    """A trained model and how it does."""

    model: str
    """Name in the registry."""

    params: Params
    """What it learned."""

    trained: Instant
    """The tick up to which its data went."""

    trusted: bool | None = None
    """Whether its newest score passed the gate; null when it was never scored."""

    track: Track = Track()
    """Its own forecasts, also those that the line was published for."""


class ForecasterState(Value):
    """All that is remembered of a job."""

    at: Instant
    """The newest report folded in."""

    tick: Instant
    """The newest tick folded in."""

    model: str
    """How the job is forecast: the policy's `model` at the newest tick."""

    history: History
    """The workload seen."""

    keep: int
    """Slots of history to keep: the training window, and the loops until a training is due."""

    seasons: Seasons = Seasons()
    """The workload seen in the last eight days, in coarser slots."""

    record: Record = Record()
    """What the ensemble foretold and how it came out."""

    published: Track = Track()
    """The reference's forecasts that were published."""

    serving: Serving | None = None
    """The model in service; null before the first."""

    training: Training | None = None
    """The training under way; null when there is none."""

    learned: int = 0
    """Known slots that the last training was asked for with."""

    poor: int = 0
    """Ticks in a row whose model forecast poorly or failed; or that followed a failed training."""

    failure: str | None = None
    """Why the last training gave no model; null when it did."""

    reason: Reason | None = None
    """Why the newest forecast is what it is; null when none was issued at the newest tick."""

    @property
    def wape(self) -> float | None:
        """Error of the newest published forecast that was scored at the tick; null without one."""
        return self.record.latest if self.model == "ensemble" else self.published.wape

    @property
    def errors(self) -> tuple[HorizonError, ...]:
        """Rolling errors of the published forecasts by horizon, ascending."""
        if self.model != "ensemble" or not self.record.nodes:
            return self.published.errors
        book = Book.of(self.record, self.record.nodes[-1])
        return book.errors(SLOTS * self.history.grid.step)

    @property
    def training_data(self) -> TrainingData | None:
        """What the training under way is given: the same from its request until it takes effect."""
        if self.training is None:
            return None
        values = interpolated(self.history.between(self.training.first, self.training.last))
        return TrainingData(self.training.model, tuple(np.asarray(values).tolist()))
