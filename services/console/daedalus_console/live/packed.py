"""Decisions in a tenth of their memory: kept as compressed JSON, and read when they are shown."""

import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self

from daedalus_console.live.views import DecisionLine
from daedalus_shared.events import Decision


@dataclass(frozen=True, slots=True)
class Packed:
    """One decision."""

    id: str
    tick: datetime
    packed: bytes

    @classmethod
    def of(cls, decision: Decision, value: bytes | None) -> Self:
        """Pack one; `value` is its JSON as it lay on the topic, where that is at hand."""
        json = value or decision.model_dump_json().encode()
        return cls(decision.id, decision.tick, zlib.compress(json, level=1))

    def decision(self) -> Decision:
        """Unpack it."""
        return Decision.model_validate_json(zlib.decompress(self.packed))

    def line(self) -> DecisionLine:
        """Return it without what it weighed."""
        return _line(self)


def line(decision: Decision) -> DecisionLine:
    """Return a decision without what it weighed."""
    return DecisionLine(
        id=decision.id,
        tick=decision.tick,
        planner=decision.planner,
        scale_out=decision.scale_out,
        chosen=decision.chosen,
        reason=decision.reason,
        sentence=decision.sentence,
        marks=decision.marks,
        limits=decision.limits,
        command=decision.command,
        shadow=decision.shadow,
        dry_run=decision.dry_run,
    )


@lru_cache(maxsize=4_000)
def _line(packed: Packed) -> DecisionLine:
    """Unpack it once for all who look at the same jobs, again and again."""
    return line(packed.decision())
