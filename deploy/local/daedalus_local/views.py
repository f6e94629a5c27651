"""The state of a stack as a table for people and as JSON for programs."""

import io
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict

from daedalus_local.home import Running, Stack
from daedalus_local.proc import Identity, alive

WIDE = 160
"""Columns where no terminal tells its width."""


def width() -> int:
    """Return the columns of the terminal, or `COLUMNS`; in a pipe `WIDE`."""
    return shutil.get_terminal_size((WIDE, 24)).columns


def as_json(stack: Stack | None, workers: Sequence[Running] = ()) -> str:
    """Return the registry as JSON, each process with whether it is alive, and the workers."""
    if stack is None:
        return json.dumps({"state": "down"}) + "\n"
    found = asdict(stack)
    found["state"] = state(stack)
    for entry, process in zip(found["processes"], stack.processes, strict=True):
        entry["alive"] = is_alive(process)
    found["workers"] = [asdict(worker) | {"alive": is_alive(worker)} for worker in workers]
    return json.dumps(found, indent=2) + "\n"


def as_table(stack: Stack | None, workers: Sequence[Running] = (), width: int = WIDE) -> str:
    """Return the state in one line and a table of the processes, workers of the pools included."""
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    if stack is None:
        return "no stack runs here; start one with `daedalus up`\n"
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False, markup=False, emoji=False)
    minutes = (time.time() - stack.since) / 60
    console.print(f"{stack.job}: {state(stack)}, for {minutes:.0f} min {stack.step}".rstrip())
    for note in stack.notes:
        console.print(note)
    table = Table("process", "state", "pid", "restarts", box=None, pad_edge=False)
    table.add_column("answers at", overflow="fold")
    table.add_column("log", overflow="fold")
    for process in (*stack.processes, *workers):
        told = process.state if process.state != "running" or is_alive(process) else "dead"
        address = process.url or ""
        table.add_row(
            process.name, told, str(process.pid), str(process.restarts), address, process.log
        )
    console.print(table)
    return text.getvalue()


def state(stack: Stack) -> str:
    """Return the state, which is `dead` when the supervisor was killed."""
    if stack.state in ("stopped", "failed") or stack.supervised:
        return stack.state
    return "dead (clean up with `daedalus down`)"


def is_alive(process: Running) -> bool:
    """Return whether exactly this process runs."""
    return alive(Identity(process.pid, process.started))
