"""Workload traces from files."""

from pathlib import Path

from daedalus_simulator.domain.traces import Trace, TraceError, parse


def read(path: Path) -> Trace:
    """Read a trace; it is named as its file, without the ending.

    Raises:
        TraceError: There is no such file, or it holds no trace; one line says why.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text in UTF-8"
        raise TraceError(f"{path}: {why}") from error
    return parse(text, path.stem)
