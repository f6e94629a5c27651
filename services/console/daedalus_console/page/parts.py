"""The page's small parts: texts of any tag, times in the browser's zone, bars, charts.

Texts are sent as texts; nothing here sends HTML. A part that is told the same again sends nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from daedalus_console.figures import UNKNOWN, rate, share
from daedalus_console.live.spark import Spark
from daedalus_console.page.charts.base import Options

UNKNOWN_WORD = "unknown"


class Text(TextElement):
    """A text in an element of any tag."""

    def __init__(self, tag: str, text: str = "", classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        if classes:
            self.classes(classes)

    def show(self, text: str) -> None:
        """Show another text; `?`, an unknown figure, is written out."""
        self.text = UNKNOWN_WORD if text == UNKNOWN else text


class Clock(ui.element):
    """An instant in the browser's zone; the full date and UTC are its title."""

    def __init__(self, at: datetime | None = None, form: str = "clock") -> None:
        super().__init__("local-time")
        self._shown: datetime | None = None
        self._props["form"] = form
        self.show(at)

    def show(self, at: datetime | None) -> None:
        """Show another instant; unknown for None."""
        if at == self._shown and "at" in self._props:
            return
        self._shown = at
        self._props["at"] = at.isoformat() if at else ""
        self.update()


class State(Text):
    """A word with a shape and a colour: good, warn, bad or unknown."""

    def __init__(self, text: str = UNKNOWN_WORD, kind: str = "unknown") -> None:
        super().__init__("span", text, f"d-state d-{kind}")
        self._kind = kind

    def become(self, text: str, kind: str) -> None:
        """Show another state."""
        self.show(text)
        if kind != self._kind:
            self.classes(remove=f"d-{self._kind}", add=f"d-{kind}")
            self._kind = kind


class Load(ui.element):
    """A part of the capacity as a bar with its figure; hatched where it is unknown."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("d-load")
        self._shown: tuple[float | None, float | None] | None = None
        with self:
            with ui.element("div").classes("d-track") as self._track:
                self._track.props('role="img"')
                self._fill = ui.element("div").classes("d-fill")
            self._figure = Text("span")

    def show(self, load: float | None, capacity: float | None) -> None:
        """Show records/s against records/s."""
        if (load, capacity) == self._shown:
            return
        self._shown = (load, capacity)
        part = None if load is None or not capacity else load / capacity
        self._figure.show(share(load, capacity))
        self._track.props(f'aria-label="load {self._figure.text} of capacity"')
        self._track.classes(remove="d-nothing d-good d-warn d-bad", add=fullness(part))
        self._fill.style(f"width: {100 * min(1.0, part or 0.0):.0f}%")


class Sparkline(ui.element):
    """Workload and capacity of the last hour as lines as small as a word."""

    def __init__(self) -> None:
        super().__init__("spark-line")
        self._props["role"] = "img"
        self._shown: Spark | None = None

    def show(self, found: Spark) -> None:
        """Show other lines."""
        if found == self._shown:
            return
        self._shown = found
        workload, capacity = scaled(found)
        self._props |= {"workload": workload, "capacity": capacity, "aria-label": spoken(found)}
        self.update()


def scaled(found: Spark) -> tuple[str, str]:
    """Return both lines in percent of the highest value of either; nothing where unknown.

    >>> scaled(Spark(workload=(1.0, None, 3.0), capacity=(4.0, 4.0, 4.0)))
    ('25,,75', '100,100,100')
    """
    top = max((each for each in (*found.workload, *found.capacity) if each), default=1.0)
    return _percents(found.workload, top), _percents(found.capacity, top)


def _percents(values: Sequence[float | None], top: float) -> str:
    return ",".join("" if value is None else f"{100 * value / top:.0f}" for value in values)


def spoken(found: Spark) -> str:
    """Return the lines as a sentence.

    >>> spoken(Spark(workload=(1.0, None, 3.0), capacity=(None, None, None)))
    'workload 1/s to 3/s, capacity unknown'
    """
    told = []
    for name, values in (("workload", found.workload), ("capacity", found.capacity)):
        known = [value for value in values if value is not None]
        span = f"{rate(min(known))} to {rate(max(known))}" if known else UNKNOWN_WORD
        told.append(f"{name} {span}")
    return ", ".join(told)


def fullness(part: float | None) -> str:
    """Return the class of a load: good below 80 %, bad from 100 % on.

    >>> fullness(0.5), fullness(1.2), fullness(None)
    ('d-good', 'd-bad', 'd-nothing')
    """
    if part is None:
        return "d-nothing"
    return "d-good" if part < 0.8 else ("d-warn" if part < 1 else "d-bad")


class Button(Text):
    """A native button: it has a keyboard and a focus by itself."""

    def __init__(
        self,
        text: str,
        on_click: Callable[[], Any] | None = None,
        *,
        classes: str = "",
        label: str | None = None,
    ) -> None:
        super().__init__("button", text, f"d-btn {classes}")
        self._props["type"] = "button"
        if label is not None:
            self._props["aria-label"] = label
        if on_click is not None:
            self.on("click", lambda _: on_click(), [])

    def enable(self, *, able: bool) -> None:
        """Let it be pressed, or not."""
        if ("disabled" in self._props) == able:
            if able:
                del self._props["disabled"]
            else:
                self._props["disabled"] = True
            self.update()

    def told(self, *, expanded: bool, label: str) -> None:
        """Say to those who do not see it what it does, and whether it has."""
        known = {"aria-expanded": "true" if expanded else "false", "aria-label": label}
        if any(self._props.get(name) != value for name, value in known.items()):
            self._props.update(known)
            self.update()


class Link(Text):
    """A link."""

    def __init__(self, text: str, target: str, classes: str = "") -> None:
        super().__init__("a", text, classes)
        self._props["href"] = target

    def lead(self, text: str, target: str) -> None:
        """Lead elsewhere."""
        self.show(text)
        if self._props["href"] != target:
            self._props["href"] = target
            self.update()


class Chart(ui.element):
    """A chart as SVG, with a sentence for those who do not see it.

    The page's text is there before its charts: their script is larger than all else together, and
    is fetched once the text is shown (`begin`).
    """

    def __init__(self, height: int, label: str) -> None:
        super().__init__("div")
        self.classes("d-chart").style(f"height: {height}px")
        self._props["role"] = "img"
        self._props["aria-label"] = label
        self._options: Options | None = None
        self.drawn: ui.echart | None = None
        """The chart in the browser; None before it was begun."""

    def draw(self, options: Options) -> None:
        """Draw other options; the same ones are not sent again."""
        if options == self._options:
            return
        self._options = options
        if self.drawn is not None:
            self.drawn.props["options"] = options
            self.drawn.update()

    def begin(self) -> None:
        """Fetch what draws it, and draw what was told last."""
        if self.drawn is None:
            with self:
                self.drawn = ui.echart(self._options or {}, renderer="svg")
            self.drawn.style("height: 100%")


class Cell(ui.element):
    """A cell of a table, with the name that it goes by where a row is a card."""

    def __init__(self, name: str, *, long: bool = False) -> None:
        super().__init__("td")
        self._props["data-name"] = name
        if long:
            self.classes("d-long")


class Facts(ui.element):
    """Names and sentences, one below the other."""

    def __init__(self) -> None:
        super().__init__("dl")
        self.classes("d-facts")

    def say(self, name: str, sentences: Sequence[str]) -> None:
        """Add what is known of a name."""
        with self:
            Text("dt", name)
            with ui.element("dd"):
                for sentence in sentences:
                    Text("p", sentence)


def card(title: str) -> ui.element:
    """Return a section with a heading."""
    found = ui.element("section").classes("d-card")
    found.props["aria-label"] = title
    with found:
        Text("h2", title)
    return found
