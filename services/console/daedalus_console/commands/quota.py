"""`daedalus quota`."""

from pathlib import Path
from typing import Annotated

import typer

from daedalus_console.options import AsJson, Bootstrap, examples


def register(app: typer.Typer) -> None:
    """Add the command that shares workers out among jobs."""
    app.command(
        "quota",
        short_help="Share workers out among jobs, by priority, until Ctrl-C.",
        epilog=examples(
            "daedalus quota -f batch.yaml",
            "daedalus quota -f batch.yaml --clear",
            "",
            "batch.yaml, where the higher priority goes first:",
            "  group: batch",
            "  workers: 20",
            "  jobs: {ysb: 10, traffic: 5, wordcount: 5}",
        ),
    )(quota)


def quota(
    file: Annotated[
        Path,
        typer.Option("--filename", "-f", metavar="FILE", help="The group.", show_default=False),
    ],
    once: Annotated[bool, typer.Option("--once", help="Share out once, and end.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take back what was shared out.")] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Share workers out among jobs: each gets a ceiling, by priority and by what it needs.

    It runs until Ctrl-C and may be started again at any time: the ceilings last, and lie on the
    control topic, where people and replays find them. Together the jobs never get more workers than
    the group has; those that one gives up go to the next when it has given them up.
    """
    from daedalus_console.runs import quota as runs

    if clear:
        raise typer.Exit(runs.clear(file, bootstrap, as_json=as_json))
    raise typer.Exit(runs.serve(file, bootstrap, once=once, as_json=as_json))
