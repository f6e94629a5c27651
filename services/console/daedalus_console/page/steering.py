"""Steering: dialogs that ask for an override, and the list of those in force."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from nicegui import ui
from starlette.requests import Request

from daedalus_console.approvals import same
from daedalus_console.errors import ChangedError, ConsoleError
from daedalus_console.overrides import MOST_WORKERS
from daedalus_console.page.forgetting import forgetting
from daedalus_console.page.parts import Button, Clock, Text
from daedalus_console.page.ports import Console
from daedalus_console.page.reasoned import Question, Reasoned, given
from daedalus_console.page.words import counted, wish
from daedalus_console.web.steering import Asked, Reply
from daedalus_shared.events import Answer, Direction, Override, OverrideKind
from daedalus_shared.events import Asked as Waiting

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

DONE = "no longer needed"
"""The reason that stands there when somebody takes something back."""

LATELY = timedelta(hours=1)
"""How long what was taken back is shown."""

_VALUE = "(event) => emit(event.target.value)"
_INSTANT = """(event) => {
    const at = new Date(event.target.value);
    emit(Number.isNaN(at.getTime()) ? "" : at.toISOString());
}"""


class Steer:
    """The buttons and their dialog, for one job and one person."""

    def __init__(self, console: Console, job: str, request: Request, said: Text) -> None:
        self._console = console
        self._job = job
        self._request = request
        self._person = console.person(request)
        self._said = said
        """Where it is said what was done."""
        with ui.element("div").classes("d-row").props('role="group" aria-label="Steer"'):
            for kind, title in TITLES.items():
                button = Button(f"{title} …", partial(self._open, kind))
                button.enable(able=self.able)
            Button("Forget what was learned …", self._forget).enable(able=self.able)
        if not self.able:
            with ui.element("p").classes("d-faint"):
                Text("span", f"{self._person.name} may look, not steer. To steer here: ")
                Text("code", "daedalus serve --steer")
                Text("span", ", or a token with the role steer.")

    def _open(self, kind: OverrideKind) -> None:
        if self.able:
            _Form(self, kind).open()

    def _forget(self) -> None:
        if self.able:
            Reasoned(forgetting(self._job, self.author), self.forget).open()

    @property
    def able(self) -> bool:
        """Whether this person may steer."""
        return self._person.steers

    @property
    def job(self) -> str:
        """The job."""
        return self._job

    @property
    def author(self) -> str:
        """In whose name things are written."""
        return self._person.name

    async def ask(self, asked: Asked) -> None:
        """Write an override and say so, or raise `ConsoleError`."""
        written = await self._console.ask(self._request, asked)
        self._said.show(f"{TITLES[asked.kind]}: {counted(written.grace)}.")

    async def answer(self, seen: Waiting, reply: Reply) -> None:
        """Say a word on the rescale that is seen, or raise `ConsoleError`.

        Where another waits by now, this is said here: the card is about to be another, too.
        """
        done = "approved" if reply.answer is Answer.APPROVE else "rejected"
        try:
            written = await self._console.answer(self._request, self._job, seen, reply)
        except ChangedError as error:
            self._said.show(f"Not {done}: {error}.")
            return
        self._said.show(f"The rescale is {done}: {counted(written.grace)}.")

    async def forget(self, why: str) -> None:
        """Have what was learned forgotten and say so, or raise `ConsoleError`."""
        written = await self._console.forget(self._request, self._job, why)
        self._said.show(f"To be learned anew: {counted(written.grace)}.")

    async def end(self, asked: Override, why: str) -> None:
        """Take an override back and say so, or raise `ConsoleError`."""
        await self._console.end(self._request, asked, why)
        self._said.show(f"Taken back: {wish(asked)}.")


class _Form:
    """A dialog for one override; what is wrong is said in it, and nothing typed is lost."""

    def __init__(self, steer: Steer, kind: OverrideKind) -> None:
        self._kind = kind
        self._steer = steer
        self._focused = False
        self._typed: dict[str, str] = {"span": "30m", "way": Direction.BOTH.value}
        with ui.dialog() as self._dialog, ui.element("form").classes("d-dialog") as form:
            form.props("novalidate")
            self._dialog.props('aria-labelledby="d-title"')
            form.on("submit", self._submit, [], js_handler="(e) => { e.preventDefault(); emit(); }")
            Text("h2", f"{TITLES[kind]}: {steer.job}").props('id="d-title"')
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
            Text("p", f"Recorded as asked by {steer.author}.", "d-faint").style("margin-top: 10px")
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

    def _focus(self) -> str:
        """Return what lets the first field have the focus when the dialog opens."""
        first, self._focused = not self._focused, True
        return "data-autofocus" if first else ""

    def _choice(
        self, label: str, name: str, options: dict[str, str], first: str | None = None
    ) -> None:
        with ui.element("label").classes("d-field"):
            Text("span", label)
            with ui.element("select").props(f'name="{name}" {self._focus()}') as found:
                for value, text in options.items():
                    option = Text("option", text)
                    option.props["value"] = value
                    if value == first:
                        option.props["^selected"] = "selected"
            found.on("change", lambda event: self._take(name, event.args), js_handler=_VALUE)

    def _input(self, label: str, name: str, props: str, emit: str = _VALUE) -> ui.element:
        with ui.element("label").classes("d-field") as field:
            Text("span", label)
            found = ui.element("input").props(f'name="{name}" {props} {self._focus()}')
            found.on("input", lambda event: self._take(name, event.args), js_handler=emit)
        return field

    def _asked(self) -> Asked:
        count = self._typed.get("workers", "").strip()
        workers = int(count) if count.isdecimal() and len(count) < 10 else MOST_WORKERS + 1
        if self._kind is not OverrideKind.PAUSE and workers > MOST_WORKERS:
            raise ConsoleError(f"Workers: write a whole number up to {MOST_WORKERS}, such as 4")
        until = self._typed["span"] or self._typed.get("until", "")
        if not until:
            raise ConsoleError("Until: choose a time to come")
        return Asked(
            job=self._steer.job,
            kind=self._kind,
            until=until,
            why=given(self._typed.get("why", "")),
            direction=Direction(self._typed["way"]),
            scale_out=None if self._kind is OverrideKind.PAUSE else workers,
        )

    async def _submit(self) -> None:
        self._wrong.show("")
        self._go.enable(able=False)
        try:
            await self._steer.ask(self._asked())
        except ConsoleError as error:
            self._wrong.show(str(error))
        else:
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
                partial(self._undo, asked, word),
                classes="d-small",
                label=f"{word}: {wish(asked)}",
            )
            undo.enable(able=self._steer.able)

    def _undo(self, asked: Override, word: str) -> None:
        ends = (f"The {wish(asked)}, asked by {asked.author}.",)
        question = Question(
            title=f"{word}: {self._steer.job}",
            facts=(("Ends", ends),),
            go=word,
            author=self._steer.author,
            why=DONE,
        )
        Reasoned(question, partial(self._steer.end, asked)).open()


class Ended(ui.element):
    """What was taken back lately: by whom and why."""

    def __init__(self) -> None:
        super().__init__("section")
        self.props('aria-label="Taken back lately"')
        self._shown: Sequence[Override] | None = None

    def show(self, overrides: Sequence[Override]) -> None:
        """Show what somebody ended before its time."""
        if overrides == self._shown:
            return
        self._shown = overrides
        self.set_visibility(bool(overrides))
        self.clear()
        with self:
            for one in overrides:
                with ui.element("p").classes("d-faint"):
                    Text("span", f"Taken back: {wish(one)} at ")
                    Clock(one.at, "minute")
                    Text("span", f" by {one.author}: {one.why or 'no reason given'}")


class Awaiting(ui.element):
    """The rescale that waits for a person's word, and the buttons that say it."""

    def __init__(self, steer: Steer) -> None:
        super().__init__("section")
        self.classes("d-card").props('aria-label="Waits for approval" aria-live="polite"')
        self._steer = steer
        self._shown: Waiting | None = None
        self._typed = ""
        self.set_visibility(False)

    def show(self, asked: Waiting | None, scale_out: int | None) -> None:
        """Show what waits; focus and what is typed stay while the same waits on."""
        if not same(asked, self._shown):
            self._shown = asked
            self._typed = ""
            self.set_visibility(asked is not None)
            self.clear()
            if asked is not None:
                self._ask(asked)
        if asked is not None:
            self._move.show(
                f"{'?' if scale_out is None else scale_out} → {asked.scale_out} workers"
            )

    def _ask(self, asked: Waiting) -> None:
        with self:
            Text("h2", "Waits for approval")
            with ui.element("p"):
                self._move = Text("b")
                Text("span", ", until ")
                Clock(asked.until, "minute")
            with ui.element("label").classes("d-field"):
                Text("span", "Reason")
                field = ui.element("input")
                field.props('name="word" type="text" maxlength="300" autocomplete="off"')
                field.on("input", self._take, js_handler=_VALUE)
            self._wrong = Text("p", classes="d-error")
            self._wrong.props('role="alert"')
            with ui.element("div").classes("d-row").style("margin-top: 10px"):
                for answer, word in ((Answer.APPROVE, "Approve"), (Answer.REJECT, "Reject")):
                    button = Button(word, partial(self._say, asked, answer))
                    button.enable(able=self._steer.able)

    def _take(self, event: Any) -> None:
        self._typed = "" if event.args is None else str(event.args)

    async def _say(self, asked: Waiting, answer: Answer) -> None:
        self._wrong.show("")
        try:
            await self._steer.answer(asked, Reply(answer, given(self._typed)))
        except ConsoleError as error:
            self._wrong.show(str(error))
