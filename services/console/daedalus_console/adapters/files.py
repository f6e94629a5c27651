"""Job files on disk and from standard input."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daedalus_console.errors import UsageError

SUFFIXES = (".yaml", ".yml")
LARGEST = 1_000_000
"""Bytes; a job file has about a thousand."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file's name, and its content or why it cannot be read."""

    name: str
    content: str | None
    why: str | None = None


def job_files(arguments: Sequence[str]) -> list[JobFile]:
    """Return the files named; a folder stands for the job files in it, `-` for standard input.

    Raises:
        UsageError: There is no such file, or no job file in the folder.
    """
    found: list[JobFile] = []
    for argument in arguments:
        path = Path(argument)
        if argument == "-":
            found.append(JobFile("standard input", sys.stdin.read()))
        elif path.is_dir():
            inside = in_folder(path)
            if not inside:
                raise UsageError(f"{path} holds no job file (*.yaml, *.yml)")
            found += inside
        elif path.exists():
            found.append(_read(path))
        else:
            raise UsageError(f"no such file: {path}")
    return found


def in_folder(folder: Path) -> list[JobFile]:
    """Return the job files of a folder, by name."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    return [_read(path) for path in paths if path.is_file()]


def _read(path: Path) -> JobFile:
    try:
        if path.stat().st_size > LARGEST:
            return JobFile(str(path), None, f"is larger than {LARGEST} bytes: not a job file")
        return JobFile(str(path), path.read_text(encoding="utf-8"))
    except OSError as error:
        return JobFile(str(path), None, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return JobFile(str(path), None, "is not text in UTF-8: not a job file")
