"""The score card as text."""

import math
import textwrap
from collections.abc import Sequence

from daedalus_local import plot
from daedalus_local.home import Options
from daedalus_local.score import TOLERATED, Look, Percentiles, Rescale, ScoreCard, lead

WIDTH = 80
"""Columns of the card: those of the narrowest terminal."""


def render(
    card: ScoreCard, looks: Sequence[Look], rescales: Sequence[Rescale], options: Options
) -> str:
    """Return the whole score card, no wider than a terminal."""
    lines = [
        "",
        f"Workers over time (█), and how high the load stood (▓ ·; top: {options.peak:,.0f}/s)",
        *plot.workers(looks, options.max_workers, options.peak),
        f"    0 {f'{card.seconds / 60:.1f} min':>{plot.WIDTH - 2}}",
        "",
        *_workers(card, options),
        *_latency(card),
        *_price(card),
        "",
        *_rescales(rescales, looks, options),
    ]
    return "\n".join(lines) + "\n"


def _workers(card: ScoreCard, options: Options) -> list[str]:
    static = card.seconds * options.max_workers
    return _entry(
        "Worker-seconds",
        f"{card.worker_seconds:,.0f} of the {static:,.0f} that {options.max_workers} workers all "
        f"the time would be: {card.share_of_static:.2f}; mean {card.mean_workers:.2f}, "
        f"most {card.most_workers}",
    )


def _latency(card: ScoreCard) -> list[str]:
    lag = "unknown" if card.worst_lag is None else f"{card.worst_lag:,.0f} records"
    return [
        *_entry(
            "Latency",
            f"{_percentiles(card.latency)} over all; {_percentiles(card.calm_latency)} outside "
            "rescales (from the newest event in a row to the broker's time of that row: watermark "
            "included)",
        ),
        *_entry("Largest lag", lag),
    ]


def _price(card: ScoreCard) -> list[str]:
    if card.price is None:
        return []
    price = card.price
    return _entry(
        "Price (J)",
        f"{price.total:.2f} workers: {price.workers:.2f} paid, {price.lateness:.2f} for records "
        f"later than {TOLERATED:g} s, {price.rescales:.2f} for {card.rescales} rescales",
    )


def _percentiles(found: Percentiles | None) -> str:
    return "no output" if found is None else f"p50 {found.p50:.2f} s, p95 {found.p95:.2f} s"


def _rescales(rescales: Sequence[Rescale], looks: Sequence[Look], options: Options) -> list[str]:
    applied = [rescale for rescale in rescales if rescale.applied]
    ups = sum(rescale.after > rescale.before for rescale in applied)
    told = f"{len(applied)} applied: {ups} up, {len(applied) - ups} down"
    if len(rescales) > len(applied):
        told += f"; {len(rescales) - len(applied)} not applied"
    lines = _entry("Rescales", told)
    if rescales:
        lines.append("    at      change  downtime          recovery          converged")
        lines.append("                    promise measured  promise measured")
        for rescale in rescales:
            lines.extend(_rescale(rescale, looks))
    downs = [rescale.downtime for rescale in applied if rescale.downtime is not None]
    if downs:
        mean = sum(downs) / len(downs)
        lines += _entry(
            "Restart",
            f"{mean:.1f} s measured on average: {mean * options.factor:.0f} s of the job's time, "
            f"which this run plays {options.factor:.3g} times as fast",
        )
    leads = [found for rescale in applied if (found := lead(rescale, looks)) is not None]
    if leads:
        early = sum(found >= 0 for found in leads)
        lines += _entry(
            "Scale-ups", f"{early} of {len(leads)} converged before the load outgrew the workers"
        )
    return lines


def _rescale(rescale: Rescale, looks: Sequence[Look]) -> list[str]:
    seconds = max(0.0, rescale.decided - looks[0].at)
    clock = f"{math.floor(seconds / 60)}:{math.floor(seconds % 60):02d}"
    figures = (
        rescale.promised_downtime,
        rescale.downtime,
        rescale.promised_recovery,
        rescale.recovery,
    )
    columns = "".join(f"{_seconds(figure):<9}" for figure in figures)
    line = f"    {clock:<7} {rescale.before} → {rescale.after}   {columns}"
    if not rescale.applied:
        why = f"{rescale.status.replace('_', ' ')}: {rescale.why}".removesuffix(": ")
        return [
            line.rstrip(),
            *textwrap.wrap(
                why, WIDTH - 12, initial_indent=" " * 12, subsequent_indent=" " * 12, max_lines=2
            ),
        ]
    found = lead(rescale, looks)
    if found is not None:
        line += f"{abs(found):.0f} s {'ahead of' if found >= 0 else 'behind'} the load"
    return [line.rstrip()]


def _entry(name: str, text: str) -> list[str]:
    """Return a named figure, wrapped under itself."""
    return textwrap.wrap(text, WIDTH, initial_indent=f"{name:<17}", subsequent_indent=" " * 17)


def _seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f} s"
