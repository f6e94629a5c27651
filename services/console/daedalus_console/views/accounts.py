"""The tables of costs, standings and calibration."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from daedalus_console.accounts.calibration import Calibration, Kept, Period
from daedalus_console.accounts.courses import Totals
from daedalus_console.accounts.forecasts import Score, Track
from daedalus_console.accounts.ledger import RAN, STATIC, Ledger, Line
from daedalus_console.accounts.told import Bill, beside, bill, ranked, summed, uneven
from daedalus_console.figures import UNKNOWN, number, share, span
from daedalus_console.times import shown, zone_name
from daedalus_console.views.tables import cell, grid

MODEL = 16
"""Characters of a model's name that are shown."""


def heading(job: str, ledger: Ledger, present: datetime) -> Text:
    """Return what the account is about, and how much of the time is known."""
    gap = ledger.gap(present)
    unknown = f", {span(float(round(gap)))} unknown and left out" if gap >= 1 else ""
    known = span(float(round(ledger.paid.seconds)))
    ended = f", ended {shown(ledger.ended)}" if ledger.ended else ""
    return cell(job, "bold") + cell(f" since {shown(ledger.since)}{ended}: {known} known{unknown}")


def caution(ledger: Ledger) -> Text:
    """Return what is to be said where some lines know less of the time than others."""
    fewer = _uneven(ledger)
    said = f'Some lines know less of the time: {fewer}. "ran" is what ran in the same time.'
    return cell(said if fewer else "")


def _uneven(ledger: Ledger) -> str:
    return uneven({line.name: _counted(ledger, line).seconds for line in ledger.lines()})


def _counted(ledger: Ledger, line: Line) -> Totals:
    return ledger.paid if line.name == RAN else line.own


def cost(ledger: Ledger) -> Table:
    """Return a line a course of one job; hours over less time stand beside what ran in it."""
    less = bool(_uneven(ledger))
    beside = ["ran"] if less else []
    columns = ("", "hours", *beside, "mean", "of max", "late", "rescales", "price")
    table = grid(*columns, right=columns[1:])
    most = ledger.rows[STATIC].own.mean
    for line in ledger.lines():
        own = _counted(ledger, line)
        modelled = line.own
        ran = ledger.paid if line.name == RAN else line.beside
        table.add_row(
            cell(line.name, "bold" if line.name == RAN else ""),
            cell(_tenths(own.hours) if own.seconds else UNKNOWN),
            *([cell(_tenths(ran.hours) if ran.seconds else UNKNOWN)] if less else []),
            cell(_two(own.mean)),
            cell(share(own.mean, most)),
            cell(_percent(modelled.late_share)),
            cell(str(own.rescales) if own.seconds else UNKNOWN),
            cell(_two(modelled.price)),
        )
    return table


def costs(ledgers: Mapping[str, Ledger], start: datetime, present: datetime) -> Table:
    """Return a line a job, and one of all."""
    bills = {name: bill(ledger, present) for name, ledger in ledgers.items()}
    total = summed(bills.values())
    # What is paid for is counted; of some of that time the HPA's workers may not be known.
    less = total.unknown_of_hpa >= 1
    last = ["HPA unknown"] if less else []
    columns = ("job", "worker-h", "at the max", "saved", "HPA", "against HPA", "unknown", *last)
    title = f"since {shown(start)}"
    table = grid(*columns, right=columns[1:], title=title)
    for name, each in bills.items():
        ended = cell(" ended", "dim") if ledgers[name].ended else cell("")
        table.add_row(cell(name, "bold") + ended, *_costs(each, less=less))
    if len(bills) > 1:
        table.add_section()
        table.add_row(cell("all", "bold"), *_costs(total, less=less))
    return table


def _costs(found: Bill, *, less: bool) -> list[Text]:
    return [
        cell(_tenths(found.paid)),
        cell(_tenths(found.allowed)),
        cell(share(found.allowed - found.paid, found.allowed)),
        cell(_tenths(found.hpa) if found.hpa else UNKNOWN),
        cell(_against(found.against_hpa)),
        _gap(found.unknown),
        *([_gap(found.unknown_of_hpa)] if less else []),
    ]


def _gap(seconds: float) -> Text:
    return cell(span(float(round(seconds)))) if seconds >= 1 else cell("-", "dim")


def planners(lines: Sequence[Line]) -> Table:
    """Return a line a planner, the best first."""
    columns = ("planner", "", "time", "mean", "late", "rescales", "price", "against", "agrees")
    table = grid(*columns, right=columns[2:])
    for line in lines:
        own = line.own
        table.add_row(
            cell(line.name, "bold"),
            cell("obeyed" if line.obeyed else "shadow", "green" if line.obeyed else "dim"),
            cell(span(float(round(own.seconds))) if own.seconds else UNKNOWN),
            cell(_two(own.mean)),
            cell(_percent(own.late_share)),
            cell(str(own.rescales) if own.seconds else UNKNOWN),
            cell(_two(own.price)),
            cell(_against(line.ratio)),
            cell("-" if line.agreement is None else _percent(line.agreement)),
        )
    return table


def forecasters(track: Track, in_use: str) -> Table:
    """Return a line a forecaster, the best first: error and, in brackets, part within the band."""
    names = ranked(track)
    distances = sorted({distance for _, distance in track.scores})
    heads = [f"{span(distance)} ahead" for distance in distances]
    table = grid("forecaster", "", "model", *heads, "against", right=(*heads, "against"))
    for name in names:
        scores = [track.scores.get((name, distance)) for distance in distances]
        table.add_row(
            cell(name, "bold"),
            cell("in use" if name == in_use else "shadow", "green" if name == in_use else "dim"),
            cell(_model(track.models.get(name, UNKNOWN)), "dim"),
            *(cell(_score(score)) for score in scores),
            cell("-" if name == in_use else _against(_beside(scores))),
        )
    return table


def _beside(scores: Sequence[Score | None]) -> float | None:
    return beside((score.wape, score.wape_beside) for score in scores if score is not None)


def calibration(found: Calibration, now: datetime) -> Table:
    """Return a line a period of one job, and one of all."""
    table = _calibration(f"from ({zone_name(now)})")
    for period in found.periods:
        table.add_row(cell(period.start.astimezone().strftime("%m-%d %H:%M")), *_period(period))
    if len(found.periods) > 1:
        table.add_section()
        table.add_row(cell("all", "bold"), *_period(found.total))
    return table


def calibrations(found: Mapping[str, Calibration]) -> Table:
    """Return a line a job."""
    table = _calibration("job")
    for name, each in found.items():
        table.add_row(cell(name, "bold"), *_period(each.total))
    return table


def _calibration(first: str) -> Table:
    columns = ("rescales", "downtime", "kept", "recovery", "kept", "capacity", "off by", "in band")
    table = grid(first, *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _period(period: Period) -> list[Text]:
    return [
        cell(str(period.rescales)),
        *_kept(period.downtime),
        *_kept(period.recovery),
        cell(_times(period.capacity.ratio)),
        cell(_percent(period.capacity.off)),
        cell(_percent(period.coverage)),
    ]


def _kept(found: Kept) -> list[Text]:
    return [cell(_times(found.ratio)), cell(_percent(found.kept))]


def _model(name: str) -> str:
    """Return a model's name, without what it is made of where that is long.

    >>> _model("arima(2,1,1)"), _model("ensemble(trend10 0.16, last 0.1)")
    ('arima(2,1,1)', 'ensemble')
    """
    return name if len(name) <= MODEL else name.partition("(")[0][:MODEL]


def _score(score: Score | None) -> str:
    if score is None or score.wape is None:
        return UNKNOWN
    band = "" if score.coverage is None else f" ({100 * score.coverage:.0f} %)"
    return f"{100 * score.wape:.1f} %{band}"


def _against(ratio: float | None) -> str:
    """Return a ratio as what is more or less.

    >>> _against(0.9), _against(1.25), _against(0.999), _against(None)
    ('-10 %', '+25 %', '0 %', '?')
    """
    if ratio is None:
        return UNKNOWN
    part = round(100 * (ratio - 1))
    return f"{part:+d} %" if part else "0 %"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f} x"


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.3g} %"


def _tenths(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else number(value)


def _two(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"
