"""What the page says of accounts: sentences and figures of values. Pure functions."""

from collections.abc import Sequence

from daedalus_console.accounts import told
from daedalus_console.accounts.ledger import HPA, RAN, STATIC
from daedalus_console.figures import UNKNOWN, number, span
from daedalus_console.page.words import joined
from daedalus_console.web.account_shapes import Account, Bill, Cost, Forecaster, Kept, Line, Period

FEW = 3
"""Rescales below which medians say little."""

LEAST = 20
"""Workloads below which the part within a band says little."""


SAME = "the same"


def percent(part: float | None) -> str:
    """Return a part in percent.

    >>> percent(0.123), percent(0.0004), percent(None)
    ('12 %', '0.04 %', '?')
    """
    if part is None:
        return UNKNOWN
    return f"{100 * part:.2g} %" if 0 < part < 0.1 else f"{100 * part:.0f} %"


def times(ratio: float | None) -> str:
    """Return a ratio.

    >>> times(0.9), times(None)
    ('0.90 x', '?')
    """
    return UNKNOWN if ratio is None else f"{ratio:.2f} x"


def against(ratio: float | None) -> str:
    """Return a ratio as what is more or less.

    >>> against(0.9), against(1.25), against(1.001), against(None)
    ('10 % less', '25 % more', 'the same', '?')
    """
    if ratio is None:
        return UNKNOWN
    part = round(100 * abs(ratio - 1))
    if not part:
        return SAME
    return f"{part} % {'less' if ratio < 1 else 'more'}"


def kept(found: Kept) -> str:
    r"""Return what became of promises of one kind.

    >>> one = Kept(count=4, never_seen=0, median_seen_over_promised=0.9, median_error=0.1, kept=0.5)
    >>> kept(one)
    '0.90\xa0x, kept\xa050\xa0%'
    """
    if not found.count:
        return "none"
    part = joined(f"kept {percent(found.kept)}")
    return f"{joined(times(found.median_seen_over_promised))}, {part}"


def capacity(found: Kept) -> str:
    """Return how right the promised capacities were."""
    if not found.count:
        return "none"
    off = joined(f"off by {percent(found.median_error)}")
    return f"{joined(times(found.median_seen_over_promised))}, {off}"


def known(seconds: float, unknown: float) -> str:
    """Return how much of the time an account knows.

    >>> known(3600.0, 90.4), known(60.0, 0.0)
    ('1h known; 1m30s unknown, and left out of every line.', '1m known.')
    """
    gap = (
        f"; {span(float(round(unknown)))} unknown, and left out of every line"
        if unknown >= 1
        else ""
    )
    return f"{span(float(round(seconds)))} known{gap}."


def uneven(cost: Cost) -> str:
    """Return a caution where some lines know less of the time than others."""
    fewer = told.uneven({line.name: line.seconds for line in cost.lines})
    if not fewer:
        return ""
    return (
        f" Some lines know less of the time than others ({fewer}): "
        "the percentages compare like with like."
    )


def spent(cost: Cost) -> str:
    """Return what a job cost against the others, in a sentence."""
    ran = next((line for line in cost.lines if line.name == RAN), None)
    if ran is None or not ran.seconds:
        return ""
    told = []
    for line, name in (
        (first(cost.lines, STATIC), "as many workers as allowed all the time"),
        (first(cost.lines, HPA), "the HPA rule"),
    ):
        if line is not None and line.worker_hours > 0:
            part = against(line.worker_hours_that_ran / line.worker_hours)
            told.append(f"{part} {'as' if part == SAME else 'than'} {name}")
    beside = f": {', '.join(told)}" if told else ""
    return f"{number(ran.worker_hours)} worker-hours{beside}."


def first(lines: Sequence[Line], name: str) -> Line | None:
    """Return the line of a name; of static jobs the one at the spec's max, which is the last."""
    return next((line for line in reversed(lines) if line.name.startswith(name)), None)


def promised(total: Period) -> str:
    """Return what is to be said of promises, where there are few or none."""
    if not total.rescales:
        return (
            "No rescale was carried out in this time, so no promise has an outcome yet. Choose a "
            "longer time; in mode advise nothing is carried out at all."
        )
    count = f"{total.rescales} rescale{'' if total.rescales == 1 else 's'}"
    few = ": too few to judge by, choose a longer time." if total.rescales < FEW else "."
    return f"{count}{few} Medians of seen / promised, 1 is right."


def banded(total: Period) -> str:
    """Return how the bands did."""
    band = total.band
    if not band.count:
        return "No band is judged yet: one is, five loops after its forecast. Choose a longer time."
    if band.count < LEAST:
        return f"Bands are judged {band.count} of {LEAST} times yet: too few, choose a longer time."
    return (
        f"{percent(band.coverage)} of {number(float(band.count))} workloads were within the band "
        f"of the forecast five loops before, {percent(band.above)} above it; 80 % within is right."
    )


def error(forecaster: Forecaster) -> list[tuple[str, str]]:
    """Return for each distance ahead the error, and the part within the band."""
    found = []
    for distance, score in sorted(forecaster.distances.items(), key=lambda item: float(item[0])):
        band = "" if score.coverage is None else f" ({joined(percent(score.coverage))} in band)"
        found.append((f"{span(float(distance))} ahead", f"{joined(percent(score.wape))}{band}"))
    return found


def beside(forecaster: Forecaster) -> float | None:
    """Return the mean error as a part of that of the forecaster in use, on the same loops."""
    scores = forecaster.distances.values()
    return told.beside((score.wape, score.wape_of_the_one_in_use) for score in scores)


def saved(bill: Bill) -> float | None:
    """Return what ran as a part of as many workers as allowed."""
    return bill.worker_hours / bill.worker_hours_at_max if bill.worker_hours_at_max else None


def shadows(account: Account) -> tuple[int, int]:
    """Return how many planners and forecasters were heard that are not obeyed."""
    planners = [line for line in account.standings.planners if line.name != account.planner]
    others = [one for one in account.standings.forecasters if one.name != account.forecaster]
    return len(planners), len(others)
