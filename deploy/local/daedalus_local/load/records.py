"""The records that the sample jobs read, built once and stamped with their event time when sent."""

import json
import random
from collections.abc import Callable

COUNT = 4096
"""How many different records are built: enough that keys spread evenly."""

_TEXT = (
    "the stream of records never ends but a river has banks and a job has workers that carry it "
    "some days the water is high and more hands are needed some nights a single one will do"
)


def prefixes(kind: str, seed: int) -> list[bytes]:
    """Return records of a kind, each lacking only its event time, the last field."""
    source = random.Random(seed)
    make = KINDS[kind]
    return [json.dumps(make(source))[:-1].encode() + b', "event_time": ' for _ in range(COUNT)]


def stamp(milliseconds: int) -> bytes:
    """Return what completes a record that happened at this Unix time in milliseconds."""
    return b"%d}" % milliseconds


def _ad_event(source: random.Random) -> dict[str, object]:
    return {
        "user_id": f"{source.getrandbits(64):016x}",
        "page_id": f"{source.getrandbits(64):016x}",
        "ad_id": f"{source.getrandbits(32):08x}",
        "ad_type": source.choice(["banner", "modal", "sponsored-search", "mail", "mobile"]),
        "event_type": source.choice(["view", "click", "purchase"]),
    }


def _line(source: random.Random) -> dict[str, object]:
    return {"line": " ".join(source.choices(_TEXT.split(), k=8))}


def _vehicle_report(source: random.Random) -> dict[str, object]:
    segment = source.randrange(200)
    return {
        "vehicle": f"{source.getrandbits(32):08x}",
        "segment": f"s{segment:03d}",
        "speed": round(max(3.0, source.gauss(30 + segment % 80, 9)), 1),
    }


KINDS: dict[str, Callable[[random.Random], dict[str, object]]] = {
    "ysb": _ad_event,
    "wordcount": _line,
    "traffic": _vehicle_report,
}
"""By the name of the job that reads them."""
