"""The page of what all jobs cost: the sum, and a line a job."""

from collections.abc import Sequence

from nicegui import ui

from daedalus_console.accounts.books import Rule
from daedalus_console.figures import span
from daedalus_console.page import account_words as words
from daedalus_console.page.frame import frame
from daedalus_console.page.parts import Button, Cell, Link, Text
from daedalus_console.page.ports import Console
from daedalus_console.page.spanned import Spanned
from daedalus_console.page.words import hours
from daedalus_console.web.account_shapes import Bill, Costs, JobBill

SIZE = 25
"""Jobs of a page of the table."""

HEADS = (
    "Worker-hours",
    "At the max",
    "Against the max",
    "HPA rule",
    "Against the HPA rule",
    "Unknown",
    "Unknown of the HPA rule",
)


def costs(console: Console, since: str) -> None:
    """Make the page."""
    with frame(console, "Cost"):
        Link("← All jobs", "/")
        Text("h1", "Cost of all jobs").style("margin-top: 6px")

        async def read(chosen: str) -> Costs:
            rule = Rule(speed=console.accounts.speed)
            return await console.accounts.costs(chosen, rule)

        Spanned(console, since, read, _show)


def _show(found: Costs) -> None:
    if not found.jobs:
        with ui.element("div").classes("d-card d-empty"):
            Text("span", "No loop of any job is known of this time. Choose a longer one, or ")
            Text("span", "declare a job: ")
            Text("code", "daedalus apply -f job.yaml")
        return
    with ui.element("dl").classes("d-tiles"):
        for name, text in zip(HEADS, _figures(found.total), strict=True):
            with ui.element("div").classes("d-tile"):
                Text("dt", name)
                Text("dd", text)
    Text(
        "p",
        "Worker-hours are counted. “At the max” is as many workers as each spec allows; the HPA "
        "rule is Kubernetes' arithmetic on the same workload: a model. What is unknown of the "
        "time is left out of all; where workload or capacity alone is, it is left out of the HPA "
        "rule's hours, and what ran is held against them over the rest.",
        "d-faint",
    ).style("margin-top: 10px")
    Bills(sorted(found.jobs, key=lambda bill: -bill.worker_hours))
    with ui.element("p").classes("d-faint").style("margin-top: 14px"):
        Text("span", "The same in a terminal: ")
        Text("code", "daedalus cost")


class Bills:
    """The jobs, the dearest first, a page at a time."""

    def __init__(self, bills: Sequence[JobBill]) -> None:
        self._bills = bills
        self._page = 0
        with ui.element("table").classes("d-table d-cards").props('id="bills"'):
            with ui.element("thead"), ui.element("tr"):
                for name in ("Job", *HEADS):
                    Text("th", name).props('scope="col"')
            self._body = ui.element("tbody")
        with ui.element("nav").classes("d-row").props('aria-label="Pages"') as pages:
            self._back = Button("← Back", lambda: self._turn(-1))
            self._where = Text("span")
            self._on = Button("Next →", lambda: self._turn(1))
        self._pages = -(-len(bills) // SIZE)
        pages.set_visibility(self._pages > 1)
        self._turn(0)

    def _turn(self, by: int) -> None:
        self._page = min(max(0, self._page + by), self._pages - 1)
        self._where.show(f"page {self._page + 1} of {self._pages}")
        self._back.enable(able=self._page > 0)
        self._on.enable(able=self._page < self._pages - 1)
        self._body.clear()
        with self._body:
            for bill in self._bills[self._page * SIZE : (self._page + 1) * SIZE]:
                with ui.element("tr"):
                    with ui.element("th").props('scope="row"'):
                        if bill.ended is None:
                            Link(bill.job, f"/jobs/{bill.job}/account")
                        else:  # its page tells of jobs that are declared
                            Text("span", f"{bill.job} (ended)")
                    for name, text in zip(HEADS, _figures(bill), strict=True):
                        with Cell(name):
                            Text("span", text)


def _figures(bill: Bill) -> list[str]:
    told = (
        hours(bill.worker_hours),
        hours(bill.worker_hours_at_max),
        words.against(words.saved(bill)),
        hours(bill.worker_hours_of_hpa),
        words.against(bill.against_hpa),
        *(
            span(float(round(gap))) if gap >= 1 else "none"
            for gap in (bill.unknown_seconds, bill.unknown_seconds_of_hpa)
        ),
    )
    return [text.replace("?", "unknown") for text in told]
