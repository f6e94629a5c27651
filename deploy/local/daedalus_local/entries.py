"""The runs of a comparison as lines and a table."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from daedalus_local.home import Options
from daedalus_local.score import TOLERATED, Rescale, ScoreCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run, of a comparison or by itself."""

    planner: str
    seed: int
    """Of the workload: runs with the same one met the same records at the same times."""

    card: ScoreCard | None = None
    """None when it failed."""

    rescales: tuple[Rescale, ...] = ()
    error: str = ""
    """Why it failed."""

    @property
    def as_dict(self) -> dict[str, object]:
        """What a program reads."""
        price = self.card.price if self.card else None
        card = asdict(self.card) if self.card else None
        if card is not None and price is not None:
            card["price"]["total"] = price.total
        rescales = [asdict(each) for each in self.rescales]
        return {
            "planner": self.planner,
            "seed": self.seed,
            "error": self.error or None,
            "card": card,
            "rescales": rescales,
        }


def line(entry: Entry) -> str:
    """Return one run in one line."""
    card = entry.card
    if card is None:
        return f"failed: {entry.error}"
    told = (
        f"{card.mean_workers:.2f} workers on average ({card.share_of_static:.2f} of static), "
        f"{card.rescales} rescale{'' if card.rescales == 1 else 's'}"
    )
    if card.latency is not None and card.late is not None:
        told += f", p95 {card.latency.p95:.1f} s, {card.late:.1%} later than {TOLERATED:g} s"
    return told if card.price is None else f"{told}, J {card.price.total:.2f}"


def table(entries: Sequence[Entry], options: Options) -> str:
    """Return each run, and each planner's mean where there are several, as a table."""
    rows = [_row(each.planner, str(each.seed), [each.card]) for each in entries if each.card]
    by_planner = summary(entries)
    if any(len(cards) > 1 for cards in by_planner.values()):
        rows += [[""] * len(_HEAD)]
        rows += [_row(planner, "mean", cards) for planner, cards in by_planner.items()]
    widths = [max(len(row[place]) for row in [_HEAD, *rows]) for place in range(len(_HEAD))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in [_HEAD, *rows]]
    foot = (
        f"workers: mean, of at most {options.max_workers}; late: records later than "
        f"{TOLERATED:g} s;\n"
        "J: workers + what lateness and rescales (moves) cost, in workers, of the job's time "
        f"({options.factor:.3g} times ours)"
    )
    failed = [f"{each.planner}, seed {each.seed}: {line(each)}" for each in entries if each.error]
    return "\n".join(["", *lines, "", foot, *failed, ""])


def summary(entries: Sequence[Entry]) -> dict[str, list[ScoreCard]]:
    """Return the score cards by planner, in the order in which they played."""
    found: dict[str, list[ScoreCard]] = {}
    for each in entries:
        if each.card is not None:
            found.setdefault(each.planner, []).append(each.card)
    return found


_HEAD = [
    "planner",
    "seed",
    "workers",
    "rescales",
    "p50",
    "p95",
    "late",
    "J",
    "lateness",
    "moves",
]


def _row(planner: str, seed: str, cards: Sequence[ScoreCard]) -> list[str]:
    """Return the means of some runs as a row."""
    latencies = [card.latency for card in cards]
    prices = [card.price for card in cards]
    return [
        planner,
        seed,
        _mean([card.mean_workers for card in cards]),
        _mean([card.rescales for card in cards], 0 if len(cards) == 1 else 1),
        _mean([each.p50 if each else None for each in latencies], 1, " s"),
        _mean([each.p95 if each else None for each in latencies], 1, " s"),
        _mean([None if card.late is None else 100 * card.late for card in cards], 1, " %"),
        _mean([each.total if each else None for each in prices]),
        _mean([each.lateness if each else None for each in prices]),
        _mean([each.rescales if each else None for each in prices]),
    ]


def _mean(values: Sequence[float | None], digits: int = 2, unit: str = "") -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.fmean(known):.{digits}f}{unit}" if known else "?"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Pad names to the left, figures to the right."""
    return [
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
