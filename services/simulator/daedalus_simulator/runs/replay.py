"""`daedalus replay`: are the recorded decisions those that the code takes from the same inputs?"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Decision,
    Forecast,
    JobMetrics,
    Knowledge,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_simulator.adapters.recording import Recording, Wanted, of_file, of_topics
from daedalus_simulator.errors import NotFoundError, UsageError
from daedalus_simulator.replay import Judged, Replay, Verdict
from daedalus_simulator.runs.moments import moment
from daedalus_simulator.runs.progress import counting
from daedalus_simulator.runs.tables import console, printable

KINDS = (
    ControlEvent,
    JobMetrics,
    CapacityUpdate,
    Forecast,
    Recovery,
    ScaleOutcome,
    Decision,
    ScaleCommand,
    Knowledge,
)
"""All that a decision is made of, then what it was, and what services knew after it; of one instant
they are read in this order."""

TOPICS = "topics"

SHOWN = 12
"""Differing fields of a decision that are shown; all are in the JSON."""

DIFFERENT, UNJUDGED = 1, 5
"""Exit codes beside 0, all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is replayed, as it was typed."""

    source: str
    job: str | None = None
    since: str = "start"
    until: str = "now"
    bootstrap: str | None = None
    as_json: bool = False


@dataclass
class Tally:
    """What came of one job's decisions; the first of each kind, and how many."""

    job: str
    counts: Counter[Verdict] = field(default_factory=Counter)
    alone: int = 0
    """Those the same whose capacity or forecast is as recorded."""
    taken: Counter[str] = field(default_factory=Counter)
    """Those of them by whose results alone are as recorded; empty where all are."""
    before: int = 0
    restored: datetime | None = None
    """From which tick on it is judged wholly by what the services had learned before."""
    why: Counter[str] = field(default_factory=Counter)
    """Why what cannot be judged; names left out."""
    first: Judged | None = None
    """The first that differs."""

    def take(self, judged: Judged) -> None:
        """Count one more."""
        self.counts[judged.verdict] += 1
        if judged.verdict is Verdict.SAME:
            self.alone += not judged.whole
            self.taken.update([" and ".join(judged.taken)] if judged.taken else [])
        if judged.verdict is Verdict.DIFFERENT and self.first is None:
            self.first = judged
        if judged.verdict is Verdict.UNJUDGED:
            self.why[re.sub(r", such as .*|^\d+ of its \d+ ", "", judged.why)] += 1


def replay(choice: Choice) -> int:
    """Take the decisions again, print what came of it, and return the exit code.

    Raises:
        CommandError: The recording cannot be read, or there is nothing in it.
    """
    recording = _recording(choice)
    tallies: dict[str, Tally] = {}
    replays: dict[str, Replay] = {}
    for event in counting("replaying", recording.events):
        if event.job not in replays:
            replays[event.job], tallies[event.job] = Replay(event.job), Tally(event.job)
        for judged in replays[event.job].feed(event, recording.place):
            tallies[event.job].take(judged)
    for job, each in replays.items():
        for judged in each.finish():
            tallies[job].take(judged)
        tallies[job].before, tallies[job].restored = each.before, each.restored
    found = [tally for _, tally in sorted(tallies.items()) if tally.counts]
    if not found:
        about = f" of {choice.job}" if choice.job else ""
        raise NotFoundError(f"{recording.name}: holds no decision{about} after a report")
    if choice.as_json:
        sys.stdout.write(json.dumps(_document(recording, found), indent=2) + "\n")
    else:
        _tell(recording, found)
    if any(tally.counts[Verdict.DIFFERENT] for tally in found):
        return DIFFERENT
    return UNJUDGED if any(tally.counts[Verdict.UNJUDGED] for tally in found) else 0


def _recording(choice: Choice) -> Recording:
    since = None if choice.since == "start" else moment(choice.since)
    until = None if choice.until == "now" else moment(choice.until)
    if since is not None and until is not None and until <= since:
        raise UsageError(f"--until {choice.until} is not after --since {choice.since}")
    wanted = Wanted(kinds=KINDS, job=choice.job, since=since, until=until)
    if choice.source == TOPICS:
        return of_topics(wanted, choice.bootstrap, Path.cwd())
    return of_file(Path(choice.source), wanted)


def _tell(recording: Recording, found: list[Tally]) -> None:
    out = console()
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("job", overflow="fold")
    for head in ("decisions", "same", "different", "cannot be judged"):
        table.add_column(head, justify="right")
    for tally in found:
        counts = tally.counts
        different, unjudged = counts[Verdict.DIFFERENT], counts[Verdict.UNJUDGED]
        table.add_row(
            Text(printable(tally.job), style="bold"),
            str(counts.total()),
            Text(str(counts[Verdict.SAME]), style="green"),
            Text(str(different), style="bold red" if different else "dim"),
            Text(str(unjudged), style="yellow" if unjudged else "dim"),
        )
    out.print(table)
    for line in _remarks(recording, found):
        out.print(Text(printable(line)))
    first = min(
        (tally.first for tally in found if tally.first), key=lambda each: each.tick, default=None
    )
    if first is not None:
        _show(first)
    elif any(tally.counts[Verdict.UNJUDGED] for tally in found):
        out.print(Text("All that can be judged is the same.", style="yellow"))
    else:
        out.print(Text("All decisions are those that the code takes.", style="green"))


def _remarks(recording: Recording, found: list[Tally]) -> Iterator[str]:
    reasons: Counter[str] = Counter()
    for tally in found:
        reasons.update(tally.why)
    for why, count in reasons.most_common():
        yield f"{count} cannot be judged: {why}"
    taken: Counter[str] = Counter()
    for tally in found:
        taken.update(tally.taken)
    for sources, count in taken.most_common():
        yield f"{count} with what {sources} said as recorded: it was not made again here"
    alone = sum(tally.alone for tally in found) - taken.total()
    if alone:
        yield (
            f"{alone} by the planner alone, with capacities and forecasts as recorded: what "
            "analyzer and forecaster had learned is from before the recording"
        )
    restored = [tally.restored for tally in found if tally.restored]
    if restored:
        first = min(restored).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
        yield f"from {first} on wholly: what was learned before is in the services' snapshots"
    before = sum(tally.before for tally in found)
    if before:
        yield f"{before} decisions are older than the first report of their job, and left aside"
    if recording.count:
        yield f"{recording.count} records are no event and left aside, first {recording.garbage[0]}"


def _show(judged: Judged) -> None:
    """Show the first decision that differs, field by field."""
    out = console()
    out.print()
    when = judged.tick.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    out.print(
        Text(printable(f"first difference: {judged.job} at {when}, {judged.planner}"), style="bold")
    )
    if not judged.differences:
        out.print(Text(printable(judged.why)))
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for head in ("event", "field", "recorded", "replayed"):
        table.add_column(head, overflow="fold", no_wrap=head == "event")
    for each in judged.differences[:SHOWN]:
        cells = (each.event, each.field, str(each.recorded), str(each.replayed))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    out.print(table)
    if (more := len(judged.differences) - SHOWN) > 0:
        out.print(Text(f"and {more} more fields; --json has all"))


def _document(recording: Recording, found: list[Tally]) -> dict[str, Any]:
    totals: Counter[Verdict] = Counter()
    for tally in found:
        totals.update(tally.counts)
    return {
        "source": recording.name,
        "no_event": recording.count,
        **{verdict.value: totals[verdict] for verdict in Verdict},
        "jobs": [
            {
                "job": tally.job,
                **{verdict.value: tally.counts[verdict] for verdict in Verdict},
                "planner_alone": tally.alone,
                "taken_as_recorded": dict(tally.taken),
                "before_the_first_report": tally.before,
                "whole_from": tally.restored.isoformat() if tally.restored else None,
                "why_not_judged": dict(tally.why),
                "first_difference": _difference(tally.first),
            }
            for tally in found
        ],
    }


def _difference(judged: Judged | None) -> dict[str, Any] | None:
    if judged is None:
        return None
    tick: datetime = judged.tick
    return {
        "tick": tick.isoformat(),
        "planner": judged.planner,
        "decision": judged.decision,
        "why": judged.why,
        "fields": [
            {
                "event": each.event,
                "field": each.field,
                "recorded": each.recorded,
                "replayed": each.replayed,
            }
            for each in judged.differences
        ],
    }
