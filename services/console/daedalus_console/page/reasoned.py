"""A dialog that says what will be done and asks for a reason, before it is done."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from daedalus_console.errors import ConsoleError
from daedalus_console.page.parts import Button, Facts, Text

LONGEST = 300
"""Characters of a reason, as over HTTP; a browser of ours lets nobody type more."""

_VALUE = "(event) => emit(event.target.value)"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before something is written."""

    title: str
    facts: Sequence[tuple[str, Sequence[str]]]
    """What becomes of it: names, each with sentences."""
    go: str
    """What the button says."""
    author: str
    """In whose name it is written."""
    why: str = ""
    """The reason that stands there already, so that two taps do."""


def given(typed: str) -> str:
    """Return a reason as it is recorded, or raise `ConsoleError` where none is given."""
    why = typed.strip()
    if not why:
        raise ConsoleError("Reason: say why, so that others know")
    return why[:LONGEST]


class Reasoned:
    """The dialog; what is wrong is said in it, and nothing typed is lost."""

    def __init__(self, question: Question, submit: Callable[[str], Awaitable[None]]) -> None:
        self._submit_why = submit
        self._why = question.why
        with ui.dialog() as self._dialog, ui.element("form").classes("d-dialog") as form:
            form.props('novalidate aria-labelledby="d-title"')
            form.on("submit", self._submit, [], js_handler="(e) => { e.preventDefault(); emit(); }")
            Text("h2", question.title).props('id="d-title"')
            facts = Facts()
            for name, sentences in question.facts:
                facts.say(name, sentences)
            with ui.element("label").classes("d-field"):
                Text("span", "Reason")
                reason = ui.element("input").props('name="why" type="text" maxlength="300"')
                reason.props('autocomplete="off"')
                reason.props["value"] = question.why
                reason.on("input", lambda event: self._take(event.args), js_handler=_VALUE)
            said = Text("p", f"Recorded as asked by {question.author}.", "d-faint")
            said.style("margin-top: 10px")
            self._wrong = Text("p", classes="d-error")
            self._wrong.props('role="alert"')
            with ui.element("div").classes("d-row").style("margin-top: 14px"):
                self._go = Button(question.go, classes="d-main")
                self._go.props["type"] = "submit"
                Button("Cancel", self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)

    def open(self) -> None:
        """Show it."""
        self._dialog.open()

    def _take(self, why: Any) -> None:
        self._why = "" if why is None else str(why)

    async def _submit(self) -> None:
        self._wrong.show("")
        self._go.enable(able=False)
        try:
            await self._submit_why(given(self._why))
        except ConsoleError as error:
            self._wrong.show(str(error))
        else:
            self._dialog.close()
        finally:
            self._go.enable(able=True)
