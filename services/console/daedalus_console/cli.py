"""The command: its own subcommands, and those that other packages register.

Nothing slow is imported here: `daedalus --help` answers in a blink.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EPIPE
from importlib.metadata import EntryPoint, entry_points
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from daedalus_console.commands import (
    account,
    admin,
    answer,
    declare,
    knowledge,
    quota,
    serve,
    show,
    stream,
    wish,
)
from daedalus_console.errors import ConsoleError
from daedalus_console.options import CODES, COMPLETION, TIMES

GROUP = "daedalus.commands"
"""Entry points of this group name a function `register(app: typer.Typer) -> None`."""

HELP = f"""Scale stream-processing jobs by what is coming: declare, watch, explain.

{TIMES}

{CODES}

{COMPLETION}
"""


class Group(TyperGroup):
    """Turns what can go wrong into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except ConsoleError as error:
            typer.echo(f"daedalus: {error}", err=True)
            raise typer.Exit(error.code) from error


def build() -> typer.Typer:
    """Return the command with its own subcommands."""
    app = typer.Typer(
        cls=Group,
        name="daedalus",
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help costs 80 ms, rich help 250 ms
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for part in (declare, show, stream, wish, answer, account, quota, admin, knowledge, serve):
        part.register(app)
    return app


def names(app: typer.Typer) -> set[str]:
    """Return the names of the subcommands registered so far."""
    commands = {command.name for command in app.registered_commands if command.name}
    return commands | {group.name for group in app.registered_groups if isinstance(group.name, str)}


def wants_extensions(app: typer.Typer, arguments: Sequence[str]) -> bool:
    """Return whether other packages' commands matter: for help, and for names that are not ours."""
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    return first is None or first not in names(app)


def extend(app: typer.Typer, found: Sequence[EntryPoint], warn: Callable[[str], None]) -> None:
    """Let other packages register their commands; one that cannot be imported is named."""
    for point in sorted(found, key=lambda point: point.name):
        try:
            register = point.load()
        except (ImportError, AttributeError) as error:
            warn(f"commands of {point.value} are missing: {error}")
            continue
        register(app)


def renamed(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `compare --live` as `standings`.

    `compare` plays traces on a simulated job and belongs to the simulator; what runs now is read
    from the topics, which the console does.

    >>> renamed(["compare", "--live", "ysb"]), renamed(["compare", "a.csv"])
    (['standings', 'ysb'], ['compare', 'a.csv'])
    """
    found = list(arguments)
    if found[:1] == ["compare"] and "--live" in found:
        found.remove("--live")
        found[0] = "standings"
    return found


@contextmanager
def writing() -> Iterator[None]:
    """Say in a line that standard output cannot be written, such as to a full disk.

    A reader that has gone (`daedalus tap … | head`) has what it wanted: nothing is said then. Where
    the command was started with an output closed, nobody wants it.
    """
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 -- as long as the process
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale without arrows shows a ? for them
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # at exit it would fail with a traceback
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise  # not of an output
        if error.errno != EPIPE:
            sys.stderr.write(f"daedalus: the output cannot be written: {error.strerror}\n")
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # what is buffered still
        raise SystemExit(1) from error


def end(_signal: int, _frame: object) -> None:
    """End as by an error, so that files half written go, and a terminal is as it was."""
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Run the command."""
    signal.signal(signal.SIGTERM, end)
    with writing():
        run()


def run() -> None:
    """Find the subcommand, and run it."""
    app = build()
    arguments = renamed(sys.argv[1:])
    if wants_extensions(app, arguments):
        extend(
            app,
            tuple(entry_points(group=GROUP)),
            lambda text: typer.echo(f"daedalus: {text}", err=True),
        )
    app(arguments, prog_name="daedalus")
