"""One decision as people read it: seen, expected, weighed, decided, promised, and what came."""

from collections.abc import Sequence

from nicegui import ui

from daedalus_console.figures import UNKNOWN, change, number, rate, share, workers
from daedalus_console.live.views import RescaleLine
from daedalus_console.page.parts import Button, Cell, Clock, Facts, State, Text
from daedalus_console.page.words import outcome, seconds
from daedalus_shared.events import Basis, Candidate, Decision, Promise

_NAMES = ("Workers", "Capacity", "Recovery", "Highest forecast", "Cost, worker-s", "Verdict")

FEW = 8
"""Candidates up to which all are shown at once."""

CLOSE = 2
"""Workers more or fewer than the choice, or than ran, of those that are shown at first."""


def headline(decision: Decision) -> str:
    """Return what was decided, in a few words."""
    if decision.chosen in (None, decision.scale_out):
        return f"stay at {workers(decision.scale_out)}"
    return f"scale {change(decision.scale_out, decision.chosen)}"


def tell(decision: Decision, rescale: RescaleLine | None) -> None:
    """Make the parts that tell a decision, where the caller is."""
    Text("p", decision.sentence, "d-sentence")
    facts = Facts()
    facts.say("Seen", seen(decision))
    facts.say("Expected", expected(decision))
    facts.say("Decided", decided(decision))
    Text("h3", "Scale-outs considered")
    _weighed(decision)
    if decision.promise is not None or rescale is not None:
        Text("h3", "Promise beside outcome")
        _after(decision, rescale)
    with ui.element("details"):
        Text("summary", f"Inputs: {len(decision.inputs)} events")
        with ui.element("ul"):
            for each in decision.inputs:
                with ui.element("li"):
                    Text("code", each)
    with ui.element("p").classes("d-faint"):
        Text("span", "The same in a terminal: ")
        at = decision.tick.isoformat()
        Text("code", f"daedalus explain {decision.job} --at {at}")


def seen(decision: Decision) -> list[str]:
    """Return sentences about the job as it was."""
    lag = (
        "how many records wait is unknown"
        if decision.lag is None
        else (f"{number(decision.lag)} records were waiting")
    )
    return [
        f"{_known(workers(decision.scale_out))}, workload {_known(rate(decision.workload))}, {lag}."
    ]


def expected(decision: Decision) -> list[str]:
    """Return sentences about what was to come."""
    told = (
        "There was no forecast to plan with."
        if decision.forecast_max is None
        else f"At most {rate(decision.forecast_max)} within the horizon."
    )
    marks = [f"Done without: {', '.join(_words(decision.marks))}."] if decision.marks else []
    return [told, *marks]


def decided(decision: Decision) -> list[str]:
    """Return sentences about the rule."""
    told = [f"{decision.reason.replace('_', ' ').capitalize()}, says planner {decision.planner}."]
    if decision.limits:
        told.append(f"Bounded by {', '.join(_words(decision.limits))}.")
    if decision.late is not None:
        late = decision.late
        told.append(
            f"{_known(share(late.share, 1.0))} of the records were late, at most "
            f"{share(late.target, 1.0)} are aimed at."
        )
    if decision.shadow:
        told.append("A shadow: the job's spec names another planner, so nothing follows.")
    elif decision.dry_run:
        told.append("The job is in mode advise: commands are checked, and nothing is changed.")
    return told


def _weighed(decision: Decision) -> None:
    if not decision.candidates:
        Text("p", "None had to be considered.", "d-faint")
        return
    with ui.element("table").classes("d-table d-cards").props('id="candidates"'):
        with ui.element("thead"), ui.element("tr"):
            for name in _NAMES:
                Text("th", name).props('scope="col"')
        body = ui.element("tbody")
    first = near(decision)
    _fill(body, decision, first)
    if len(first) == len(decision.candidates):
        return

    def every() -> None:
        _fill(body, decision, decision.candidates)
        more.delete()

    more = Button(f"All {len(decision.candidates)} considered", every, classes="d-small")
    more.style("margin: 8px 0")


def near(decision: Decision) -> tuple[Candidate, ...]:
    """Return what was weighed next to the choice and to what ran: those that were close."""
    if len(decision.candidates) <= FEW:
        return decision.candidates
    marks = [mark for mark in (decision.scale_out, decision.chosen) if mark is not None]
    return tuple(
        candidate
        for candidate in decision.candidates
        if any(abs(candidate.scale_out - mark) <= CLOSE for mark in marks) or not marks
    )


def _fill(body: ui.element, decision: Decision, candidates: Sequence[Candidate]) -> None:
    body.clear()
    with body:
        for candidate in candidates:
            _candidate(candidate, decision, _NAMES)


def _candidate(candidate: Candidate, decision: Decision, names: tuple[str, ...]) -> None:
    with ui.element("tr") as row:
        marks = []
        if candidate.scale_out == decision.scale_out:
            marks.append("now")
        if candidate.scale_out == decision.chosen:
            row.classes("d-chosen")
            marks.append("chosen")
        suffix = f" ({', '.join(marks)})" if marks else ""
        with ui.element("th").props('scope="row"'):
            Text("span", f"{candidate.scale_out}{suffix}")
        basis = (
            f" ({candidate.basis.value})" if candidate.basis not in (None, Basis.OBSERVED) else ""
        )
        why = f": {candidate.why}" if candidate.why else ""
        cells = (
            f"{_known(rate(candidate.capacity))}{basis}",
            recovery(candidate),
            "not computed" if candidate.forecast_max is None else rate(candidate.forecast_max),
            "not weighed" if candidate.cost is None else number(candidate.cost.total),
            f"{candidate.verdict.replace('_', ' ')}{why}",
        )
        for name, text in zip(names[1:], cells, strict=True):
            with Cell(name, long=name == names[-1]):
                Text("span", text)


def recovery(candidate: Candidate) -> str:
    """Return how long a rescale to a candidate would take to recover."""
    if candidate.never:
        return "never within the forecast"
    return "not computed" if candidate.recovery is None else seconds(candidate.recovery)


def _after(decision: Decision, rescale: RescaleLine | None) -> None:
    promise = (rescale.promise if rescale else None) or decision.promise or Promise()
    rows = [
        ("Downtime", seconds(promise.downtime), seconds(rescale.downtime if rescale else None)),
        ("Recovery", seconds(promise.recovery), _recovered(rescale)),
        ("Capacity", rate(promise.capacity), None),
    ]
    with ui.element("table").classes("d-table"):
        with ui.element("thead"), ui.element("tr"):
            for name in ("what", "promised", "came"):
                Text("th", name).props('scope="col"')
        with ui.element("tbody"):
            for name, promised, came in rows:
                with ui.element("tr"):
                    Text("th", name).props('scope="row"')
                    Text("td", _known(promised))
                    Text("td", "see the capacity curve" if came is None else _known(came))
    if rescale is None:
        Text("p", "Nothing had to be done." if decision.command is None else "No outcome is known.")
        return
    with ui.element("p"):
        word, kind = outcome(rescale)
        State(word, kind)
        if rescale.started_at is not None:
            Text("span", " started ")
            Clock(rescale.started_at)
        if rescale.converged_at is not None:
            Text("span", ", running ")
            Clock(rescale.converged_at)
        if rescale.why:
            Text("span", f" {rescale.why}")


def _recovered(rescale: RescaleLine | None) -> str:
    if rescale is not None and rescale.recovered is False:
        return "not while it was watched"
    return seconds(rescale.recovery if rescale else None)


def _known(text: str) -> str:
    """Write out an unknown figure."""
    return text.replace(UNKNOWN, "unknown")


def _words(found: tuple[str, ...]) -> list[str]:
    return [word.replace("_", " ") for word in found]
