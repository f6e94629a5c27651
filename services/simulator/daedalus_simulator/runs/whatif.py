"""`daedalus whatif`: a job's recorded workload under other settings, on a model of the job.

Another scale-out would have changed lag and throughput, so that a record alone cannot say what
would have been. Both settings, the recorded and the changed ones, are played on one model of the
job: the recorded workload, the learned capacity curve, the learned downtimes. The record itself
stands beside them, to show how good the model is.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from daedalus_shared.control import JobControl
from daedalus_shared.events import CapacityUpdate, ControlEvent, JobMetrics, ScaleOutcome
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

TRUSTED = 0.1
"""Part by which modelled and recorded workers may differ before the model is called into doubt."""


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

    @property
    def worker_hours(self) -> float:
        """Workers paid times hours."""
        return self.card.workers * self.hours


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
    spec = control.newest or (control.declarations[-1].spec if control.declarations else None)
    if spec is None:
        raise NotFoundError(f"no job {choice.job!r} is declared in {recording.name}")
    other = changed(spec, choice.settings)
    try:
        found = _answer(choice, record, spec, other, recording)
    except RecordError as error:
        raise NotFoundError(f"{choice.job}: {error}") from error
    if choice.as_json:
        sys.stdout.write(json.dumps(_document(found), indent=2) + "\n")
    else:
        _tell(found)


def _recording(choice: Choice) -> Recording:
    since = None if choice.since == "start" else moment(choice.since)
    until = None if choice.until == "now" else moment(choice.until)
    wanted = Wanted(kinds=KINDS, job=choice.job, since=since, until=until)
    if choice.source == TOPICS:
        return of_topics(wanted, choice.bootstrap, Path.cwd())
    return of_file(Path(choice.source), wanted)


def _answer(
    choice: Choice, record: Record, spec: JobSpec, other: JobSpec, recording: Recording
) -> Found:
    begin, end = record.span
    most = max(spec.scale.max, other.scale.max)
    world = LearnedWorld(record.arrivals(), record.engine(), choice.seed, record.capacities(), most)
    recorded = record.played(world)
    hours = world.seconds / 3600
    first = min(max(round(float(recorded.workers[0])), 1), most)
    runs: list[tuple[str, Run]] = [("recorded", recorded)]
    with progress("playing", 2.0 * world.seconds) as done:
        for name, settings in (("as it is set", spec), ("changed", other)):
            policy = DaedalusPolicy(settings, begin=begin)
            runs.append((name, play(world, policy, _following(done), first)))
    columns = tuple(Column(name, ScoreCard.of(run), hours) for name, run in runs)
    notes = tuple(_notes(record, spec, columns, recording, world))
    return Found(choice.job, begin, end, tuple(choice.settings), columns, notes)


def _following(done: Callable[[float], None]) -> Callable[[int, int], None]:
    played = 0

    def follow(second: int, _: int) -> None:
        nonlocal played
        done(second - played)
        played = second

    return follow


def _notes(
    record: Record,
    spec: JobSpec,
    columns: Sequence[Column],
    recording: Recording,
    world: LearnedWorld,
) -> "list[str]":
    engine = world.engine
    told = [
        "both settings are played on one model of the job: the recorded workload, the learned "
        f"capacity curve, restarts of {engine.outage_up:.0f} s up and {engine.outage_down:.0f} s "
        "down. What models had learned before, overrides, and other jobs are not in it."
    ]
    was, model = columns[0].card.workers, columns[1].card.workers
    if was > 0 and abs(model - was) > TRUSTED * was:
        told.append(
            f"the model runs on {model:.1f} workers where {was:.1f} were recorded: "
            "compare the two modelled columns with each other, and trust small differences less"
        )
    late, modelled = columns[0].card.above_1s, columns[1].card.above_1s
    if abs(modelled - late) > 100 * TRUSTED:
        told.append(
            f"the model has {modelled:.0f} % late records where {late:.0f} % were recorded: "
            "what either setting adds to them is told better than how many there are"
        )
    if spec.policy.mode == "advise":
        told.append("the job is in mode advise: the record is what it was without Daedalus acting")
    if record.gaps > 0:
        told.append(f"{span(record.gaps)} of the workload are unknown, and bridged straight")
    if recording.count:
        told.append(f"{recording.count} records are no event, first {recording.garbage[0]}")
    return told


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
    for name, of in _ROWS:
        table.add_row(name, *(of(column) for column in found.columns))
    out.print(table)
    for note in found.notes:
        out.print(Text(printable(f"· {note}"), style="dim"))


_ROWS: tuple[tuple[str, Callable[[Column], str]], ...] = (
    ("workers, mean", lambda each: f"{each.card.workers:.2f}"),
    ("worker-hours", lambda each: f"{each.worker_hours:.1f}"),
    ("rescales", lambda each: str(each.card.rescales)),
    ("latency, mean", lambda each: span(each.card.latency_mean)),
    ("latency, p95", lambda each: span(each.card.latency_p95)),
    ("later than 1 s", lambda each: f"{each.card.above_1s:.1f} %"),
    ("later than 60 s", lambda each: f"{each.card.above_60s:.1f} %"),
    ("largest lag", lambda each: number(each.card.largest_lag)),
    ("outages in all", lambda each: span(each.card.downtime)),
    ("slowest recovery", lambda each: span(each.card.longest_recovery)),
    ("price J, workers", lambda each: f"{each.card.price:.2f}"),
)
"""Latencies of all three are made of the lag in the same way, and hold no more than waiting."""


def _document(found: Found) -> dict[str, Any]:
    names = ("recorded", "modelled", "changed")
    return {
        "job": found.job,
        "since": found.begin.isoformat(),
        "until": found.end.isoformat(),
        "settings": list(found.settings),
        **{
            name: {**column.card.as_dict(), "worker_hours": column.worker_hours}
            for name, column in zip(names, found.columns, strict=True)
        },
        "notes": list(found.notes),
    }
