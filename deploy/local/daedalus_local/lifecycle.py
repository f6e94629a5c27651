"""Starts and ends a stack, also one whose supervisor was killed."""

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from daedalus_local import prerequisites, proc, prometheus, services, workers
from daedalus_local.child import Child
from daedalus_local.errors import NoFileError, OptionError, StackError
from daedalus_local.home import Home, Options, Stack

STOP_WITHIN = 60.0
"""Seconds for a supervisor to end everything in order before it is killed."""


def up(home: Home, options: Options, report: Callable[[str], None], *, leash: bool) -> Stack:
    """Start a stack and return when it is ready; `report` gets a line for each step.

    Args:
        home: The stack's folder. Leftovers in it are ended and removed first.
        options: What to run.
        report: Takes progress.
        leash: Whether the stack ends when this process does.
    """
    found = home.read()
    if found is not None and found.supervised:
        raise StackError(f"a stack runs already in {home.path}; end it with `daedalus down`")
    _check(options)
    memory = prerequisites.MEMORY_SIMULATED if options.simulate else prerequisites.MEMORY
    prerequisites.check(memory=memory)
    if clean(home):
        report("ended what a killed run had left behind")
    home.clear(logs=True)
    supervisor = Child(
        "supervisor",
        [
            sys.executable,
            "-m",
            "daedalus_local.supervisor",
            str(home.path),
            json.dumps(asdict(options)),
        ],
        log=home.logs / "supervisor.log",
        env={proc.MARK: str(home.path)},
        leash="TERM" if leash else None,
    )
    supervisor.start()
    try:
        stack = _wait(home, supervisor, report)
    except BaseException:
        supervisor.stop(STOP_WITHIN)
        raise
    supervisor.let_go()
    return stack


def down(home: Home, *, logs: bool = False) -> bool:
    """End a stack and remove what it kept; return whether there was one.

    Args:
        home: The stack's folder.
        logs: Whether the logs are removed too.
    """
    found = home.read() if home.registry.exists() else None
    if found is not None and found.supervised:
        proc.end([found.supervisor], STOP_WITHIN)
    left = clean(home)
    home.clear(logs=logs)
    return found is not None or left


def clean(home: Home) -> bool:
    """End all that still runs of a stack without a supervisor; return whether there was any."""
    left = proc.members(home.path)
    if home.pools.exists():
        # Broken pools are no reason to let the processes live: those are found without them.
        with suppress(StackError):
            workers.down(home.pools)
    proc.end(proc.members(home.path), 10.0)
    return bool(left)


def _wait(home: Home, supervisor: Child, report: Callable[[str], None]) -> Stack:
    told = ""
    noted = 0
    while True:
        found = home.read()
        if found is not None and found.supervisor.pid == supervisor.pid:
            if found.step and found.step != told and found.state == "starting":
                told = found.step
                report(told)
            for note in found.notes[noted:]:
                report(note)
            noted = len(found.notes)
            if found.state == "ready":
                return found
            if found.state == "failed":
                raise StackError(found.step)
        if not supervisor.running:
            raise StackError(
                f"the supervisor ended with code {supervisor.exit_code}, see {supervisor.log}: "
                f"{supervisor.last_lines(1)}"
            )
        time.sleep(0.1)


def _check(options: Options) -> None:
    if not 1 <= options.first_workers <= options.max_workers:
        raise OptionError(
            f"{options.first_workers} first workers: must be 1 to {options.max_workers}"
        )
    if options.planner not in services.PLANNERS:
        raise OptionError(
            f"planner {options.planner}: must be one of {', '.join(services.PLANNERS)}"
        )
    if options.prometheus:
        prometheus.program()
    for name in ("factor", "peak", "minutes", "quota"):
        value = getattr(options, name)
        if not 0 < value < math.inf:
            raise OptionError(f"{name} {value:g}: must be more than 0")
    if options.trace is not None and not Path(options.trace).is_file():
        raise NoFileError(f"trace {options.trace}: no such file")
