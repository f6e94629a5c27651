"""`daedalus knowledge export | import`."""

from pathlib import Path
from typing import Annotated

import typer

from daedalus_console.commands.completing import jobs as jobs_named
from daedalus_console.options import AsJson, Bootstrap, examples

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, a snapshot a line.")]
OfJob = Annotated[
    str | None,
    typer.Option("--job", metavar="JOB", autocompletion=jobs_named, help="Only of this job."),
]


def register(app: typer.Typer) -> None:
    """Add the commands that keep what the services have learned."""
    knowledge = typer.Typer(
        help="Back up and restore what the services have learned.",
        no_args_is_help=True,
        epilog=examples("daedalus knowledge export knowledge.jsonl"),
    )
    knowledge.command(
        "export",
        short_help="Write the newest snapshots to a file.",
        epilog=examples(
            "daedalus knowledge export knowledge.jsonl",
            "daedalus knowledge export ysb.jsonl --job ysb",
        ),
    )(export)
    knowledge.command(
        "import",
        short_help="Write snapshots back to Kafka.",
        epilog=examples(
            "daedalus knowledge import knowledge.jsonl --dry-run",
            "daedalus knowledge import knowledge.jsonl",
        ),
    )(import_)
    app.add_typer(knowledge, name="knowledge")


def export(
    file: File, job: OfJob = None, as_json: AsJson = False, bootstrap: Bootstrap = None
) -> None:
    """Write the newest snapshot of each service and job to a file, which must not exist yet.

    The services may run meanwhile.
    """
    from daedalus_console.runs import knowledge

    raise typer.Exit(knowledge.export(file, job, bootstrap, as_json=as_json))


def import_(
    file: File,
    job: OfJob = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also where there is knowledge already.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written.")] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Write snapshots back, to this Kafka or to another one; the services must not run.

    It is as if they had been away since the export. What is known here already stays, unless
    --overwrite is given. It needs the right to write knowledge, which the console's user lacks.
    """
    from daedalus_console.runs import knowledge

    raise typer.Exit(
        knowledge.import_(
            file, job, bootstrap, overwrite=overwrite, dry_run=dry_run, as_json=as_json
        )
    )
