"""A progress bar with the time left, on standard error, for people alone."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def progress(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show a bar until the end of the block; the yielded function adds to what is done.

    Where standard error is no terminal, nothing is shown.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 -- only where there is a terminal
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # A run takes seconds, and many may end at once: an estimate over less jumps about.
        speed_estimate_period=300.0,
    )
    with bar:
        shown = bar.add_task(title, total=total)
        yield lambda done: bar.advance(shown, done)


def counting(title: str, found: Iterable[T]) -> Iterator[T]:
    """Yield what is found, and show how many there were so far; nobody knows how many will be.

    Where standard error is no terminal, nothing is shown.
    """
    if not sys.stderr.isatty():
        yield from found
        return
    from rich.console import Console  # noqa: PLC0415 -- only where there is a terminal
    from rich.status import Status  # noqa: PLC0415

    with Status(f"{title} …", console=Console(stderr=True)) as shown:
        for count, each in enumerate(found, 1):
            if count % 1000 == 0:
                shown.update(f"{title}: {count:,} events")
            yield each
