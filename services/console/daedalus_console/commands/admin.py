"""`daedalus topics | schemas`."""

from pathlib import Path
from typing import Annotated

import typer

from daedalus_console.errors import UsageError
from daedalus_console.options import AsJson, Bootstrap, examples


def register(app: typer.Typer) -> None:
    """Add the commands that prepare a cluster and publish the contract."""
    topics = typer.Typer(
        help="Create or list the topics; say who may do what.",
        no_args_is_help=True,
        epilog=examples("daedalus topics create", "daedalus topics list --json"),
    )
    topics.command(
        "create",
        short_help="Create the topics that are missing.",
        epilog=examples("daedalus topics create --replication 3"),
    )(create)
    topics.command(
        "list",
        short_help="List the topics and what they keep.",
        epilog=examples("daedalus topics list"),
    )(list_topics)
    topics.command(
        "acls",
        short_help="Say, or set, who may read and write what.",
        epilog=examples(
            "daedalus topics acls",
            "daedalus topics acls --script > acls.sh",
            "daedalus topics acls --apply --principal forecaster=User:my-forecaster",
            "daedalus topics acls --apply --only planner --instance planner=mine",
            "daedalus topics acls --apply --prune -f jobs/",
        ),
    )(acls)
    app.add_typer(topics, name="topics")
    schemas = typer.Typer(
        help="Export the contract of the events.",
        no_args_is_help=True,
        epilog=examples("daedalus schemas export docs/events"),
    )
    schemas.command("export", epilog=examples("daedalus schemas export docs/events"))(export)
    schemas.callback()(_group)
    app.add_typer(schemas, name="schemas")


def create(
    partitions: Annotated[
        int, typer.Option("--partitions", min=1, help="Of each topic; all have equally many.")
    ] = 12,
    replication: Annotated[
        int, typer.Option("--replication", min=1, help="Copies that the cluster keeps.")
    ] = 1,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Create the topics that are missing, with the settings that the services need."""
    from daedalus_console.runs import admin

    raise typer.Exit(admin.create_topics(bootstrap, partitions, replication, as_json=as_json))


def list_topics(as_json: AsJson = False, bootstrap: Bootstrap = None) -> None:
    """List the topics: partitions, records, and what they keep."""
    from daedalus_console.runs import admin

    raise typer.Exit(admin.list_topics(bootstrap, as_json=as_json))


def acls(
    principals: Annotated[
        list[str],
        typer.Option(
            "--principal",
            metavar="ROLE=USER",
            help="Who a role is on Kafka, such as planner=User:CN=planner [default: User:ROLE].",
            show_default=False,
        ),
    ] = [],  # noqa: B006 -- typer copies it
    instances: Annotated[
        list[str],
        typer.Option(
            "--instance",
            metavar="ROLE=NAME",
            help="An instance of a service, in place of its usual one; may be repeated.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    only: Annotated[
        list[str],
        typer.Option(
            "--only",
            metavar="ROLE",
            help="Only this role; may be repeated [default: all but simulator].",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    files: Annotated[
        list[str],
        typer.Option(
            "--filename",
            "-f",
            metavar="FILE|DIR",
            help="Job files whose inputs lie on this Kafka: the monitor may see their offsets.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    as_script: Annotated[
        bool, typer.Option("--script", help="Print a script of Kafka's kafka-acls.sh.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Grant what is missing on the cluster.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="With --apply: take from these principals all else.")
    ] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Say who may read and write what on Kafka: a principal a service, and no more than it needs.

    Roles: monitor, analyzer, forecaster, planner, executor, console, auditor, simulator. Without
    --apply nothing is asked of Kafka. With it, say what changed; twice is as good as once.
    """  # fmt: skip
    from daedalus_console.runs import acls as run

    if prune and not apply:
        raise UsageError("--prune goes with --apply")
    if as_script and (apply or as_json):
        raise UsageError("--script stands alone: it prints what --apply would do")
    asked = run.Asked(principals=principals, instances=instances, only=only, files=files)
    if apply:
        raise typer.Exit(run.apply(asked, bootstrap, prune=prune, as_json=as_json))
    raise typer.Exit(run.show(asked, as_script=as_script, as_json=as_json))


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")],
    as_json: AsJson = False,
) -> None:
    """Write a JSON Schema for each event and one AsyncAPI 3 document."""
    from daedalus_console.runs import admin

    raise typer.Exit(admin.export_schemas(folder, as_json=as_json))


def _group() -> None:
    """Export the contract of the events."""
