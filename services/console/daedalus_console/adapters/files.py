"""Job files on disk and from standard input."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daedalus_console.errors import NotFoundError

SUFFIXES = (".yaml", ".yml")
LARGEST = 200_000
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
        NotFoundError: There is no such file, or no job file in the folder.
    """
    found: list[JobFile] = []
    for argument in arguments:
        path = Path(argument)
        if argument == "-":
            found.append(_standard_input())
        elif path.is_dir():
            inside = in_folder(path)
            if not inside:
                raise NotFoundError(f"{path} holds no job file (*.yaml, *.yml)")
            found += inside
        elif path.exists():
            found.append(_read(path))
        else:
            raise NotFoundError(f"no such file: {path}")
    return found


def _standard_input() -> JobFile:
    name = "standard input"
    try:
        content = sys.stdin.read(LARGEST + 1)
    except UnicodeDecodeError:
        return JobFile(name, None, "is not text in UTF-8: not a job file")
    if len(content) > LARGEST:
        return JobFile(name, None, f"is larger than {LARGEST} bytes: not a job file")
    return JobFile(name, content)


def in_folder(folder: Path) -> list[JobFile]:
    """Return the job files of a folder, by name."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    return [_read(path) for path in paths if path.is_file()]


def _read(path: Path) -> JobFile:
    try:
        with path.open(encoding="utf-8") as file:  # a device, or a pipe, may have no end
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            return JobFile(str(path), None, f"is larger than {LARGEST} bytes: not a job file")
        return JobFile(str(path), content)
    except OSError as error:
        return JobFile(str(path), None, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return JobFile(str(path), None, "is not text in UTF-8: not a job file")
