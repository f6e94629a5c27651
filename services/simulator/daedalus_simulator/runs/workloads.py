"""The workloads of a command: files and generated shapes, whole or a part."""

from pathlib import Path

from daedalus_shared.durations import seconds
from daedalus_simulator.adapters import traces
from daedalus_simulator.domain import shapes
from daedalus_simulator.domain.traces import Trace, TraceError
from daedalus_simulator.errors import CommandError, NotFoundError, UsageError

SHAPE = "shape:"
"""Begins the name of a generated workload, as in `shape:sine` or `shape:noisy@3` (seed 3)."""

SHORTEST = 300
"""Fewest seconds that are worth a run."""


def load(text: str, begin: str | None = None, end: str | None = None) -> Trace:
    """Return the workload that a person named, or the part of it from `begin` to `end`.

    Args:
        text: A path, or `shape:NAME`, with `@SEED` at its end where chance matters.
        begin: A duration from the workload's start, such as `90m`; None for the start.
        end: The same; None for the end.

    Raises:
        NotFoundError: There is no such file.
        CommandError: The file holds no trace.
        UsageError: There is no such shape, or no such part.
    """
    if not text.startswith(SHAPE) and not Path(text).exists():
        raise NotFoundError(f"{text}: no such file; a generated workload is written shape:noisy")
    try:
        trace = _shape(text) if text.startswith(SHAPE) else traces.read(Path(text))
    except TraceError as error:
        raise CommandError(str(error)) from error
    return cut(trace, _offset("--from", begin), _offset("--to", end))


def cut(trace: Trace, begin: float | None, end: float | None) -> Trace:
    """Return the part of a trace between two offsets (s), or raise `UsageError`."""
    first = round(begin or 0.0)
    last = len(trace.rates) if end is None else min(round(end), len(trace.rates))
    if first >= len(trace.rates):
        raise UsageError(f"--from {first} s: {trace.name} ends after {len(trace.rates)} s already")
    if last - first < SHORTEST:
        raise UsageError(
            f"{trace.name} from {first} s to {last} s: {max(last - first, 0)} s are too short "
            f"for a run; {SHORTEST} or more"
        )
    return Trace(trace.name, trace.rates[first:last])


def _shape(text: str) -> Trace:
    name, at, seed = text.removeprefix(SHAPE).partition("@")
    if at and not seed.isdecimal():
        raise UsageError(f"{text}: the seed {seed!r} is no whole number, as in shape:noisy@3")
    try:
        found = shapes.generate(name, int(seed or 0))
    except ValueError as error:
        raise UsageError(f"{text}: {error}") from error
    return Trace(text, found.rates)


def _offset(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from error
