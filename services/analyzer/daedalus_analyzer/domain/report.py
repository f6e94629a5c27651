"""What is said of skew and of trust, in sentences for people."""

from daedalus_analyzer.domain.model import LEAST_SPREAD, POOR_FIT, Table
from daedalus_analyzer.domain.skew import Skew

EVEN = 1.02
"""Skew below which the workers are called evenly loaded."""

LEAST_GAIN = 0.005
"""Part of the capacity from which on one more worker is said to bring something."""

MISJUDGED = 0.05
"""Part by which CPU readings must be off for it to be said."""


def sentence(skew: Skew, gain: float, limit: str | None) -> str:
    """Return who is the bottleneck and what one more worker brings.

    Args:
        skew: Who is hottest.
        gain: What one more worker adds to the capacity, in parts of it.
        limit: What keeps more workers from helping, such as `12 partitions`.

    >>> sentence(Skew("tm-3", 1.18, 0.01), 0.04, None)
    'worker tm-3 is the bottleneck: it has 1.18 times its share; one more worker brings 4 %'
    >>> sentence(Skew("tm-3", 1.0, 0.01), 0.04, "12 partitions")
    'the workers are evenly loaded; one more worker brings nothing: 12 partitions'
    """
    if skew.factor < EVEN:
        who = "the workers are evenly loaded"
    else:
        who = f"worker {skew.hottest} is the bottleneck: it has {skew.factor:.2f} times its share"
    brings = f"{100 * gain:.0f} %" if gain >= LEAST_GAIN and not limit else "nothing"
    why = f": {limit}" if limit else ""
    return f"{who}; one more worker brings {brings}{why}"


def caution(table: Table, scale_out: int) -> str | None:
    """Return what lessens the trust in a capacity, or None when nothing does."""
    found = table.at(scale_out)
    if found is not None and found.at_least:
        return "a lower bound only: the job was too cold or too idle for its CPU to tell more"
    lines = table.fit
    if lines is not None and lines.spread >= LEAST_SPREAD and lines.explained < POOR_FIT:
        return (
            f"poor fit: throughput explains {lines.explained:.0%} of the CPU (R² "
            f"{lines.explained:.2f}, {POOR_FIT:g} is usual where fetches are batched)"
        )
    if abs(table.bent) > MISJUDGED:
        off = "less" if table.bent > 0 else "more"
        return (
            f"CPU misjudges the capacity: saturated, the job does {abs(table.bent):.0%} {off} "
            "than its idle CPU foretells"
        )
    return None
