"""`daedalus apply | validate | forget`."""

from pathlib import Path
from typing import Annotated

import typer

from daedalus_console.errors import UsageError
from daedalus_console.options import AsJson, Bootstrap, JobArgument, examples

Files = Annotated[
    list[str],
    typer.Option(
        "--filename", "-f", metavar="FILE|DIR|-",
        help="A job file, a folder of them, or - for standard input; may be repeated.",
        show_default=False,
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands that declare jobs."""
    app.command(
        "apply",
        short_help="Declare jobs, or change those whose file changed.",
        epilog=examples(
            "daedalus apply -f ysb.yaml",
            "daedalus apply -f jobs/ --dry-run",
            "cat ysb.yaml | daedalus apply -f -",
            "daedalus apply --watch jobs/",
        ),
    )(apply)
    app.command(
        "validate",
        short_help="Check job files without asking Kafka.",
        epilog=examples("daedalus validate -f jobs/"),
    )(validate)
    app.command(
        "forget",
        short_help="End a job's declaration, or forget what was learned.",
        epilog=examples(
            "daedalus forget ysb",
            'daedalus forget ysb --learned --why "the job was rewritten"',
        ),
    )(forget)
    app.command(
        "promote",
        short_help="Have a shadow planner or forecaster obeyed.",
        epilog=examples(
            'daedalus promote ysb --planner mine --why "fewer rescales for a week"',
            'daedalus promote ysb --forecaster mine --why "half the error at 15m"',
        ),
    )(promote)


def apply(
    files: Files = [],  # noqa: B006 -- typer copies it
    watch: Annotated[
        Path | None,
        typer.Option("--watch", metavar="DIR", help="Apply a folder, and again on each change."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change.")] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Declare jobs: create them, or change those whose file has changed.

    Of several files, the right ones are applied and the wrong ones refused, with exit code 1.
    """
    if bool(files) == (watch is not None):
        raise UsageError("apply needs either -f or --watch")
    from daedalus_console.runs import declare

    if watch is not None:
        raise typer.Exit(declare.apply_folder(watch, bootstrap, dry_run=dry_run, as_json=as_json))
    raise typer.Exit(declare.apply(files, bootstrap, dry_run=dry_run, as_json=as_json))


def validate(files: Files, as_json: AsJson = False) -> None:
    """Check job files without asking Kafka; exit code 1 when one is wrong."""
    from daedalus_console.runs import declare

    raise typer.Exit(declare.validate(files, as_json=as_json))


def forget(
    job: JobArgument,
    learned: Annotated[
        bool, typer.Option("--learned", help="Only what was learned: the job stays declared.")
    ] = False,
    why: Annotated[str, typer.Option("--why", help="For what reason.", show_default=False)] = "",
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """End a job's declaration, and have what was learned of it forgotten; the job runs on.

    With --learned it stays declared, and capacities, downtimes, the workload's history and the
    planner's experience are learned anew from the first tick after the grace (30s) on. Rescales
    stay on record.
    """
    from daedalus_console.runs import declare

    raise typer.Exit(declare.forget(job, why, bootstrap, learned=learned, as_json=as_json))


def promote(
    job: JobArgument,
    why: Annotated[str, typer.Option("--why", help="For what reason; it stays on record.")],
    planner: Annotated[
        str | None, typer.Option("--planner", metavar="NAME", help="Have this planner obeyed.")
    ] = None,
    forecaster: Annotated[
        str | None,
        typer.Option("--forecaster", metavar="NAME", help="Plan with this forecaster."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also when nothing was heard of it lately.")
    ] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Have a shadow obeyed; all else in the job's spec stays.

    It counts from the first tick after the grace (30s). The one that was obeyed so far becomes a
    shadow if it goes on. `daedalus standings` shows which is better.
    """
    from daedalus_console.runs import promote as runs

    raise typer.Exit(
        runs.promote(runs.Wish(job, planner, forecaster, why, force), bootstrap, as_json=as_json)
    )
