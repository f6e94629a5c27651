"""What both commands are asked for, as the command line says it."""

import os
from dataclasses import dataclass
from pathlib import Path

from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.errors import CommandError, UsageError
from daedalus_simulator.runs import workloads


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a workload is played."""

    begin: str | None = None
    """A duration from its start; None for the start."""

    end: str | None = None
    """The same; None for the end."""

    minutes: float | None = None
    """Minutes to play, in the place of an end."""

    def of(self, text: str) -> Trace:
        """Load a workload, and return this part of it."""
        if self.minutes is None:
            return workloads.load(text, self.begin, self.end)
        if self.end is not None:
            raise UsageError("--to and --minutes: give one of the two")
        trace = workloads.load(text, self.begin)
        return workloads.cut(trace, None, 60 * self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options that both commands have."""

    part: Part = Part()
    job: Path | None = None
    """A job file to take policy and scale from."""

    settings: tuple[str, ...] = ()
    """Such as `policy.recovery_target=180s`."""

    forecaster: str | None = None
    jobs: int | None = None
    """Processes at once; None for one a core."""

    as_json: bool = False
    markdown: bool = False
    report: Path | None = None
    """Where the page goes."""

    plots: Path | None = None
    """Where plots go as SVG files."""

    def check_places(self) -> None:
        """Raise `CommandError` where a file could not be written: at once, not after the runs."""
        if self.report is not None:
            if self.report.is_dir():
                raise CommandError(f"--report {self.report}: is a folder; give a file's name")
            _check_folder(f"--report {self.report}", self.report.parent)
        if self.plots is not None:
            above = (self.plots, *self.plots.absolute().parents)
            _check_folder(f"--plots {self.plots}", next(path for path in above if path.exists()))


def _check_folder(option: str, folder: Path) -> None:
    if not folder.exists():
        raise CommandError(f"{option}: No such file or directory: {folder}")
    if not folder.is_dir():
        raise CommandError(f"{option}: {folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise CommandError(f"{option}: {folder} cannot be written to")
