"""Tables of figures: a row is a card on a phone."""

from nicegui import ui

from daedalus_console.page.parts import Cell, Text


def figures() -> ui.element:
    """Return what is opened to see figures that a chart has shown."""
    found = ui.element("details")
    with found:
        Text("summary", "The same in figures")
    return found


def table(name: str, *heads: str) -> ui.element:
    """Return the body of a table."""
    with ui.element("table").classes("d-table d-cards").props(f'id="{name}"'):
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                Text("th", head).props('scope="col"')
        return ui.element("tbody")


def named(name: str) -> None:
    """Make the head of a row; a short name stays in one piece."""
    Text("th", name).props('scope="row"').style("min-width: 7em")


def figure(name: str, text: str) -> None:
    """Make a cell, with the name that it goes by where a row is a card."""
    with Cell(name).style("overflow-wrap: break-word"):  # a figure keeps its unit
        Text("span", text.replace("?", "unknown"))


def two(value: float | None) -> str:
    """Return a number to two places.

    >>> two(1.234), two(None)
    ('1.23', '?')
    """
    return "?" if value is None else f"{value:.2f}"


def how(text: str, command: str) -> None:
    """Say what to do, with the command."""
    with ui.element("p").classes("d-empty"):
        Text("span", text)
        Text("code", command)
