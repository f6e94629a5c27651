"""A run as what is drawn of it."""

from collections.abc import Iterable, Mapping

import numpy as np

from daedalus_shared.events import CapacityUpdate, Decision, Event, Forecast, JobMetrics
from daedalus_simulator.domain.job import delays
from daedalus_simulator.domain.run import Run
from daedalus_simulator.domain.score import BASE_LATENCY
from daedalus_simulator.domain.world import Series, World
from daedalus_simulator.report.detail import Detail, Expected, Known, Move

AHEAD = 600.0
"""Seconds by which the workload was forecast where the band is drawn: about what a rescale and its
recovery take."""


def detail(trace: str, run: Run) -> Detail:
    """Return what is drawn of a run of a trace, with the events of its policy where it has any."""
    start = _start(run.events)
    updates = [event for event in run.events if isinstance(event, CapacityUpdate)]
    forecasts = [event for event in run.events if isinstance(event, Forecast)]
    return Detail(
        trace=trace,
        policy=run.policy,
        engine=run.world.engine.name,
        seed=run.world.seed,
        arrivals=run.world.arrivals,
        workers=run.workers,
        capacity=_capacity(run),
        lags=run.lags,
        latencies=delays(run) + BASE_LATENCY,
        moves=_moves(run, start),
        learned=tuple(
            (update.tick.timestamp() - start, update.capacity)
            for update in updates
            if update.capacity is not None
        ),
        expected=_expected(forecasts, start),
        curve=_curve(run.world, updates[-1]) if updates else (),
    )


def _start(events: Iterable[Event]) -> float:
    """Return the events' instant of a run's first second, as a POSIX timestamp.

    Looks are evenly apart, and the first is one such distance after the start.
    """
    for event in events:
        if isinstance(event, JobMetrics) and len(event.samples) > 1:
            first, second = event.samples[0].at, event.samples[1].at
            return (first - (second - first)).timestamp()
    return 0.0


def _capacity(run: Run) -> Series:
    """Return the capacity in each second: the old workers' alone while new ones warm up."""
    found = np.array([run.world.capacity(int(count)) for count in range(1, run.world.most + 1)])
    values = found[run.workers.astype(int) - 1]
    warm_up = run.world.engine.warm_up
    for move in run.rescales:
        if move.after > move.before and warm_up:
            end = int(np.ceil(move.second + move.outage + warm_up))
            values[move.second : end] = found[move.before - 1]
    return np.asarray(values)


def _moves(run: Run, start: float) -> tuple[Move, ...]:
    """Return the rescales, each with the sentence of the decision that led to it."""
    sentences = _sentences(run.events, start)
    return tuple(
        Move(
            rescale.second,
            rescale.before,
            rescale.after,
            rescale.outage,
            sentences.get(rescale.second, ""),
        )
        for rescale in run.rescales
    )


def _sentences(events: Iterable[Event], start: float) -> Mapping[int, str]:
    return {
        round(event.tick.timestamp() - start): event.sentence
        for event in events
        if isinstance(event, Decision) and event.chosen != event.scale_out
    }


def _expected(forecasts: Iterable[Forecast], start: float) -> Expected | None:
    """Return what each forecast said of the workload `AHEAD` seconds later."""
    rows = []
    for forecast in forecasts:
        place = round(AHEAD / forecast.step) - 1
        if not 0 <= place < len(forecast.mean):
            continue
        mean = forecast.mean[place]
        low, high = (
            path[place] if (path := forecast.quantiles.get(name)) else mean
            for name in ("0.1", "0.9")
        )
        rows.append((forecast.tick.timestamp() - start + AHEAD, low, mean, high))
    if not rows:
        return None
    at, low_path, means, high_path = (np.array(column) for column in zip(*rows, strict=True))
    return Expected(AHEAD, at, low_path, means, high_path)


def _curve(world: World, update: CapacityUpdate) -> tuple[Known, ...]:
    learned = {point.scale_out: point for point in update.table}
    found = []
    for scale_out in range(1, world.most + 1):
        point = learned.get(scale_out)
        found.append(
            Known(
                scale_out,
                world.capacity(scale_out),
                point.capacity if point else None,
                point.error if point else None,
                point.basis.value if point else "",
                at_least=point.at_least if point else False,
            )
        )
    return tuple(found)
