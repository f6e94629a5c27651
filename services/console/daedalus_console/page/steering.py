"""Steering: dialogs that ask for an override, and the list of those in force."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from nicegui import ui

from daedalus_console.errors import ConsoleError
from daedalus_console.page.parts import Button, Clock, Text
from daedalus_console.page.ports import Asked, Steering
from daedalus_console.page.words import wish
from daedalus_shared.events import Direction, Override, OverrideKind

TITLES = {
    OverrideKind.PAUSE: "Pause scaling",
    OverrideKind.FLOOR: "Set a floor",
    OverrideKind.CEILING: "Set a ceiling",
    OverrideKind.PIN: "Pin the workers",
}

_EXPLAINED = {
    OverrideKind.PAUSE: "No rescale in this direction until it ends; the job runs on.",
    OverrideKind.FLOOR: "Never fewer workers than this until it ends.",
    OverrideKind.CEILING: "Never more workers than this until it ends.",
    OverrideKind.PIN: "Exactly so many workers until it ends.",
}

TIMES = {
    "15m": "15 minutes",
    "30m": "30 minutes",
    "1h": "1 hour",
    "2h": "2 hours",
    "8h": "8 hours",
    "24h": "1 day",
    "168h": "1 week",
    "": "until a time …",
}

WAYS = {Direction.BOTH: "up and down", Direction.UP: "up", Direction.DOWN: "down"}

_VALUE = "(event) => emit(event.target.value)"
_INSTANT = """(event) => {
    const at = new Date(event.target.value);
    emit(Number.isNaN(at.getTime()) ? "" : at.toISOString());
}"""


class Steer:
    """The buttons and their dialog, for one job and one person."""

    def __init__(self, job: str, steering: Steering | None, author: str, said: Text) -> None:
        self._job = job
        self._steering = steering
        self._author = author
        self._said = said
        """Where it is said what was done."""
        with ui.element("div").classes("d-row").props('role="group" aria-label="Steer"'):
            for kind, title in TITLES.items():
                button = Button(f"{title} …", partial(self._open, kind))
                button.enable(able=steering is not None)
        if steering is None:
            Text("p", "You may look, not steer: this console only reads, or you are not signed in.")

    def _open(self, kind: OverrideKind) -> None:
        if self._steering is not None:
            _Form(self._job, kind, self._author, self._steering, self._said).open()

    @property
    def able(self) -> bool:
        """Whether this person may steer."""
        return self._steering is not None

    async def end(self, asked: Override) -> None:
        """Take an override back."""
        if self._steering is None:
            return
        try:
            await self._steering.end(asked.job, asked.kind, asked.direction, self._author)
        except ConsoleError as error:
            self._said.show(f"Not taken back: {error}")
        else:
            self._said.show(f"Taken back: {wish(asked)}.")


class _Form:
    """A dialog for one override; what is wrong is said in it, and nothing typed is lost."""

    def __init__(
        self, job: str, kind: OverrideKind, author: str, steering: Steering, said: Text
    ) -> None:
        self._kind, self._job, self._author = kind, job, author
        self._steering, self._said = steering, said
        self._typed: dict[str, str] = {"span": "30m", "way": Direction.BOTH.value}
        with ui.dialog() as self._dialog, ui.element("form").classes("d-dialog") as form:
            form.props('novalidate aria-labelledby="d-title"')
            form.on("submit", self._submit, [], js_handler="(e) => { e.preventDefault(); emit(); }")
            Text("h2", f"{TITLES[kind]}: {job}").props('id="d-title"')
            Text("p", _EXPLAINED[kind], "d-faint")
            if kind is OverrideKind.PAUSE:
                self._choice("Direction", "way", {way.value: text for way, text in WAYS.items()})
            else:
                self._input(
                    "Workers", "workers", 'type="number" min="0" step="1" inputmode="numeric"'
                )
            self._choice("For how long", "span", TIMES, first="30m")
            self._until = self._input("Until", "until", 'type="datetime-local"', _INSTANT)
            self._until.set_visibility(False)
            self._input("Reason", "why", 'type="text" maxlength="300" autocomplete="off"')
            Text("p", f"Recorded as asked by {author}.", "d-faint").style("margin-top: 10px")
            self._wrong = Text("p", classes="d-error")
            self._wrong.props('role="alert"')
            with ui.element("div").classes("d-row").style("margin-top: 14px"):
                self._go = Button(TITLES[kind], classes="d-main")
                self._go.props["type"] = "submit"
                Button("Cancel", self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)

    def open(self) -> None:
        """Show it."""
        self._dialog.open()

    def _take(self, name: str, value: Any) -> None:
        self._typed[name] = "" if value is None else str(value)
        if name == "span":
            self._until.set_visibility(not self._typed["span"])

    def _choice(
        self, label: str, name: str, options: dict[str, str], first: str | None = None
    ) -> None:
        with ui.element("label").classes("d-field"):
            Text("span", label)
            with ui.element("select").props(f'name="{name}"') as found:
                for value, text in options.items():
                    option = Text("option", text)
                    option.props["value"] = value
                    if value == first:
                        option.props["^selected"] = "selected"
            found.on("change", lambda event: self._take(name, event.args), js_handler=_VALUE)

    def _input(self, label: str, name: str, props: str, emit: str = _VALUE) -> ui.element:
        with ui.element("label").classes("d-field") as field:
            Text("span", label)
            found = ui.element("input").props(f'name="{name}" {props}')
            found.on("input", lambda event: self._take(name, event.args), js_handler=emit)
        return field

    def _asked(self) -> Asked:
        count = self._typed.get("workers", "").strip()
        if self._kind is not OverrideKind.PAUSE and not count.isdecimal():
            raise ConsoleError("Workers: write a whole number, such as 4")
        until = self._typed["span"] or self._typed.get("until", "")
        if not until:
            raise ConsoleError("Until: choose a time to come")
        why = self._typed.get("why", "").strip()
        if not why:
            raise ConsoleError("Reason: say why, so that others know")
        return Asked(
            job=self._job,
            kind=self._kind,
            until=until,
            why=why,
            direction=Direction(self._typed["way"]),
            scale_out=None if self._kind is OverrideKind.PAUSE else int(count),
        )

    async def _submit(self) -> None:
        self._wrong.show("")
        self._go.enable(able=False)
        try:
            await self._steering.ask(self._asked(), self._author)
        except ConsoleError as error:
            self._wrong.show(str(error))
        else:
            self._said.show(f"{TITLES[self._kind]}: written, and effective at the next tick.")
            self._dialog.close()
        finally:
            self._go.enable(able=True)


class InForce(ui.element):
    """The overrides in force, each with a button that undoes it."""

    def __init__(self, steer: Steer) -> None:
        super().__init__("section")
        self.classes("d-card").props('aria-label="Overrides in force"')
        self._steer = steer
        self._shown: Sequence[Override] | None = None

    def show(self, overrides: Sequence[Override]) -> None:
        """Show those that have not ended."""
        if overrides == self._shown:
            return
        self._shown = overrides
        self.set_visibility(bool(overrides))
        self.clear()
        with self:
            Text("h2", "In force by hand")
            for asked in overrides:
                self._line(asked)

    def _line(self, asked: Override) -> None:
        with ui.element("div").classes("d-row d-spread"):
            with ui.element("p").classes("d-grow"):
                Text("b", wish(asked))
                Text("span", " until ")
                Clock(asked.until, "minute")
                Text("span", f", asked by {asked.author}")
                Text("span", f": {asked.why}" if asked.why else ", no reason given")
            word = "Resume" if asked.kind is OverrideKind.PAUSE else "Take back"
            undo = Button(
                word,
                lambda: self._steer.end(asked),
                classes="d-small",
                label=f"{word}: {wish(asked)}",
            )
            undo.enable(able=self._steer.able)
