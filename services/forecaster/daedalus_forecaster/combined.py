"""What the ensemble forecasts at a tick."""

from zlib import crc32

import numpy as np

from daedalus_forecaster.domain import ensemble, seasons
from daedalus_forecaster.domain.ensemble import Origin
from daedalus_forecaster.domain.experts import Past
from daedalus_forecaster.domain.history import LIMIT, FloatArray, History, interpolated
from daedalus_forecaster.domain.record import SLOTS, Book
from daedalus_forecaster.outlook import LONGEST, Now, Outlook
from daedalus_forecaster.state import ForecasterState, Reason
from daedalus_shared.job_spec import Policy

KEEP = 480
"""Slots of history that the experts see: four hours at the default step."""

LEAST = 20
"""Known slots from which the regressions say something; until then the band is a wide guess."""

DAYS = 6
"""Days back whose same hour makes the daily season."""

_DIGITS = 5


def slot_length(policy: Policy) -> float:
    """Return the seconds of a slot: two of them are a step of the forecast."""
    return policy.forecast_step / SLOTS


def forecast(now: Now, state: ForecasterState, job: str) -> tuple[ForecasterState, Outlook | None]:
    """Score what was issued, forecast, and remember it; None where too little is known."""
    policy, history = now.policy, now.history
    count = min(max(round(policy.horizon / policy.forecast_step), 1), LONGEST)
    book = Book.of(state.record, count).scored(history)
    kept = history.between(now.newest - KEEP + 1, now.newest)
    known = np.flatnonzero(~np.isnan(kept))
    newest = now.newest - KEEP + 1 + int(known[-1]) if known.size else 0
    if not known.size or now.newest - newest > SLOTS * count:
        return state.model_copy(update={"record": book.stored(), "reason": None}), None

    origin = Origin(newest, now.position, count, seed=crc32(job.encode()))
    past = _past(interpolated(kept), history, state.seasons, origin)
    book, found = ensemble.forecast(past, origin, book)
    little = known.size < LEAST
    least = LEAST * history.grid.step
    why = f"less than {least:g} s of history: mostly the last value, with a wide band"
    outlook = Outlook(
        values=_rounded(found.mean),
        model=ensemble.label(found.weights),
        reason=Reason.LITTLE_HISTORY if little else Reason.COMBINED,
        why=why if little else None,
        step=policy.forecast_step,
        quantiles=dict(zip(("0.1", "0.5", "0.9"), map(_rounded, found.quantiles), strict=True)),
        paths=tuple(map(_rounded, found.paths)),
    )
    return state.model_copy(update={"record": book.stored(), "reason": outlook.reason}), outlook


def _past(values: FloatArray, history: History, known: seasons.Seasons, origin: Origin) -> Past:
    """Return what the experts know: the last value's slot is `origin.slot`."""
    coarse = known.values
    highest = float(np.max(values))
    if np.any(~np.isnan(coarse)):
        highest = max(highest, float(np.nanmax(coarse)))
    # A slot's mean is the workload in its middle.
    ahead = np.arange(origin.slots + 1) - 0.5
    moments = np.asarray(history.grid.end(origin.slot) + ahead * history.grid.step)
    return Past(
        values,
        highest,
        (
            seasons.periodic(known, moments, seasons.DAY, DAYS),
            seasons.periodic(known, moments, seasons.WEEK, 1),
            seasons.similar(known, moments),
        ),
    )


def _rounded(values: FloatArray) -> tuple[float, ...]:
    """Return rates as they are published: five digits are more than any forecast knows."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in np.clip(values, 0.0, LIMIT).tolist())
