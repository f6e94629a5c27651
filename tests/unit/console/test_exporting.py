"""Records into files."""

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from daedalus_console.adapters import exporting
from daedalus_console.adapters.exporting import writer
from daedalus_console.errors import ConsoleError, UsageError
from daedalus_console.records import Raw, Record, read
from daedalus_shared.events import encode, headers
from daedalus_shared.topics import topic_of


def recorded(past: Any, noon: datetime) -> list[Record]:
    found = [
        read(
            Raw(topic_of(type(event)), 1, number, event.at, event.key.encode(), encode(event),
                list(headers(event).items()))
        )
        for number, event in enumerate(past.events)
    ]  # fmt: skip
    return [*found, read(Raw("daedalus.metrics", 1, 99, noon, b"ysb", b"\xff{"))]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_json_lines_hold_each_event_whole(
    past: Any, noon: datetime, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    with writer(str(path)) as file:
        for record in recorded(past, noon):
            file.write(record)

    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if name.endswith("gz") else raw).decode().splitlines()
    found = [json.loads(line) for line in lines]
    assert [each.get("id") for each in found] == [event.id for event in past.events] + [None]
    event = type(past.decision).model_validate(found[4]["event"])
    assert event == past.decision
    assert found[4]["headers"]["ce_type"] == "daedalus.decisions.v1"
    assert found[-1]["error"].startswith("no ce_type header")
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_holds_each_event_whole_in_groups(
    past: Any, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    monkeypatch.setattr(exporting, "GROUP_RECORDS", 4)
    path = tmp_path / "out.parquet"
    with writer(str(path)) as file:
        for record in recorded(past, noon):
            file.write(record)

    rows = parquet.read_table(path).to_pylist()
    assert parquet.ParquetFile(path).num_row_groups == 3
    assert [row["id"] for row in rows] == [event.id for event in past.events] + [None]
    assert type(past.decision).model_validate_json(rows[4]["event"]) == past.decision
    assert rows[4]["tick"] == noon
    assert dict(rows[4]["headers"])["ce_subject"] == "ysb"
    assert rows[-1]["value"] == b"\xff{"


def test_a_file_is_whole_or_not_there(past: Any, noon: datetime, tmp_path: Path) -> None:
    def interrupted() -> None:
        with writer(str(tmp_path / "out.jsonl")) as file:
            file.write(recorded(past, noon)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == []


def test_a_wrong_name_and_a_wrong_place_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"name it \*.jsonl"), writer("out.csv"):
        pass
    with (
        pytest.raises(ConsoleError, match="cannot be written"),
        writer(str(tmp_path / "none" / "out.jsonl")),
    ):
        pass


def test_a_file_that_was_not_finished_is_not_there(
    past: Any, noon: datetime, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("of before\n")
    opened = writer(str(path))
    opened.__enter__().write(recorded(past, noon)[0])
    opened.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert path.read_text() == "of before\n"
    assert list(tmp_path.iterdir()) == [path]
