"""Schedules of one who knows the whole world: what no policy that waits to catch up can beat.

A schedule may be kept in a folder, by a hash of all that it depends on: the world, and the source
of what plays and plans it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from daedalus_simulator.domain import engines, job, score, world
from daedalus_simulator.domain.oracle import episodes, planning
from daedalus_simulator.domain.oracle.episodes import Episodes
from daedalus_simulator.domain.oracle.planning import FEWEST_WORKERS, LEAST_PRICE, Schedule
from daedalus_simulator.domain.world import World

_SOURCES = (engines, episodes, job, planning, score, world)

Plan = Callable[[World, Episodes], Schedule]


def _fewest(late: float) -> Plan:
    return lambda met, found: planning.within(met, found, FEWEST_WORKERS, late)


ORACLES: Mapping[str, Plan] = MappingProxyType(
    {
        "oracle-J": lambda met, found: planning.schedule(met, found, LEAST_PRICE),
        "oracle-workers": lambda met, found: planning.schedule(met, found, FEWEST_WORKERS),
        "oracle-late-5": _fewest(0.05),
        "oracle-late-1": _fewest(0.01),
    }
)
"""Name → goal: the least price J; the fewest workers with recoveries of 600 s at most; the same
with at most 5 % (so that the p95 of latency is 1 s at most) and at most 1 % of the records late."""


def oracle(name: str, met: World, cache: Path | None = None) -> Schedule:
    """Return an oracle's schedule; seconds of work unless it is found in the cache.

    Args:
        name: One of `ORACLES`.
        met: The world that it is for.
        cache: Folder where schedules are kept; None to keep none.
    """
    if cache is None:
        return ORACLES[name](met, _episodes(met))
    path = cache / f"{name}-{_digest(met)}.json"
    if path.exists():
        return _read(path.read_text(encoding="utf-8"))
    found = ORACLES[name](met, _episodes(met))
    cache.mkdir(parents=True, exist_ok=True)
    # Several processes may write the same; each replaces the file by a whole one.
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(asdict(found)), encoding="utf-8")
    part.replace(path)
    return found


def least_price(met: World) -> Schedule:
    """Return the schedule of the least price J; its own `price` is that J."""
    return oracle("oracle-J", met)


@lru_cache(maxsize=1)
def _episodes(met: World) -> Episodes:
    """Return a world's episodes; the last ones are kept for the world's other oracles."""
    return episodes.episodes(met)


def _read(text: str) -> Schedule:
    fields = json.loads(text)
    moves = tuple((second, scale_out) for second, scale_out in fields.pop("moves"))
    return Schedule(moves, **fields)


def _digest(met: World) -> str:
    found = hashlib.sha256(met.arrivals.tobytes())
    found.update(repr((met.engine, met.seed, met.most)).encode())
    found.update(_sources())
    return found.hexdigest()[:24]


@lru_cache(maxsize=1)
def _sources() -> bytes:
    return b"".join(Path(module.__file__).read_bytes() for module in _SOURCES if module.__file__)
