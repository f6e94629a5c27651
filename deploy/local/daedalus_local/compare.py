"""The same workload on the real cluster under several planners in turn, and what each run cost."""

import json
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from daedalus_local import entries, home, lifecycle, play, proc, terminal
from daedalus_local.entries import Entry
from daedalus_local.errors import StackError
from daedalus_local.home import Home, Options
from daedalus_shared.events import Decision, Event, JobMetrics, ScaleOutcome

STEP = 60.0
"""Seconds between two lines of progress where there is no terminal to show it in place."""


@dataclass
class Progress:
    """How far a run is, as one line."""

    options: Options
    began: float = field(default_factory=time.monotonic)
    workers: int | None = None
    workload: float | None = None
    rescales: int = 0

    def add(self, event: Event) -> None:
        """Take in an event of the job."""
        match event:
            case JobMetrics():
                for sample in event.samples:
                    self.workers = sample.scale_out or self.workers
                    self.workload = sample.workload or self.workload
            case Decision(command=str()):
                self.rescales += 1
            case ScaleOutcome(started_at=None):
                self.rescales -= 1

    def line(self) -> str:
        """Return the line."""
        whole = self.options.minutes / self.options.factor * 60
        passed = min(time.monotonic() - self.began, whole)
        told = f"{_clock(passed)} of {_clock(whole)}"
        if self.workload is not None and self.workers is not None:
            told += f", {self.workload:,.0f} records/s on {_count(self.workers, 'worker')}"
        return f"{told}, {_count(self.rescales, 'rescale')}"


def run(minutes: float, runs: int, planners: Sequence[str], seed: int, *, as_json: bool) -> int:
    """Play all, print each run and a table at the end, and return the exit code.

    Args:
        minutes: How long each run takes, in minutes of ours.
        runs: How often each planner plays; its runs have workloads with other noise.
        planners: In the order in which they play.
        seed: Of the first workload.
        as_json: Whether the result is JSON on standard output; progress goes to standard error.
    """
    wanted = [
        play.options(minutes, seed + number, planner)
        for number in range(runs)
        for planner in planners
    ]
    console = terminal.console(as_json=as_json)
    where = home.default()
    found = where.read()
    if found is not None and found.supervised:
        raise StackError(f"a stack runs already in {where.path}; end it with `daedalus down`")
    signal.signal(signal.SIGTERM, _interrupt)
    console.print(_announced(wanted, minutes))
    done: list[Entry] = []
    interrupted = False
    try:
        for number, options in enumerate(wanted, 1):
            head = f"{number}/{len(wanted)} {options.planner}, seed {options.seed}"
            done.append(_run(console, where, options, head))
            console.print(Text(f"  {entries.line(done[-1])}"))
    except KeyboardInterrupt:
        console.print("interrupted")
        interrupted = True
    finally:
        _end(console, where, failed=any(each.error for each in done))
    if as_json:
        print(json.dumps([each.as_dict for each in done], indent=2))
    elif done:
        console.print(Text(entries.table(done, wanted[0])))
    if interrupted:
        return 130
    return 1 if any(each.error for each in done) else 0


def _run(console: Console, where: Home, options: Options, head: str) -> Entry:
    """Play one run on a stack of its own; what goes wrong with it ends it alone."""
    blank = Entry(planner=options.planner, seed=options.seed)
    console.print(Text(head, "bold"))
    try:
        with console.status(f"{head}: starting") as status:
            stack = lifecycle.up(
                where, options, lambda text: status.update(f"{head}: {text}"), leash=True
            )
            progress = Progress(options)
            said = progress.began

            def tell(event: Event) -> None:
                nonlocal said
                progress.add(event)
                status.update(f"{head}: {progress.line()}")
                if not console.is_terminal and time.monotonic() - said >= STEP:
                    said = time.monotonic()
                    console.print(f"  {progress.line()}")

            played = play.play(where, stack, tell)
            status.update(f"{head}: ending its processes")
            lifecycle.down(where, logs=True)
    except StackError as error:
        lifecycle.down(where)
        return replace(blank, error=f"{error} (logs are in {where.logs})")
    return replace(blank, card=played.card, rescales=tuple(played.rescales))


def _announced(wanted: Sequence[Options], minutes: float) -> str:
    count = len(wanted)
    hours = count * (minutes + 0.75) / 60
    length = f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"
    return (
        f"{_count(count, 'run')} of {minutes:g} minutes, about {length} with the starts: each "
        f"plays {wanted[0].minutes:.0f} minutes of a job {wanted[0].factor:.3g} times as fast.\n"
        "Ctrl-C ends all, and tables what is done."
    )


def _end(console: Console, where: Home, *, failed: bool) -> None:
    """End what runs, whatever the person at the keyboard presses meanwhile."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with console.status("ending all processes"):
        lifecycle.down(where, logs=not failed)
    if left := proc.members(where.path):
        console.print(Text(f"{len(left)} processes are left", "red"))


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
