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
        short_help="End a job's declaration; the job runs on.",
        epilog=examples("daedalus forget ysb"),
    )(forget)


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


def forget(job: JobArgument, as_json: AsJson = False, bootstrap: Bootstrap = None) -> None:
    """End a job's declaration, and have what was learned of it forgotten; the job runs on."""
    from daedalus_console.runs import declare

    raise typer.Exit(declare.forget(job, bootstrap, as_json=as_json))
