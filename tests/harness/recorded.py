"""A recorded run of one job, told as if it had just happened, and texts with their times masked."""

import gzip
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from daedalus_shared.events import Event
from daedalus_shared.events.codec import EVENTS

_BY_NAME = {event.__name__: event for event in EVENTS}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")

RENEW = "DAEDALUS_RENEW_SAMPLES"
"""Set it to write the kept samples anew; then look at what changed."""


def recorded(path: Path, end: datetime) -> list[Event]:
    """Return the events of a file, shifted so that the last report is of `end`.

    Ids are made of instants: those by which events name one another are shifted along.
    """
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    before = [_BY_NAME[row["type"]].model_validate(row["event"]) for row in rows]
    last = max(event.at for event in before if type(event).__name__ == "JobMetrics")
    shift = end - last

    def moved(text: str) -> str:
        return _INSTANT.sub(
            lambda found: (
                (datetime.fromisoformat(found[0]) + shift)
                .astimezone(UTC)
                .isoformat()
                .replace("+00:00", "Z")
            ),
            text,
        )

    shifted = [moved(event.model_dump_json()) for event in before]
    ids = {
        old.id: type(old).model_validate_json(new).id
        for old, new in zip(before, shifted, strict=True)
    }
    pattern = re.compile("|".join(map(re.escape, ids)))
    return [
        type(old).model_validate_json(pattern.sub(lambda found: ids[found[0]], new))
        for old, new in zip(before, shifted, strict=True)
    ]


def masked(text: str) -> str:
    """Return a text without what differs from run to run: times, ages, ids, blanks at ends."""
    text = re.sub(r"\d{4}-\d\d-\d\d", "YYYY-MM-DD", text)
    text = re.sub(r"\b\d\d-\d\d (?=\d\d:\d\d)", "MM-DD ", text)
    text = re.sub(r"\d\d:\d\d:\d\d", "HH:MM:SS", text)
    text = re.sub(r"(?<!\+)\b\d\d:\d\d\b", "HH:MM", text)
    text = re.sub(r"\b(\d+[hms])+(?=\s+unknown)", "SPAN", text)
    text = re.sub(r"· \d\ds", "· NNs", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def assert_kept(text: str, sample: Path) -> None:
    """Hold a text against the sample that is kept of it."""
    found = masked(text)
    if os.environ.get(RENEW):
        sample.parent.mkdir(parents=True, exist_ok=True)
        sample.write_text(found)
    assert found == sample.read_text(), f"{sample.name}: renew it with {RENEW}=1 and look"
