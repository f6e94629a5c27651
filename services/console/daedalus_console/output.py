"""How the command speaks: tables for people, JSON for programs, errors on standard error."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

WIDE = 160
"""Columns of a table that goes into a file or a pipe, where no terminal tells its width."""


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


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show on a terminal that something is being done, on standard error."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(text):
        yield
