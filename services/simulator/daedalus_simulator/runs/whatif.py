"""`daedalus whatif`: a job's recorded workload under other settings, on a model of the job.

Another scale-out would have changed lag and throughput, so that a record alone cannot say what
would have been. Both settings, the recorded and the changed ones, are played on one model of the
job: the recorded workload, the learned capacity curve, the learned downtimes. What people asked for
meanwhile is played in both. The record itself stands beside them, to show how good the model is.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from daedalus_planner.planners import PLANNERS
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    JobMetrics,
    Override,
    ScaleOutcome,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_simulator.adapters.recording import Recording, Wanted, of_file, of_topics
from daedalus_simulator.backtest import play
from daedalus_simulator.domain.learned import LearnedWorld, Record, RecordError
from daedalus_simulator.domain.run import Run
from daedalus_simulator.domain.score import ScoreCard
from daedalus_simulator.errors import NotFoundError, UsageError
from daedalus_simulator.policies.daedalus import DaedalusPolicy
from daedalus_simulator.runs.moments import moment
from daedalus_simulator.runs.progress import counting, progress
from daedalus_simulator.runs.replay import TOPICS
from daedalus_simulator.runs.spec import changed
from daedalus_simulator.runs.tables import console, number, printable, span

KINDS = (ControlEvent, CapacityUpdate, ScaleOutcome, JobMetrics)

LOOPS = 10
"""Loops below which a record says too little."""

TRUSTED = 0.1
"""Part by which modelled and recorded workers may differ before the model is called into doubt."""

RECOVERIES = ("slow_recoveries", "longest_recovery")
RESTING = {
    "lag": (
        "latency_mean", "latency_p50", "latency_p95", "latency_p99",
        "above_1s", "above_10s", "above_60s", "largest_lag", "price", *RECOVERIES,
    ),
    "workers": ("workers", "of_static", "worker_hours", "price"),
    "downtime": ("downtime", *RECOVERIES),
}  # fmt: skip
"""What a record may lack → the figures that rest on it."""

OURS, PLAYED = "daedalus", "horizon"
"""The forecaster that is played, and what plays for a planner whose code is not here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked, as it was typed."""

    job: str
    settings: Sequence[str]
    source: str = TOPICS
    since: str = "24h"
    until: str = "now"
    seed: int = 0
    bootstrap: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One way that the time went, or would have gone."""

    name: str
    card: ScoreCard
    hours: float
    unknown: frozenset[str] = frozenset()
    """What it rests on and nobody knows."""

    @property
    def figures(self) -> dict[str, float | None]:
        """The score card and `worker_hours`; None for a figure that rests on what is unknown."""
        found = {**self.card.as_dict(), "worker_hours": self.card.workers * self.hours}
        lacking = {figure for signal in self.unknown for figure in RESTING[signal]}
        return {name: None if name in lacking else value for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """The answer."""

    job: str
    begin: datetime
    end: datetime
    settings: tuple[str, ...]
    columns: tuple[Column, ...]
    """Recorded, then modelled with the recorded settings, then with the changed ones."""
    notes: tuple[str, ...]


def whatif(choice: Choice) -> None:
    """Play a job's record with its own settings and with others, and print both side by side.

    Raises:
        CommandError: There is no such job or no record of it, or a setting does not fit.
    """
    if not choice.settings:
        raise UsageError("name a setting, such as --set policy.recovery_target=180s")
    recording = _recording(choice)
    record, control = Record(), JobControl()
    for event in counting("reading", recording.events):
        match event:
            case ControlEvent():
                control = control.fold(event)
            case JobMetrics() | CapacityUpdate() | ScaleOutcome():
                record.take(event)
    if not control.declarations:
        raise NotFoundError(f"no job {choice.job!r} is declared in {recording.name}")
    try:
        found = _answer(choice, record, control, recording)
    except RecordError as error:
        raise NotFoundError(f"{choice.job}: {error}") from error
    if choice.as_json:
        sys.stdout.write(json.dumps(_document(found), indent=2) + "\n")
    else:
        _tell(found)


def _recording(choice: Choice) -> Recording:
    since = None if choice.since == "start" else moment(choice.since)
    until = None if choice.until == "now" else moment(choice.until)
    if since is not None and until is not None and until <= since:
        raise UsageError(f"--until {choice.until} is not after --since {choice.since}")
    wanted = Wanted(kinds=KINDS, job=choice.job, since=since, until=until)
    if choice.source == TOPICS:
        return of_topics(wanted, choice.bootstrap, Path.cwd())
    return of_file(Path(choice.source), wanted)


def _answer(choice: Choice, record: Record, control: JobControl, recording: Recording) -> Found:
    begin, end = record.span
    spec = _obeyed(control, end)
    record.must_last(LOOPS * spec.policy.loop)
    other = _playable(changed(spec, choice.settings))
    if other.policy.planner not in {*PLANNERS, spec.policy.planner}:
        raise UsageError(
            f"--set policy.planner={other.policy.planner}: no planner "
            f"{other.policy.planner!r} can be played; there are {', '.join(PLANNERS)}"
        )
    most = max(spec.scale.max, other.scale.max)
    world = LearnedWorld(record.arrivals(), record.engine(), choice.seed, record.capacities(), most)
    recorded = record.played(world)
    hours = world.seconds / 3600
    begun = spec.scale.min if "workers" in record.unknown else round(float(recorded.workers[0]))
    first = min(max(begun, 1), most)
    runs: list[tuple[str, Run]] = [("recorded", recorded)]
    asked = _asked(control, begin, end)
    with progress("playing", 2.0 * world.seconds) as done:
        for name, settings in (("as it is set", _playable(spec)), ("changed", other)):
            policy = DaedalusPolicy(settings, begin=begin, control=asked)
            runs.append((name, play(world, policy, _following(done), first)))
    unknown = (record.unknown, frozenset[str](), frozenset[str]())
    columns = tuple(
        Column(name, ScoreCard.of(run), hours, lacking)
        for (name, run), lacking in zip(runs, unknown, strict=True)
    )
    notes = (
        *_modelled(world),
        *_steered(asked, control, begin, end),
        *_foreign(spec),
        *_doubts(columns, spec),
        *_lacking(record, recording, first),
    )
    return Found(choice.job, begin, end, tuple(choice.settings), columns, notes)


def _following(done: Callable[[float], None]) -> Callable[[int, int], None]:
    played = 0

    def follow(second: int, _: int) -> None:
        nonlocal played
        done(second - played)
        played = second

    return follow


def _obeyed(control: JobControl, end: datetime) -> JobSpec:
    """Return the spec that was declared last by the end of the record."""
    known = [each for each in control.declarations if each.at <= end]
    return (known or control.declarations[:1])[-1].spec


def _playable(spec: JobSpec) -> JobSpec:
    """Return the spec with our own forecaster, the only one that can be played."""
    policy = spec.policy.model_copy(update={"forecaster": OURS})
    return spec.model_copy(update={"policy": policy})


def _asked(control: JobControl, begin: datetime, end: datetime) -> tuple[ControlEvent, ...]:
    """Return what people asked for in that time, and the overrides that were in force before."""
    overrides = [_until_forgotten(each, control) for each in control.overrides]
    before = {each.key: each for each in overrides if each.at < begin}
    learned = [each for each in control.forgets if each.stays_declared]
    meanwhile = (
        each for each in (*overrides, *control.approvals, *learned) if begin <= each.at < end
    )
    return (*(each for each in before.values() if each.until > begin), *meanwhile)


def _until_forgotten(asked: Override, control: JobControl) -> Override:
    """Return it as it ends with its job, which the model plays through to the end."""
    ends = [each.at for each in control.forgets if not each.stays_declared and each.at >= asked.at]
    return asked.model_copy(update={"until": min([asked.until, *ends])})


def _modelled(world: LearnedWorld) -> Iterator[str]:
    engine = world.engine
    yield (
        "both settings are played on one model of the job: the recorded workload, the learned "
        f"capacity curve, restarts of {engine.outage_up:.0f} s up and {engine.outage_down:.0f} s "
        "down. What was learned before, and other jobs, are not in it."
    )


def _steered(
    asked: Sequence[ControlEvent], control: JobControl, begin: datetime, end: datetime
) -> Iterator[str]:
    counts = Counter(type(each).__name__ for each in asked)
    names = {"Override": "override", "Approval": "answer", "Forget": "forgetting"}
    found = [
        f"{counts[kind]} {name}{'s' if counts[kind] > 1 else ''}"
        for kind, name in names.items()
        if counts[kind]
    ]
    if found:
        yield f"what people asked for is played in both: {', '.join(found)}"
    if counts["Approval"]:
        yield (
            "an answer counts for the move that it was given to: a rescale that the model alone "
            "wants waits as one that nobody answered"
        )
    changes = sum(begin < each.at <= end for each in control.declarations)
    if changes:
        times = "once" if changes == 1 else f"{changes} times"
        yield f"the job was declared anew {times} meanwhile: its last settings are played all along"


def _foreign(spec: JobSpec) -> Iterator[str]:
    """Yield what of the loop was another program, that cannot be played."""
    planner, forecaster = spec.policy.planner, spec.policy.forecaster
    if planner not in PLANNERS:
        yield f"planner {planner} may be another's: {PLAYED} is played in its place"
    if forecaster != OURS:
        yield f"forecaster {forecaster} is another's: ours is played in its place"


def _doubts(columns: Sequence[Column], spec: JobSpec) -> Iterator[str]:
    """Yield how far the model of the recorded settings is from the record, where that is far."""
    if spec.policy.mode == "advise":
        yield (
            "the job is in mode advise: the record is what ran without Daedalus, both models act, "
            "and nothing shows how true they are"
        )
        return
    recorded, modelled = columns[0].figures, columns[1].card
    was, late = recorded["workers"], recorded["above_1s"]
    if was and abs(modelled.workers - was) > TRUSTED * was:
        yield (
            f"as it is set, the model runs on {modelled.workers:.1f} workers where {was:.1f} were "
            "recorded: compare the two modelled columns with each other, and trust small "
            "differences less"
        )
    if late is not None and abs(modelled.above_1s - late) > 100 * TRUSTED:
        yield (
            f"as it is set, the model has {modelled.above_1s:.0f} % late records where {late:.0f} "
            "% were recorded: what either setting adds to them is told better than how many there "
            "are"
        )


def _lacking(record: Record, recording: Recording, first: int) -> Iterator[str]:
    if "lag" in record.unknown:
        yield "the record does not tell its lag: how late records were is unknown (?)"
    if "workers" in record.unknown:
        yield (
            f"the record does not tell its workers: they are unknown (?), both models begin with "
            f"{first}"
        )
    if "downtime" in record.unknown:
        yield "the downtime of a rescale was not measured: outages and recoveries are unknown (?)"
    for signal, seconds in record.gaps.items():
        filled = "taken as before" if signal == "workers" else "bridged straight"
        yield f"{span(seconds)} of the {signal} are unknown, and {filled}"
    if recording.count:
        yield f"{recording.count} records are no event, first {recording.garbage[0]}"


def _tell(found: Found) -> None:
    out = console()
    hours = found.columns[0].hours
    begin = found.begin.astimezone()
    out.print(
        Text(
            printable(
                f"{found.job}, {hours:.1f} h from {begin:%Y-%m-%d %H:%M:%S %Z}, "
                f"with {', '.join(found.settings)}"
            ),
            style="bold",
        )
    )
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("")
    for column in found.columns:
        table.add_column(column.name, justify="right", overflow="fold")
    for name, figure, said in _ROWS:
        values = [column.figures[figure] for column in found.columns]
        table.add_row(name, *("?" if value is None else said(value) for value in values))
    out.print(table)
    for note in found.notes:
        out.print(Text(printable(f"· {note}"), style="dim"))


_ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("workers, mean", "workers", "{:.2f}".format),
    ("worker-hours", "worker_hours", "{:.1f}".format),
    ("rescales", "rescales", str),
    ("latency, mean", "latency_mean", span),
    ("latency, p95", "latency_p95", span),
    ("later than 1 s", "above_1s", "{:.1f} %".format),
    ("later than 60 s", "above_60s", "{:.1f} %".format),
    ("largest lag", "largest_lag", number),
    ("outages in all", "downtime", span),
    ("slowest recovery", "longest_recovery", span),
    ("price J, workers", "price", "{:.2f}".format),
)
"""Latencies of all three are made of the lag in the same way, and hold no more than waiting."""


def _document(found: Found) -> dict[str, Any]:
    names = ("recorded", "modelled", "changed")
    return {
        "job": found.job,
        "since": found.begin.isoformat(),
        "until": found.end.isoformat(),
        "settings": list(found.settings),
        **{name: column.figures for name, column in zip(names, found.columns, strict=True)},
        "notes": list(found.notes),
    }
