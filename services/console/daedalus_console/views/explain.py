"""One decision, told as a person would: seen, expected, weighed, decided, promised, and after."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from daedalus_console.figures import change, number, rate, share, span, sparkline, workers
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

FORECAST_WIDTH = 40
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
    else:
        yield f"{number(update.lag)} records were waiting{_worth(update.lag, update.capacity)}."
    if update.skew is not None:
        more = update.skew.gain_of_one_more
        gain = "" if more is None else f"; one more worker would add {rate(max(0.0, more))}"
        yield (
            f"Hottest worker {update.skew.hottest}, {share(update.skew.gap, 1.0)} of CPU above the "
            f"mean; evenly loaded they could do {rate(update.skew.capacity_without)}{gain}."
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
        error = (
            ""
            if forecast.wape is None
            else f"; its last one was off by {share(forecast.wape, 1.0)}"
        )
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
    """Yield sentences about the rule."""
    taken = next((one for one in decision.candidates if one.scale_out == decision.chosen), None)
    yield f"Planner {decision.planner}: {decision.reason}."
    if taken:
        why = f": {taken.why}" if taken.why else ""
        yield f"Its verdict on {workers(taken.scale_out)} is {taken.verdict}{why}."
    if decision.limits:
        yield f"Bounded by {', '.join(decision.limits)}."
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
    body = [Padding(cell(sentence), (0, 0, 0, 2), expand=False) for sentence in sentences]
    return [Text(title, style="bold cyan"), *body, Text()]


def _worth(lag: float, capacity: float | None) -> str:
    if not capacity:
        return ""
    seconds = lag / capacity
    return f", {span(seconds)} of work" if seconds >= 1 else ", less than a second of work"


def _cost(downtime: Downtime) -> str:
    if downtime.seen == 0:
        return f"{span(downtime.mean)} (assumed)"
    times = "once" if downtime.seen == 1 else f"{downtime.seen} times"
    return f"{span(downtime.mean)} ± {span(downtime.spread)} (seen {times})"


def _weighed(decision: Decision) -> RenderableType:
    if not decision.candidates:
        return Padding(Text("Nothing had to be weighed."), (0, 0, 0, 2))
    columns = ("", "workers", "capacity", "recovery", "forecast", "verdict")
    table = grid(*columns, right=("workers", "capacity", "recovery", "forecast"))
    for column in table.columns[:-1]:
        column.no_wrap = True
    for candidate in decision.candidates:
        _row(table, decision, candidate)
    return Group(
        Padding(table, (0, 0, 0, 2), expand=False),
        cell("  ▶ chosen, • now; ~ not observed but estimated or fitted", "dim"),
    )


def _row(table: Table, decision: Decision, candidate: Candidate) -> None:
    chosen = candidate.scale_out == decision.chosen
    now = candidate.scale_out == decision.scale_out
    mark = "▶" if chosen else ("•" if now else "")
    guessed = "" if candidate.basis in (None, Basis.OBSERVED) else "~"
    recovery = "never" if candidate.never else span(candidate.recovery)
    unset = candidate.recovery is None and not candidate.never
    table.add_row(
        cell(mark, "green"),
        cell(f"{candidate.scale_out}"),
        cell(guessed + rate(candidate.capacity)),
        cell("-" if unset else recovery),
        cell("-" if candidate.forecast_max is None else rate(candidate.forecast_max)),
        cell(candidate.verdict) + cell(f": {candidate.why}" if candidate.why else ""),
        style="bold green" if chosen else ("" if now else "dim"),
    )
