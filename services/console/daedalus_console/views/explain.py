"""One decision, told as a person would: seen, expected, weighed, decided, promised, and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from textwrap import fill

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from daedalus_console.figures import change, number, rate, share, span, sparkline, workers
from daedalus_console.records import printable
from daedalus_console.rescales import Rescale, Story
from daedalus_console.times import clock, shown
from daedalus_console.views import lines
from daedalus_console.views.tables import cell, grid
from daedalus_shared.events import (
    Asked,
    Basis,
    Candidate,
    CapacityUpdate,
    Decision,
    Downtime,
    Forecast,
)

FORECAST_WIDTH = 30
"""Characters of the forecast's sparkline."""


def told(story: Story, now: datetime) -> Group:
    """Return the whole story of a decision."""
    decision = story.decision
    parts: list[RenderableType] = [_headline(decision), cell(decision.sentence, "bold"), Text()]
    parts += _section("What was seen", seen(decision, story.update))
    parts += _section("What was expected", expected(decision, story.forecast))
    parts += [Text("What was weighed", style="bold cyan"), _weighed(decision), Text()]
    parts += _section("What decided", decided(decision))
    if decision.promise is not None:
        parts += _section("What was promised", [promised(decision)])
    parts += _section("What came of it", after(decision, story.rescale, now))
    return Group(*parts)


def seen(decision: Decision, update: CapacityUpdate | None) -> Iterator[str]:
    """Yield sentences about the job as it was."""
    if update is None:
        yield (
            f"{workers(decision.scale_out)}, workload {rate(decision.workload)}, "
            f"{number(decision.lag)} records waiting."
        )
        yield "The capacity update of this tick is not on its topic."
        return
    load = update.workload
    if update.capacity is None:
        yield (
            f"{workers(update.scale_out)}; what they can do is unknown: "
            f"{update.why_unknown or 'no reason given'}."
        )
    else:
        error = f" (± {rate(update.capacity_error)})" if update.capacity_error is not None else ""
        used = f"; {share(load.mean, update.capacity)} of it was used" if load else ""
        yield f"{workers(update.scale_out)} can process {rate(update.capacity)}{error}{used}."
    if load is None:
        yield "The workload of the loop is unknown."
    else:
        way = "rising" if load.slope >= 0 else "falling"
        yield (
            f"Workload over the loop: {rate(load.mean)} on average, {rate(load.minimum)} to "
            f"{rate(load.maximum)}, {way} by {rate(abs(load.slope) * 60)} a minute."
        )
    if update.lag is None:
        yield "How many records wait is unknown."
    elif update.lag == 0:
        yield "No records were waiting."
    else:
        yield f"{number(update.lag)} records were waiting{_worth(update.lag, update.capacity)}."
    if update.skew is not None:
        more = update.skew.gain_of_one_more
        gain = "" if more is None else f"; one more worker would add {rate(max(0.0, more))}"
        gap = share(update.skew.gap, 1.0)
        yield (
            f"The workers are evenly loaded{gain}."
            if gap == share(0.0, 1.0)
            else f"Hottest worker {update.skew.hottest}, {gap} of CPU above the mean; evenly "
            f"loaded they could do {rate(update.skew.capacity_without)}{gain}."
        )
    yield (
        f"A rescale up costs {_cost(update.downtime_up)}, down {_cost(update.downtime_down)} "
        f"without processing."
    )


def expected(decision: Decision, forecast: Forecast | None) -> Iterator[str]:
    """Yield sentences about the forecast."""
    if forecast is None:
        maximum = decision.forecast_max
        yield (
            "There was no forecast to plan with."
            if maximum is None
            else f"At most {rate(maximum)}; the forecast itself is not on its topic."
        )
    else:
        error = "" if forecast.wape is None else f"; its last one was off by {_off(forecast.wape)}"
        yield (
            f"Up to {rate(max(forecast.mean))} within {span(forecast.horizon)}, says "
            f"{forecast.forecaster} ({forecast.model}){error}."
        )
        yield (
            sparkline(resampled(forecast.mean, FORECAST_WIDTH))
            + f"  {rate(forecast.mean[-1])} at the end"
        )
        if forecast.fallback:
            yield f"This is the fallback: {forecast.why or 'no reason given'}."
        if forecast.tick != decision.tick:
            yield f"It was issued at {clock(forecast.tick)}, for an earlier tick."
    if decision.marks:
        yield f"Done without: {', '.join(decision.marks)}."


def decided(decision: Decision) -> Iterator[str]:
    """Yield sentences about who decided, and what bounded it."""
    yield f"Planner {decision.planner}, in a word: {decision.reason}."
    if decision.limits:
        listed = any(one.scale_out == decision.chosen for one in decision.candidates)
        moved = "" if listed or decision.chosen is None else f", to {workers(decision.chosen)}"
        yield f"Bounded by {', '.join(decision.limits)}{moved}."
    if decision.late is not None:
        seen = "not known yet" if decision.late.share is None else share(decision.late.share, 1.0)
        yield (
            f"Late records: {seen} so far, {share(decision.late.target, 1.0)} aimed at; each "
            f"counted as {span(decision.late.price)} more of delay."
        )
    if decision.asked is not None:
        yield _asked(decision.asked)
    if decision.shadow:
        yield "A shadow: the job's spec names another planner, so nothing follows."
    elif decision.dry_run:
        yield "The job is in mode advise: commands are checked, and nothing is changed."


def _asked(asked: Asked) -> str:
    """Return what a person's word is needed for, and what was said."""
    to, until = workers(asked.scale_out), clock(asked.until)
    match asked.state:
        case "awaiting":
            return (
                f"It waits for a person's word on {to} until {until}: daedalus approve, or reject, "
                f"--decision {asked.decision[:8]}."
            )
        case "lapsed":
            return f"Nobody answered on {to} until {until}, and the policy acts then."
    return f"A person's word on {to}: {asked.state}."


def promised(decision: Decision) -> str:
    """Return the promise as a sentence."""
    promise = decision.promise
    if promise is None:
        return "Nothing."
    caught_up = (
        "it does not catch up within the forecast"
        if promise.recovery is None
        else f"caught up within {span(promise.recovery)}"
    )
    return (
        f"{workers(decision.chosen)} process {rate(promise.capacity)}; "
        f"{span(promise.downtime)} without processing, {caught_up}."
    )


def after(decision: Decision, rescale: Rescale | None, now: datetime) -> Iterator[str]:
    """Yield sentences about the outcome and the recovery."""
    if decision.command is None:
        waits = decision.asked is not None and decision.asked.state == "awaiting"
        yield "Nothing yet: it waits." if waits else "Nothing had to be done."
        return
    if rescale is None or (rescale.command is None and not rescale.outcomes):
        yield f"Command {decision.command} is not on its topic."
        return
    command = rescale.command
    if command is not None:
        moves = change(command.from_scale_out, command.to_scale_out)
        yield f"{clock(command.at)}  commanded: {moves}{', dry run' if command.dry_run else ''}"
    for outcome in rescale.outcomes:
        yield f"{clock(outcome.at)}  {lines.of(outcome)}"
    if rescale.recovery is not None:
        yield f"{clock(rescale.recovery.at)}  {lines.of(rescale.recovery)}"
    elif rescale.outcome is None:
        late = command is not None and command.expires_at < now
        yield "No outcome: the command has expired." if late else "No outcome yet."
    elif rescale.outcome.status == "applied":
        yield "Not caught up yet, or still watched."


def resampled(values: tuple[float, ...], width: int) -> list[float]:
    """Return at most `width` values, the highest of each stretch.

    >>> resampled((1.0, 5.0, 2.0, 3.0), 2)
    [5.0, 3.0]
    """
    if len(values) <= width:
        return list(values)
    edges = [round(place * len(values) / width) for place in range(width + 1)]
    return [max(values[start:end]) for start, end in pairwise(edges)]


def _headline(decision: Decision) -> Text:
    moves = (
        f"stay at {workers(decision.scale_out)}"
        if decision.chosen in (None, decision.scale_out)
        else f"scale {change(decision.scale_out, decision.chosen)}"
    )
    return (
        cell(decision.job, "bold")
        + cell(f" at {shown(decision.tick)}: ")
        + cell(moves, "bold cyan")
    )


def _section(title: str, sentences: Iterator[str] | list[str]) -> list[RenderableType]:
    body = [Indented(sentence) for sentence in sentences]
    return [Text(title, style="bold cyan"), *body, Text()]


@dataclass(frozen=True, slots=True)
class Indented:
    """A sentence that is wrapped with an indent, and ends where it ends: no blanks follow."""

    text: str
    hang: int = 0
    """Further columns by which all lines but the first are indented."""
    style: str = ""

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines."""
        yield Text(
            fill(
                printable(self.text),
                max(20, options.max_width),
                initial_indent="  ",
                subsequent_indent=" " * (2 + self.hang),
                break_on_hyphens=False,
            ),
            style=self.style,
            no_wrap=True,
        )


def _worth(lag: float, capacity: float | None) -> str:
    if not capacity:
        return ""
    seconds = lag / capacity
    return f", {span(seconds)} of work" if seconds >= 1 else ", less than a second of work"


def _off(wape: float) -> str:
    return "less than 1 %" if wape < 0.005 else share(wape, 1.0)


def _cost(downtime: Downtime) -> str:
    if downtime.seen == 0:
        return f"{span(downtime.mean)} (assumed)"
    if downtime.seen == 1:
        return f"{span(downtime.mean)} (seen once)"
    return f"{span(downtime.mean)} ± {span(downtime.spread)} (seen {downtime.seen} times)"


def _weighed(decision: Decision) -> RenderableType:
    if not decision.candidates:
        return Indented("Nothing had to be weighed.")
    columns = ("", "workers", "capacity", "caught up in", "load")
    table = grid(*columns, right=columns[1:])
    for column in table.columns:
        column.no_wrap = True
    for candidate in decision.candidates:
        _row(table, decision, candidate)
    why = [Indented(sentence, hang=4, style=style) for sentence, style in weighed(decision)]
    return Group(
        table,
        Indented(
            "▶ chosen, • now, ~ estimated or fitted; load: the highest that was reckoned with",
            style="dim",
        ),
        *why,
    )


def weighed(decision: Decision) -> Iterator[tuple[str, str]]:
    """Yield for each scale-out why it was taken or not, and a style; equal reasons are told once.

    A choice that is no candidate's was moved by a limit, which is told among what decided.
    """
    told: dict[tuple[bool, str], list[Candidate]] = {}
    for candidate in decision.candidates:
        chosen = candidate.scale_out == decision.chosen
        why = candidate.why or candidate.verdict.replace("_", " ")
        told.setdefault((chosen, why), []).append(candidate)
    for (chosen, why), candidates in told.items():
        names = ", ".join(_named(candidate, decision) for candidate in candidates)
        stays = chosen and decision.chosen == decision.scale_out
        what = "stays" if stays else ("was taken" if chosen else "not taken")
        yield f"{names} {what}: {why}.", "bold" if chosen else ""


def _named(candidate: Candidate, decision: Decision) -> str:
    now = " (now)" if candidate.scale_out == decision.scale_out else ""
    return f"{candidate.scale_out}{now}"


def _row(table: Table, decision: Decision, candidate: Candidate) -> None:
    chosen = candidate.scale_out == decision.chosen
    now = candidate.scale_out == decision.scale_out
    mark = "▶" if chosen else ("•" if now else "")
    guessed = "" if candidate.basis in (None, Basis.OBSERVED) else "~"
    recovery = "never" if candidate.never else span(candidate.recovery)
    unset = candidate.recovery is None and not candidate.never
    table.add_row(
        cell(f"  {mark}", "green"),
        cell(f"{candidate.scale_out}"),
        cell(guessed + rate(candidate.capacity)),
        cell("-" if unset else recovery),
        cell("-" if candidate.forecast_max is None else rate(candidate.forecast_max)),
        style="bold green" if chosen else ("" if now else "dim"),
    )
