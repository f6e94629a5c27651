"""What all pages share: head, skip link, what is wrong with Kafka, and the refreshing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from nicegui import Client, ui

from daedalus_console.live.views import Standing
from daedalus_console.page.parts import Button, Clock, Link, Text
from daedalus_console.page.ports import Console

PERIOD = 0.5
"""Seconds between two looks at what has changed; most find nothing, and send nothing."""

IDLE = 5
"""Seconds after which a page is made anew without news: jobs grow silent as time passes."""


@contextmanager
def frame(console: Console, title: str) -> Iterator[None]:
    """Lay out a page; what is made within lies in its main part."""
    ui.page_title(f"{title} · Daedalus" if title else "Daedalus")
    Link("Skip to the content", "#main", "d-skip")
    with ui.element("header").classes("d-head"):
        Link("Daedalus", "/", "d-brand")
        Text("span", classes="d-grow")
        with ui.element("span").classes("d-zone"):
            Text("span", "times in ")
            Clock(form="zone")
        theme = Button("", classes="d-theme", label="Theme")
        theme.props("data-theme-switch").on("click", js_handler="() => daedalus.switchTheme()")
    with ui.element("div").classes("d-page").props('id="main" tabindex="-1"'):
        banner = Banner()
        banner.show(console.live.standing())
        yield
    refreshing(console, banner.show)
    ui.timer(IDLE, partial(leave, console, ui.context.client))
    ui.run_javascript("daedalus.mounted()")


class Banner(ui.element):
    """Says what is wrong with what is shown: Kafka away, the past still being read."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("d-banner").props('role="status" aria-live="polite"')
        self.set_visibility(False)
        with self:
            self._before = Text("span")
            self._since = Clock(form="clock")
            self._after = Text("span")

    def show(self, standing: Standing) -> None:
        """Show how the reader is; nothing when all is well."""
        away = not standing.kafka.connected
        self.set_visibility(away or standing.reading)
        self._since.set_visibility(away)
        if away:
            self.classes(remove="d-note")
            self._since.show(standing.kafka.since)
            self._before.show("Kafka does not answer since ")
            where = standing.kafka.why.removeprefix("Kafka does not answer ")
            why = f" ({where})" if where else ""
            self._after.show(f"{why}. What you see is of then; it resumes by itself.")
        elif standing.reading:
            self.classes(add="d-note")
            self._before.show("Reading what lies on the topics; ")
            self._after.show("what you see is not complete yet.")


def leave(console: Console, client: Client) -> None:
    """End a page whose person is not let in any more, and lead to where they would be led now."""
    if not console.lets_in(client.request):
        client.open("/")  # the guard leads on to the login
        client.content.clear()  # nothing more is told, whatever the browser does


def refreshing(console: Console, show: Callable[[Standing], None]) -> None:
    """Call `show` when anything has changed, and now and then, as long as the page is open."""
    seen: list[tuple[int, int]] = []

    def look() -> None:
        standing = console.live.standing()
        mark = (standing.revision, int(console.now().timestamp()) // IDLE)
        if seen != [mark]:
            seen[:] = [mark]
            show(standing)

    ui.timer(PERIOD, look)
