"""How a job stands, at the top of its page: what needs a look, and the newest decision."""

from collections.abc import Callable, Sequence

from nicegui import ui

from daedalus_console.live.views import DecisionLine, JobRow, RescaleLine
from daedalus_console.page.notices import Notice, notices
from daedalus_console.page.parts import Clock, Link, Text
from daedalus_console.page.tables import OPEN, instant


class Needs(ui.element):
    """What needs a look, one below the other; nothing where all is well."""

    def __init__(self) -> None:
        super().__init__("section")
        self.classes("d-needs").props('aria-label="Needs a look" aria-live="polite"')
        self._shown: Sequence[Notice] = ()
        self.set_visibility(False)

    def show(self, row: JobRow, rescales: Sequence[RescaleLine], lost: RescaleLine | None) -> None:
        """Show what a job needs a look for."""
        found = notices(row, rescales, lost)
        if found == self._shown:
            return
        self._shown = found
        self.set_visibility(bool(found))
        self.clear()
        with self:
            for notice in found:
                self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        with ui.element("div").classes(f"d-needed d-needed-{notice.kind}"):
            with ui.element("p"), ui.element("b"):
                Text("span", notice.what)
                if notice.at is not None:
                    Clock(notice.at)
            with ui.element("p"):
                Text("span", f"{notice.do} ")
                if notice.command:
                    Text("code", notice.command)


class Newest(ui.element):
    """The newest decision, in its own sentence; its time opens it."""

    def __init__(self, job: str, choose: Callable[[str], None]) -> None:
        super().__init__("p")
        self.classes("d-newest")
        self._job = job
        self._shown: DecisionLine | None = None
        self._decision = ""
        self.set_visibility(False)
        with self:
            Text("span", "Decided ", "d-faint")
            link = Link("", "#")
            link.on("click", lambda _: choose(self._decision), [], js_handler=OPEN)
            self._link = link
            with link:
                self._at = Clock()
            self._sentence = Text("span")

    def show(self, line: DecisionLine | None) -> None:
        """Show another decision."""
        if line == self._shown:
            return
        self._shown = line
        self.set_visibility(line is not None)
        if line is None:
            return
        self._decision = line.id
        self._link.lead("", f"/jobs/{self._job}/decisions/{line.id}?tick={instant(line.tick)}")
        self._at.show(line.tick)
        self._sentence.show(f": {line.sentence}")
