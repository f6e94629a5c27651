"""A part of a page that is read from the topics for a time span, and says so while it is read."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

from nicegui import background_tasks, ui

from daedalus_console.errors import ConsoleError
from daedalus_console.page.parts import Button, Clock, Text
from daedalus_console.page.ports import Console

SPANS = {"1h": "1 h", "24h": "24 h", "7d": "7 days", "30d": "30 days"}
"""What accounts can be about; the shorter, the sooner they are read."""

FIRST = "24h"

T = TypeVar("T")


class Spanned(Generic[T]):
    """Buttons for the span, what is said of the reading, and what was read below."""

    def __init__(
        self,
        console: Console,
        since: str,
        read: Callable[[str], Awaitable[T]],
        show: Callable[[T], None],
    ) -> None:
        """Lay out where the caller is, and begin to read once the page is shown.

        Args:
            console: Tells the present.
            since: The span of the address; one that is not known is the first.
            read: Reads for a span; raises `ConsoleError`.
            show: Makes the parts that show it.
        """
        self._console = console
        self._since = since if since in SPANS else FIRST
        self._read, self._show = read, show
        self._reading: asyncio.Task[None] | None = None
        with ui.element("div").classes("d-row d-spread").style("margin-top: 10px"):
            with ui.element("div").classes("d-row").props('role="group" aria-label="Time span"'):
                self._spans = {
                    span: Button(name, partial(self._choose, span), classes="d-small")
                    for span, name in SPANS.items()
                }
            with ui.element("div").classes("d-row"):
                with ui.element("p").classes("d-faint").props('role="status"'):
                    self._said = Text("span")
                    self._at = Clock()
                Button("Read again", self.begin, classes="d-small")
        self._body = ui.element("div")
        self._pressed()
        client = ui.context.client
        client.on_delete(self._leave)
        ui.timer(0, self.begin, once=True)

    def begin(self) -> None:
        """Read, in place of what is being read."""
        self._leave()
        self._said.show("Reading the topics …")
        self._at.set_visibility(False)
        self._reading = background_tasks.create(self._tell(), name="account")

    def _leave(self) -> None:
        """End a reading that nobody waits for."""
        if self._reading is not None:
            self._reading.cancel()

    async def _tell(self) -> None:
        try:
            found = await self._read(self._since)
        except ConsoleError as error:
            self._failed(str(error).removeprefix("since: "))
            return
        except Exception:  # a bug, which the log tells: here nothing would be read any more
            self._failed("the console failed; its log says why")
            raise
        self._said.show("as of ")
        self._at.set_visibility(True)
        self._at.show(self._console.now())
        self._body.clear()
        with self._body:
            self._show(found)

    def _failed(self, why: str) -> None:
        self._said.show("")
        self._body.clear()
        with self._body, ui.element("section").classes("d-card"):
            Text("h2", "This cannot be told now")
            Text("p", f"{why[:1].upper()}{why[1:]}.").props('role="alert"')
            Button("Try again", self.begin, classes="d-small").style("margin-top: 8px")

    def _choose(self, span: str) -> None:
        self._since = span
        self._pressed()
        ui.run_javascript(f"daedalus.address(location.pathname + '?since={span}');")
        self.begin()

    def _pressed(self) -> None:
        for span, button in self._spans.items():
            button.props["aria-pressed"] = "true" if span == self._since else "false"
            button.update()
