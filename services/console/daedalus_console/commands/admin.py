"""`daedalus topics | schemas`."""

from pathlib import Path
from typing import Annotated

import typer

from daedalus_console.options import AsJson, Bootstrap, examples


def register(app: typer.Typer) -> None:
    """Add the commands that prepare a cluster and publish the contract."""
    topics = typer.Typer(help="Create or list the topics.", no_args_is_help=True)
    topics.command("create", epilog=examples("daedalus topics create --replication 3"))(create)
    topics.command("list", epilog=examples("daedalus topics list"))(list_topics)
    app.add_typer(topics, name="topics")
    schemas = typer.Typer(help="Export the contract of the events.", no_args_is_help=True)
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


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")],
    as_json: AsJson = False,
) -> None:
    """Write a JSON Schema for each event and one AsyncAPI 3 document."""
    from daedalus_console.runs import admin

    raise typer.Exit(admin.export_schemas(folder, as_json=as_json))


def _group() -> None:
    """Export the contract of the events."""
