"""The demo: a real job follows a real workload, decisions as they fall, a score card at the end.

The workload's 80 minutes are played in `minutes`; every duration of the policy is divided alike.
"""

import json
import signal
import time
from datetime import datetime
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from daedalus_local import card, home, lifecycle, play, proc, terminal
from daedalus_local.browser import at_a_desktop, page_of, show
from daedalus_local.entries import Entry
from daedalus_local.errors import StackError
from daedalus_local.home import Home, Stack
from daedalus_shared.events import Decision, Event, Recovery, ScaleOutcome


def run(minutes: float, seed: int, planner: str, job: str, *, browser: bool, as_json: bool) -> int:
    """Run the demo and return the exit code.

    Args:
        minutes: How long it takes, in minutes of ours.
        seed: Of the workload.
        planner: Who decides.
        job: The sample job.
        browser: Whether the job's page is opened, at a desktop.
        as_json: Whether the score card is JSON on standard output; all else goes to standard error.
    """
    options = play.options(minutes, seed, planner, job)
    console = terminal.console(as_json=as_json)
    where = home.default()
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    ours = False
    try:
        _refuse_if_running(where)
        ours = True
        with console.status("starting") as status:

            def report(text: str) -> None:
                status.update(text)
                if not console.is_terminal or not text.startswith("fetching"):
                    console.print(Text(f"· {time.monotonic() - began:4.0f} s  {text}", "dim"))

            stack = lifecycle.up(where, options, report, leash=True)
        _introduce(console, stack, time.monotonic() - began)
        if browser and stack.console and at_a_desktop():
            show(page_of(stack.console, options.job))
        _watch(console, where, stack, as_json=as_json)
    except KeyboardInterrupt:
        console.print("interrupted")
        return 130
    except StackError:
        _keep_logs(console, where, ours=ours)
        ours = False
        raise
    else:
        return 0
    finally:
        if ours:
            _end(console, where)


def _watch(console: Console, where: Home, stack: Stack, *, as_json: bool) -> None:
    """Show decisions until the load has ended, then the score card."""
    options = stack.options
    played = play.play(where, stack, lambda event: _show(console, event))
    if as_json:
        entry = Entry(
            planner=options.planner,
            seed=options.seed,
            card=played.card,
            rescales=tuple(played.rescales),
        )
        print(json.dumps(entry.as_dict, indent=2), flush=True)
    else:
        console.print(Text(card.render(played.card, played.looks, played.rescales, options)))


def _introduce(console: Console, stack: Stack, seconds: float) -> None:
    options = stack.options
    minutes = options.minutes / options.factor
    for note in stack.notes:
        console.print(Text(f"· {note}", "yellow"))
    console.print(
        Text.assemble(
            (f"\nReady after {seconds:.0f} s. ", "bold"),
            f"{options.minutes:.0f} minutes of workload now pass in {minutes:g}: up to "
            f"{options.peak:,.0f} records/s\nand down again, on {options.first_workers} workers of "
            f"at most {options.max_workers}, {options.quota:g} core each.\n",
            f"Flink's page: {stack.flink}    Ctrl-C ends all.\n"
            if stack.flink
            else "Ctrl-C ends all.\n",
            f"See and steer it at {page_of(stack.console, options.job)}\n" if stack.console else "",
            f"In another terminal, here: daedalus watch, daedalus explain {options.job}\n",
        )
    )


def _show(console: Console, event: Event) -> None:
    """Print what people want to see; metrics are not among it."""
    clock = _clock(event.at)
    match event:
        case Decision(command=None):
            console.print(Text(f"{clock}  {event.sentence}", "dim"))
        case Decision():
            console.print(Text(f"{clock}  {event.sentence}", "bold green"))
        case ScaleOutcome():
            colour = "cyan" if event.status == "applied" else "red"
            console.print(Text(f"{clock}  {_outcome(event)}", colour))
        case Recovery():
            console.print(Text(f"{clock}  {_recovery(event)}", "cyan"))


def _outcome(event: ScaleOutcome) -> str:
    told = f"{event.from_scale_out} → {event.to_scale_out} workers: {event.status.value}"
    told = told.replace("_", " ")
    if event.downtime is not None:
        told += f", the job stood still for {event.downtime:.1f} s"
    return f"{told}: {event.why}" if event.why else told


def _recovery(event: Recovery) -> str:
    if event.recovery is None:
        return f"Not caught up after the change to {event.to_scale_out} workers"
    promised = event.promise.recovery if event.promise else None
    told = f"Caught up {event.recovery:.1f} s after the change to {event.to_scale_out} workers"
    return told if promised is None else f"{told}; {promised:.1f} s were promised"


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")


def _refuse_if_running(where: Home) -> None:
    found = where.read()
    if found is not None and found.supervised:
        raise StackError(f"a stack runs already in {where.path}; end it with `daedalus down`")


def _end(console: Console, where: Home) -> None:
    """End the stack, whatever the person at the keyboard presses meanwhile."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with console.status("ending all processes"):
        lifecycle.down(where, logs=True)
    left = proc.members(where.path)
    console.print(Text(f"{len(left)} processes are left", "red") if left else "All ended.")


def _keep_logs(console: Console, where: Home, *, ours: bool) -> None:
    """End the stack of a demo that failed, but leave its logs."""
    if ours:
        lifecycle.down(where)
        console.print(f"logs are in {where.logs}")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
