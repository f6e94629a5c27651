"""What people see while they wait, and programs do not."""

import io
import sys

import pytest

from daedalus_console import output


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "SOON", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")


def told(error: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, telling: bool = False) -> str:
    monkeypatch.setattr(sys, "stderr", error)
    with output.working("reading decisions", telling=telling) as shown:
        shown(500, 1_000)
    return error.getvalue()


def test_who_waits_at_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told(Terminal(), monkeypatch)

    assert "reading decisions" in text
    assert "50%" in text
    assert "500/1000" in text


def test_a_pipe_gets_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(io.StringIO(), monkeypatch) == ""


def test_lines_that_come_as_they_are_read_are_not_mixed_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert told(Terminal(), monkeypatch, telling=True) == ""
