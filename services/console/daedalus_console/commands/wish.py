"""`daedalus pause | resume | floor | ceiling | pin`."""

from collections.abc import Callable
from typing import Annotated

import typer

from daedalus_console.errors import UsageError
from daedalus_console.options import AsJson, Bootstrap, JobArgument, examples

Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="When it ends.", show_default=False),
]
Why = Annotated[
    str | None,
    typer.Option("--why", help="For what reason; decisions repeat it.", show_default=False),
]
Up = Annotated[bool, typer.Option("--up", help="Only scaling up.")]
Down = Annotated[bool, typer.Option("--down", help="Only scaling down.")]
Clear = Annotated[bool, typer.Option("--clear", help="Take it back.")]
Workers = Annotated[
    int | None, typer.Argument(metavar="WORKERS", min=1, help="Workers.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands by which people bound the planner for a while."""
    app.command(
        "pause",
        short_help="Ask for a pause of scaling, for a while.",
        epilog=examples(
            'daedalus pause ysb --until 2h --why "release"',
            'daedalus pause ysb --down --until 18:30 --why "sale"',
        ),
    )(pause)
    app.command(
        "resume",
        short_help="Take pauses back.",
        epilog=examples(
            'daedalus resume ysb --why "released"', 'daedalus resume ysb --down --why "sold out"'
        ),
    )(resume)
    for kind, text in (
        ("floor", "Ask for at least so many workers, for a while."),
        ("ceiling", "Ask for at most so many workers, for a while."),
        ("pin", "Ask for exactly so many workers, for a while."),
    ):
        app.command(
            kind,
            help=text,
            epilog=examples(
                f'daedalus {kind} ysb 6 --until 2h --why "sale"',
                f'daedalus {kind} ysb --clear --why "sold out"',
            ),
        )(_bound(kind))


def pause(
    job: JobArgument,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When it ends.")],
    why: Annotated[str, typer.Option("--why", help="For what reason; decisions repeat it.")],
    up: Up = False,
    down: Down = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Ask for a pause of scaling, for a while; decisions go on and say so."""
    from daedalus_console.runs import wish
    from daedalus_shared.events import OverrideKind

    way = wish.direction(up=up, down=down)
    asked = wish.Asked(job, OverrideKind.PAUSE, until, why, way)
    raise typer.Exit(wish.ask(asked, bootstrap, as_json=as_json))


def resume(
    job: JobArgument,
    why: Annotated[str, typer.Option("--why", help="For what reason; the record keeps it.")],
    up: Up = False,
    down: Down = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Take pauses back: all of them, or those of one direction."""
    from daedalus_console.runs import wish
    from daedalus_shared.events import OverrideKind

    way = None if up == down else wish.direction(up=up, down=down)
    ended = wish.Ended(job, OverrideKind.PAUSE, why, way)
    raise typer.Exit(wish.end(ended, bootstrap, as_json=as_json))


def _bound(kind: str) -> Callable[..., None]:
    def command(
        job: JobArgument,
        count: Workers = None,
        until: Until = None,
        why: Why = None,
        clear: Clear = False,
        as_json: AsJson = False,
        bootstrap: Bootstrap = None,
    ) -> None:
        from daedalus_console.runs import wish
        from daedalus_shared.events import OverrideKind

        if clear:
            if count is not None or until is not None:
                raise UsageError("--clear takes it back: it goes with no number and no --until")
            if not why:
                raise UsageError("--clear: say with --why for what reason")
            ended = wish.Ended(job, OverrideKind(kind), why)
            raise typer.Exit(wish.end(ended, bootstrap, as_json=as_json))
        if count is None or until is None or not why:
            raise UsageError("give the number of workers, --until and --why (or --clear and --why)")
        asked = wish.Asked(job, OverrideKind(kind), until, why, scale_out=count)
        raise typer.Exit(wish.ask(asked, bootstrap, as_json=as_json))

    return command
