"""The page of a job's accounts: what it cost, which promises were kept, and who ranks how."""

from collections.abc import Callable, Sequence
from datetime import datetime

from nicegui import ui
from starlette.requests import Request

from daedalus_console.accounts.ledger import RAN
from daedalus_console.page import account_words as words
from daedalus_console.page.charts import account as charts
from daedalus_console.page.charts import worker_hours
from daedalus_console.page.charts.base import Options
from daedalus_console.page.charts.model import Reading
from daedalus_console.page.figured import figure, figures, named, table, two
from daedalus_console.page.frame import frame
from daedalus_console.page.parts import Chart, Clock, Link, Text, card
from daedalus_console.page.ports import Console
from daedalus_console.page.spanned import Spanned
from daedalus_console.page.standings import Standings
from daedalus_console.page.words import hours
from daedalus_console.web.account_shapes import Account, Calibration, Cost, Period

PERIODS = {"1h": 6, "24h": 8, "7d": 7, "30d": 10}
"""Parts that each span is cut into."""


def account(console: Console, name: str, since: str, request: Request) -> None:
    """Make the page."""
    with frame(console, f"{name}: account"):
        AccountPage(console, name, since, request)


class AccountPage:
    """The accounts of one job, for one person who looks at them."""

    def __init__(self, console: Console, name: str, since: str, request: Request) -> None:
        self._console, self._name = console, name
        Link(f"← {name}", f"/jobs/{name}")
        Text("h1", f"Account of {name}").style("margin-top: 6px")
        self._said = Text("p")
        self._said.props('role="status" aria-live="polite"')
        self._standings = Standings(console, name, request, self._said)
        Spanned(console, since, self._read, self._show)

    async def _read(self, since: str) -> Account:
        return await self._console.accounts.account(self._name, since, PERIODS[since])

    def _show(self, found: Account) -> None:
        _cost(found.cost)
        _promises(found.calibration)
        self._standings.show(found)
        with ui.element("p").classes("d-faint").style("margin-top: 14px"):
            Text("span", "The same in a terminal: ")
            for command in ("cost", "calibration", "standings"):
                Text("code", f"daedalus {command} {self._name}")
                Text("span", " ")


def _cost(cost: Cost) -> None:
    with card("Cost"):
        if not cost.lines:
            Text("p", "No loop of this time is known yet; choose a longer one.", "d-empty")
            return
        Text("p", words.spent(cost), "d-sentence")
        about = words.known(cost.known_seconds, cost.unknown_seconds)
        price = "The price counts workers, rescales and lateness, in workers."
        Text("p", f"{about}{words.uneven(cost)} {price}", "d-faint")
        bars = [(line.name, line.worker_hours) for line in cost.lines if line.seconds]
        chart = Chart(
            worker_hours.height(len(bars)), "Worker-hours as it ran, beside those of others."
        )
        chart.draw(worker_hours.bars(bars))
        chart.begin()
        with figures(), table("cost", "", "Worker-hours", "Workers", "Late", "Rescales",
                    "Price", "Price against what ran"):  # fmt: skip
            for line in cost.lines:
                with ui.element("tr"):
                    named(line.name)
                    figure("Worker-hours", hours(line.worker_hours) if line.seconds else "?")
                    figure("Workers", two(line.mean_workers))
                    figure("Late", words.percent(line.late_share))
                    figure("Rescales", str(line.rescales) if line.seconds else "?")
                    figure("Price", two(line.price))
                    own = line.name == RAN
                    figure("Price against what ran", "-" if own else words.against(line.ratio))


def _promises(found: Calibration) -> None:
    total, periods = found.total, found.periods
    ends = (total.start, total.end)
    with ui.element("div").classes("d-two"):
        with card("Promises kept"):
            Text("p", words.promised(total))
            if total.rescales:
                with ui.element("dl").classes("d-facts"):
                    for name, text in (
                        ("Downtime", words.kept(total.downtime)),
                        ("Recovery", words.kept(total.recovery)),
                        ("Capacity", words.capacity(total.capacity)),
                    ):
                        Text("dt", name)
                        Text("dd", text)
                _chart(
                    "Seen as a part of promised, over time: downtime, recovery, capacity.",
                    charts.promises(
                        _over(periods, lambda one: one.downtime.median_seen_over_promised),
                        _over(periods, lambda one: one.recovery.median_seen_over_promised),
                        _over(periods, lambda one: one.capacity.median_seen_over_promised),
                        ends,
                    ),
                )
                _promise_figures(periods)
        with card("Forecast bands"):
            Text("p", words.banded(total))
            if total.band.count:
                _chart(
                    "Part of the workloads within the forecast's band, over time.",
                    charts.bands(_over(periods, lambda one: one.band.coverage), ends),
                )


def _promise_figures(periods: Sequence[Period]) -> None:
    with figures(), table("promises", "From", "Rescales", "Downtime", "Recovery",
                "Capacity"):  # fmt: skip
        for one in periods:
            with ui.element("tr"):
                with ui.element("th").props('scope="row"'):
                    Clock(one.start, "minute")
                figure("Rescales", str(one.rescales))
                figure("Downtime", words.kept(one.downtime))
                figure("Recovery", words.kept(one.recovery))
                figure("Capacity", words.capacity(one.capacity))


def _over(periods: Sequence[Period], value: Callable[[Period], float | None]) -> list[Reading]:
    def middle(one: Period) -> datetime:
        return one.start + (one.end - one.start) / 2

    return [(middle(one), value(one)) for one in periods]


def _chart(label: str, options: Options) -> None:
    chart = Chart(charts.HEIGHT, label)
    chart.draw(options)
    chart.begin()
