"""`daedalus jobs | history | explain`."""

from typing import Annotated

import typer

from daedalus_console.options import AsJson, Bootstrap, JobArgument, examples


def register(app: typer.Typer) -> None:
    """Add the commands that look back."""
    app.command(
        "jobs",
        short_help="List the jobs: how they are, what was decided last.",
        epilog=examples("daedalus jobs", "daedalus jobs --json | jq '.[].job'"),
    )(jobs)
    app.command(
        "history",
        short_help="Show what changed a job: rescales, overrides, specs, and by whom.",
        epilog=examples(
            "daedalus history ysb",
            "daedalus history ysb --since 7d --until 2d",
            "daedalus history ysb --since 365d --limit 50 --json",
        ),
    )(history)
    app.command(
        "explain",
        short_help="Tell one decision and what came of it.",
        epilog=examples(
            "daedalus explain ysb",
            "daedalus explain ysb --last-change",
            "daedalus explain ysb --last-rescale",
            "daedalus explain ysb --at 18:30",
            "daedalus explain ysb --decision b61e2bd5",
        ),
    )(explain)


def jobs(as_json: AsJson = False, bootstrap: Bootstrap = None) -> None:
    """List the declared jobs: how they are scaled, how they are, what was decided last."""
    from daedalus_console.runs import show

    raise typer.Exit(show.jobs(bootstrap, as_json=as_json))


def history(
    job: JobArgument,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far to look back.")
    ] = "24h",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Up to then.")] = "now",
    limit: Annotated[
        int,
        typer.Option("--limit", "-n", min=1, max=10_000, help="The newest so many entries."),
    ] = 100,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Show what changed a job, in one timeline.

    Rescales with what was promised and what came of it, decisions that were held back, what people
    asked for and why, and new specs with the fields that they changed. Durations are told as
    seen / promised.
    """
    from daedalus_console.runs import show

    past = show.Past(job, since, until, limit)
    raise typer.Exit(show.history(past, bootstrap, as_json=as_json))


def explain(
    job: JobArgument,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="Explain the decision in effect then.")
    ] = "now",
    decision: Annotated[
        str | None,
        typer.Option(
            "--decision",
            metavar="ID",
            help="The decision of this id, or how it begins.",
            show_default=False,
        ),
    ] = None,
    last_rescale: Annotated[
        bool, typer.Option("--last-rescale", help="The last decision that a command followed.")
    ] = False,
    last_change: Annotated[
        bool, typer.Option("--last-change", help="The last decision that wanted a change.")
    ] = False,
    planner: Annotated[
        str | None,
        typer.Option("--planner", metavar="NAME", help="Of this planner, such as a shadow."),
    ] = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Tell one decision: what was seen, expected, weighed, decided, promised, and came of it."""
    from daedalus_console.runs import show

    asked = show.Asked(
        job=job,
        at=at,
        decision=decision,
        planner=planner,
        changes=last_change,
        rescales=last_rescale,
    )
    raise typer.Exit(show.explain(asked, bootstrap, as_json=as_json))
