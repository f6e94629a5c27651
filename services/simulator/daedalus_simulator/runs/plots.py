"""Outcomes as pictures in a folder, one file a plot."""

import re
from collections.abc import Sequence
from pathlib import Path

from daedalus_simulator.errors import CommandError
from daedalus_simulator.results import BEST, lines
from daedalus_simulator.runs.matrix import Outcome
from daedalus_simulator.runs.sections import first_of_each, prices

BESIDE = ("rules", BEST)
"""Policies whose scale-outs are drawn beside the main one's."""


def write(folder: Path, outcomes: Sequence[Outcome], main: str) -> list[Path]:
    """Write the plots of each workload and engine, and each engine's front.

    Returns:
        The files written, as `timeline-TRACE-ENGINE.svg`.

    Raises:
        CommandError: The folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(folder, outcomes, main)
    except OSError as error:
        raise CommandError(f"--plots {folder}: {error.strerror}") from error


def _write(folder: Path, outcomes: Sequence[Outcome], main: str) -> list[Path]:
    from daedalus_simulator.report import pictures  # noqa: PLC0415 -- half a second, for this alone

    found = []
    for engine in dict.fromkeys(one.result.engine for one in outcomes):
        group = [one for one in outcomes if one.result.engine == engine]
        found.append(folder / f"front-{engine}.svg")
        pictures.front(found[-1], prices(lines(one.result for one in group)))
        for trace in dict.fromkeys(one.result.trace for one in group):
            part = [one for one in group if one.result.trace == trace]
            name = f"{_file_name(trace)}-{engine}.svg"
            found.append(folder / f"latencies-{name}")
            distributions = [one.distribution for one in first_of_each(part, main, 0)]
            pictures.latencies(found[-1], distributions)
            detail = next((one.detail for one in part if one.detail is not None), None)
            if detail is None:
                continue
            found.append(folder / f"timeline-{name}")
            pictures.timeline(found[-1], detail)
            steps = {one.result.policy: one.result.steps for one in part if one.result.seed == 0}
            shown = {policy: steps[policy] for policy in (main, *BESIDE) if policy in steps}
            found.append(folder / f"scale-outs-{name}")
            pictures.scale_outs(found[-1], detail, shown)
    return found


def _file_name(text: str) -> str:
    """Return a name that is safe in a path.

    >>> _file_name("shape:noisy@2")
    'shape-noisy-2'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "trace"
