"""Who ranks how, planners and forecasters, shadows too; a button has a shadow obeyed."""

from functools import partial

from nicegui import ui
from starlette.requests import Request

from daedalus_console.figures import span
from daedalus_console.page import account_words as words
from daedalus_console.page.figured import figure, how, named, table, two
from daedalus_console.page.parts import Button, Cell, State, Text, card
from daedalus_console.page.ports import Console
from daedalus_console.page.reasoned import Question, Reasoned
from daedalus_console.page.words import counted
from daedalus_console.runs.promote import Wish as Promotion
from daedalus_console.web.account_shapes import Account, Line

MODEL = 16
"""Characters of a model's name that are shown, without what it is made of."""


class Standings:
    """The rankings of one job, for one person who looks at them."""

    def __init__(self, console: Console, name: str, request: Request, said: Text) -> None:
        self._console, self._name, self._request = console, name, request
        self._person = console.person(request)
        self._said = said
        """Where it is said what was done."""

    def show(self, found: Account) -> None:
        """Make both tables where the caller is."""
        with card("Standings of planners"):
            self._planners(found)
        with card("Standings of forecasters"):
            self._forecasters(found)

    def _planners(self, found: Account) -> None:
        lines = found.standings.planners
        if not lines:
            Text("p", "No decision is known of this time; choose a longer one.", "d-empty")
        else:
            Text(
                "p",
                "What each wanted, played on the workload that came. A shadow decides from what "
                "ran, not from what it would have brought about: read some percent as nothing.",
                "d-faint",
            )
            with table("planners", "Planner", "", "Known", "Workers", "Late", "Rescales", "Price",
                        "Price against what ran", "Agrees", ""):  # fmt: skip
                for line in lines:
                    self._planner(line, found)
        if not words.shadows(found)[0]:
            how(
                "No shadow planner runs. Start one beside it, and look again after some loops: ",
                "PLANNER_INSTANCE=mine PLANNER_PLAN=rules python -m daedalus_planner",
            )

    def _planner(self, line: Line, found: Account) -> None:
        obeyed = line.name == found.planner
        with ui.element("tr"):
            named(line.name)
            with Cell("Role"):
                State(*(("obeyed", "good") if obeyed else ("shadow", "unknown")))
            for name, text in (
                ("Known", span(float(round(line.seconds)))),
                ("Workers", two(line.mean_workers)),
                ("Late", words.percent(line.late_share)),
                ("Rescales", str(line.rescales)),
                ("Price", two(line.price)),
                ("Price against what ran", words.against(line.ratio)),
                ("Agrees", "-" if obeyed else words.percent(line.agreement)),
            ):
                figure(name, text)
            self._button("planner", line.name, found.planner)

    def _forecasters(self, found: Account) -> None:
        ranked = found.standings.forecasters
        if not ranked:
            Text("p", "No forecast of this time has met its workload yet.", "d-empty")
        else:
            heads = [
                name for name, _ in words.error(max(ranked, key=lambda one: len(one.distances)))
            ]
            Text("p", "Error (WAPE) on each loop's mean workload, by how far ahead.", "d-faint")
            with table("forecasters", "Forecaster", "", "Model", *heads,
                        "Against the one in use", ""):  # fmt: skip
                for one in ranked:
                    used = one.name == found.forecaster
                    with ui.element("tr"):
                        named(one.name)
                        with Cell("Role"):
                            State(*(("in use", "good") if used else ("shadow", "unknown")))
                        figure("Model", (one.model or "?").partition("(")[0][:MODEL])
                        told = dict(words.error(one))
                        for head in heads:
                            figure(head, told.get(head, "-"))
                        beside = "-" if used else words.against(words.beside(one))
                        figure("Against the one in use", beside)
                        self._button("forecaster", one.name, found.forecaster)
        if not words.shadows(found)[1]:
            how(
                "No shadow forecaster runs. Any program that writes forecasts is one; ours: ",
                "FORECASTER_INSTANCE=mine python -m daedalus_forecaster",
            )

    def _button(self, kind: str, name: str, before: str) -> None:
        with Cell(""):
            if name != before:
                ask = partial(self._ask, kind, name, before)
                button = Button("Promote …", ask, classes="d-small", label=f"Promote {kind} {name}")
                button.style("white-space: nowrap").enable(able=self._person.steers)

    def _ask(self, kind: str, name: str, before: str) -> None:
        if not self._person.steers:
            return
        question = Question(
            title=f"Promote {kind} {name}",
            facts=(
                (
                    "Then",
                    (
                        f"{name} is obeyed from one of the next ticks on; {before} becomes a "
                        "shadow for as long as it runs. All else of the job's spec stays.",
                    ),
                ),
                (
                    "Mind",
                    (
                        f"The job's file still says {before}: change it there too, or the next "
                        "daedalus apply takes this back.",
                    ),
                ),
            ),
            go="Promote",
            author=self._person.name,
        )
        Reasoned(question, partial(self._promote, kind, name, before)).open()

    async def _promote(self, kind: str, name: str, before: str, why: str) -> None:
        planner, forecaster = (name, None) if kind == "planner" else (None, name)
        wish = Promotion(self._name, planner, forecaster, why, force=False, instead=before)
        written = await self._console.promote(self._request, wish)
        done = counted(written.grace) if written.events else "was obeyed already"
        self._said.show(f"Promote {kind} {name}: {done}.")
