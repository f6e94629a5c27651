"""Records into files: a JSON line each, or Parquet in row groups; never the whole in memory."""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

from daedalus_console.errors import ConsoleError, UsageError
from daedalus_console.records import Record

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")

GROUP_RECORDS = 10_000
GROUP_BYTES = 16_000_000
"""Whatever comes first ends a row group of Parquet."""


class Writer(Protocol):
    """Takes records one by one."""

    def write(self, record: Record) -> None:
        """Write a record."""
        ...


@contextmanager
def writer(target: str) -> Iterator[Writer]:
    """Open a file by its suffix; `-` is standard output. It is there when it is whole.

    Raises:
        UsageError: The suffix tells no format, or the format needs a package that is missing.
        ConsoleError: The file cannot be written.
    """
    if target == "-":
        yield _Lines(sys.stdout)
        return
    path = Path(target)
    suffix = next((each for each in SUFFIXES if path.name.endswith(each)), None)
    if suffix is None:
        raise UsageError(f"{target}: name it *{', *'.join(SUFFIXES)}, or - for standard output")
    part = path.with_name(f".{path.name}.part")
    try:
        with _opened(part, suffix) as found:
            yield found
        part.replace(path)
    except OSError as error:
        raise ConsoleError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, suffix: str) -> Iterator[Writer]:
    if suffix == ".parquet":
        with _parquet(path) as found:
            yield found
    elif suffix == ".jsonl.gz":
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=5) as file:
            yield _Lines(file)
    else:
        with path.open("w", encoding="utf-8") as file:
            yield _Lines(file)


class _Lines:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, record: Record) -> None:
        self._file.write(record.as_json(headers=True) + "\n")


@contextmanager
def _parquet(path: Path) -> Iterator[Writer]:
    try:
        import pyarrow as pa  # noqa: PLC0415 -- an extra, and 120 ms
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install pyarrow, or write *.jsonl") from error
    text, moment = pa.string(), pa.timestamp("us", tz="UTC")
    schema = pa.schema(
        [
            ("topic", text),
            ("partition", pa.int32()),
            ("offset", pa.int64()),
            ("timestamp", moment),
            ("key", text),
            ("type", text),
            ("id", text),
            ("correlation", text),
            ("job", text),
            ("at", moment),
            ("tick", moment),
            ("source", text),
            ("event", text),  # JSON: whole, and the same as on the topic
            ("error", text),
            ("value", pa.binary()),  # of what is no event
            ("headers", pa.map_(text, text)),
        ]
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        groups = _Groups(file, schema)
        yield groups
        groups.flush()


class _Groups:
    """Holds records until they make a row group."""

    def __init__(self, file: Any, schema: Any) -> None:
        self._file = file
        self._schema = schema
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def write(self, record: Record) -> None:
        event = record.event
        self._rows.append(
            {
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "timestamp": record.written_at,
                "key": record.key,
                "type": type(event).__name__ if event else None,
                "id": event.id if event else None,
                "correlation": event.correlation if event else None,
                "job": record.job,
                "at": event.at if event else None,
                "tick": getattr(event, "tick", None),
                "source": event.source if event else None,
                "event": event.model_dump_json() if event else None,
                "error": record.why,
                "value": None if event else record.value,
                "headers": list(dict(record.headers).items()),
            }
        )
        self._bytes += len(record.value or b"")
        if len(self._rows) >= GROUP_RECORDS or self._bytes >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held as one row group."""
        import pyarrow as pa  # noqa: PLC0415 -- there, since the file is open

        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._bytes = [], 0
