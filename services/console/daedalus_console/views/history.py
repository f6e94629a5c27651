"""The timeline of what changed a job: a table, or on a narrow terminal a few lines an entry."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from daedalus_console.figures import UNKNOWN, change, span
from daedalus_console.rescales import DONE, Rescale
from daedalus_console.timeline import Happening, Kind
from daedalus_console.times import day_and_clock, zone_name
from daedalus_console.views.tables import cell, grid

TABLE = 110
"""Columns from which on there is a table."""

_NOTE = "downtime and caught up: seen / promised"

_NAMES = {
    Kind.HELD: ("held back", "yellow"),
    Kind.OVERRIDE: ("override", "yellow"),
    Kind.SPEC: ("spec", "cyan"),
    Kind.APPROVAL: ("approval", "green"),
    Kind.FORGET: ("forget", "red"),
}


def timeline(found: Sequence[Happening], now: datetime, width: int) -> RenderableType:
    """Return an entry a line, oldest first: promises beside outcomes, wishes with their authors."""
    if width < TABLE:
        entries = [_entry(happening, now) for happening in found]
        head = cell(f"times in {zone_name(now)}; {_NOTE}", "dim")
        return Group(*entries, head)
    table = grid(
        f"time ({zone_name(now)})", "what", "outcome", "downtime", "caught up", "why",
        right=("downtime", "caught up"),
    )  # fmt: skip
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[2].no_wrap, table.columns[2].max_width = False, 30
    for happening in found:
        table.add_row(cell(day_and_clock(happening.at)), *_cells(happening, now))
    return Group(table, cell(_NOTE, "dim"))


def _cells(happening: Happening, now: datetime) -> tuple[Text, ...]:
    rescale = happening.rescale
    if rescale is None:
        nothing = cell("")
        return _what(happening), nothing, nothing, nothing, cell(_why(happening))
    return (
        _what(happening),
        _outcome(rescale, now),
        _against(_downtime(rescale), rescale.promise.downtime if rescale.promise else None),
        _recovery(rescale),
        cell(_why(happening)),
    )


def _entry(happening: Happening, now: datetime) -> RenderableType:
    """Return what a row says, below one another."""
    head = cell(day_and_clock(happening.at), "dim") + cell("  ") + _what(happening)
    body: list[Text] = []
    rescale = happening.rescale
    if rescale is not None:
        head += cell("  ") + _outcome(rescale, now)
        promise = rescale.promise
        downtime = _against(_downtime(rescale), promise.downtime if promise else None)
        if not rescale.dry_run:
            body.append(cell("downtime ") + downtime + cell(", caught up ") + _recovery(rescale))
    body.append(cell(_why(happening)))
    return Group(head, Padding(Group(*body), (0, 0, 0, 2), expand=False))


def _what(happening: Happening) -> Text:
    often = f", {happening.times} times" if happening.times > 1 else ""
    rescale = happening.rescale
    if rescale is None:
        name, style = _NAMES[happening.kind]
        decision = happening.decision
        move = f" {change(decision.scale_out, decision.chosen)}" if decision else ""
        return cell(f"{name}{move}{often}", style)
    before, after = rescale.change
    up = before is not None and after is not None and after > before
    return cell(change(before, after), "bold cyan" if up else "bold magenta") + cell(often, "dim")


def _why(happening: Happening) -> str:
    rescale = happening.rescale
    if rescale is None:
        return happening.text
    return rescale.decision.sentence if rescale.decision else UNKNOWN


def _outcome(rescale: Rescale, now: datetime) -> Text:
    outcome = rescale.outcome
    if outcome is None and rescale.recovery is not None:
        return cell("not on its topic", "dim")
    if outcome is None:
        expired = rescale.command is not None and rescale.command.expires_at < now
        return cell("none (expired)", "yellow") if expired else cell("under way", "cyan")
    said = outcome.status.replace("_", " ")
    why = f": {outcome.why}" if outcome.why and outcome.status not in DONE else ""
    style = "dim" if rescale.dry_run else ("green" if outcome.status in DONE else "red")
    return cell(said + why, style)


def _downtime(rescale: Rescale) -> float | None:
    for outcome in reversed(rescale.outcomes):
        if outcome.downtime is not None:
            return outcome.downtime
    return rescale.recovery.downtime if rescale.recovery else None


def _recovery(rescale: Rescale) -> Text:
    promised = rescale.promise.recovery if rescale.promise else None
    found = rescale.recovery
    if found is not None and found.recovery is None:
        return cell("never seen", "red")
    return _against(found.recovery if found else None, promised)


def _against(seen: float | None, promised: float | None) -> Text:
    """Return what was seen beside what was promised, in colour where it was worse."""
    if seen is None and promised is None:
        return cell("-", "dim")
    if seen is None:
        return cell(f"- / {span(promised)}", "dim")
    late = promised is not None and seen > promised
    return cell(span(seen), "yellow" if late else "green") + cell(
        f" / {span(promised)}" if promised is not None else "", "dim"
    )
