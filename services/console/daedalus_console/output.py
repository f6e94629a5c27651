"""How the command speaks: tables for people, JSON for programs, errors on standard error."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress as Shown
    from rich.progress import TaskID

WIDE = 160
"""Columns of a table that goes into a file or a pipe, where no terminal tells its width."""


SOON = 1.0
"""Seconds after which who waits is told how far it is."""


def console() -> Console:
    """Return the console that tables are printed on."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def document(found: Any) -> None:
    """Print a JSON document."""
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def line(text: str) -> None:
    """Print a line at once, so that a pipe's reader does not wait for more."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"daedalus: {text}\n")
    sys.stderr.flush()


Progress = Callable[[int, int], None]
"""(done, of all) → shown to whoever waits."""


@contextmanager
def working(text: str, *, telling: bool = False) -> Iterator[Progress]:
    """Show on a terminal how far a long read is, on standard error, until the end of the block.

    Args:
        text: What is being done.
        telling: Whether it writes to standard output meanwhile: on a terminal that shows how far it
            is, and nothing else is shown.
    """
    if not sys.stderr.isatty() or (telling and sys.stdout.isatty()):
        yield lambda _done, _of: None
        return
    bar = _Bar(text)
    try:
        yield bar.show
    finally:
        bar.end()


class _Bar:
    """A progress bar with the time left, which begins once there is something to wait for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._began = time.monotonic()
        self._shown: tuple[Shown, TaskID] | None = None

    def show(self, done: int, of: int) -> None:
        """Tell how much is done."""
        if self._shown is None:
            if time.monotonic() - self._began < SOON:
                return
            self._shown = self._begin()
        bar, task = self._shown
        bar.update(task, completed=done, total=of)

    def end(self) -> None:
        """Take it away."""
        if self._shown is not None:
            self._shown[0].stop()

    def _begin(self) -> "tuple[Shown, TaskID]":
        from rich import progress  # noqa: PLC0415 -- 20 ms, and few wait for so long

        bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=None),
            progress.TaskProgressColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("records, left"),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.start()
        return bar, bar.add_task(self._text, total=None)
