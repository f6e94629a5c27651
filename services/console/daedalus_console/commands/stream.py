"""`daedalus watch | tap | export`."""

from typing import Annotated

import typer

from daedalus_console.commands.completing import jobs as jobs_named
from daedalus_console.options import TOPICS, AsJson, Bootstrap, examples
from daedalus_console.options import topics as topics_named


def register(app: typer.Typer) -> None:
    """Add the commands that follow the topics."""
    app.command(
        "watch",
        short_help="Watch jobs live, until Ctrl-C.",
        epilog=examples("daedalus watch", "daedalus watch ysb", "daedalus watch --json"),
    )(watch)
    app.command(
        "tap",
        short_help="Show the records of topics.",
        epilog=examples(
            "daedalus tap decisions --job ysb --since 1h",
            "daedalus tap scale-commands scale-outcomes --follow",
            "daedalus tap scale-outcomes --where status=refused --since 7d",
            "daedalus tap decisions --where 'scale_out>=4' --where reason=scale_up --headers",
            "daedalus tap control --since start --json",
        ),
    )(tap)
    app.command(
        "export",
        short_help="Write the records of topics to a file: JSON lines or Parquet.",
        epilog=examples(
            "daedalus export ysb.jsonl.gz --job ysb",
            "daedalus export all.parquet --since 7d",
            "daedalus export ysb.parquet --job ysb --since 2h --knowledge",
            "daedalus export decisions.parquet --topic decisions --topic scale-outcomes",
            "daedalus export - --job ysb | jq .event",
        ),
    )(export)


def watch(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]", autocompletion=jobs_named, help="Only this job.", show_default=False
        ),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How much of the past to begin with.")
    ] = "30m",
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Watch jobs live, until Ctrl-C: load, capacity, workers, and each decision as it falls.

    Without a terminal it writes a line for each decision and each thing that happens; with --json
    a line for each event.
    """
    from daedalus_console.runs import stream

    raise typer.Exit(stream.watch(job, since, bootstrap, as_json=as_json))


def tap(
    topics: Annotated[
        list[str],
        typer.Argument(
            metavar="TOPIC...",
            autocompletion=topics_named,
            help=f"{', '.join(TOPICS)}.",
        ),
    ],
    job: Annotated[
        str | None,
        typer.Option(
            "--job", metavar="JOB", autocompletion=jobs_named, help="Only about this job."
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="From then on; `start` for all there is."),
    ] = "10m",
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Up to then.", show_default=False),
    ] = None,
    where: Annotated[
        list[str],
        typer.Option(
            "--where",
            "-w",
            metavar="FIELD=VALUE",
            help="Only events whose field is so: = != < <= > >= or ~ (contains); parts by dots, "
            "any of a list by *. May be repeated: all must hold.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 -- typer copies it
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    headers: Annotated[
        bool, typer.Option("--headers", help="With the CloudEvents headers of each record.")
    ] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Show the records of topics in the order of time; what is no event is shown as such."""
    from daedalus_console.runs import stream

    wanted = stream.Tapped(
        topics=topics,
        job=job,
        since=since,
        until=until,
        where=where,
        follow=follow,
        headers=headers,
    )
    raise typer.Exit(stream.tap(wanted, bootstrap, as_json=as_json))


def export(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="*.jsonl, *.jsonl.gz or *.parquet; - for standard output."
        ),
    ],
    job: Annotated[
        str | None,
        typer.Option(
            "--job",
            metavar="JOB",
            autocompletion=jobs_named,
            help="Only about this job.",
            show_default=False,
        ),
    ] = None,
    topics: Annotated[
        list[str],
        typer.Option(
            "--topic",
            metavar="TOPIC",
            autocompletion=topics_named,
            help="Only this topic; may be repeated [default: all that a replay needs].",
            show_default=False,
        ),
    ] = [],  # noqa: B006 -- typer copies it
    knowledge: Annotated[
        bool,
        typer.Option(
            "--knowledge",
            help="What services remember, too: a part that begins midway can be replayed wholly.",
        ),
    ] = False,
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="From then on; `start` for all there is."),
    ] = "start",
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Up to then.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Write the records of topics to a file, in the order of time, each event whole.

    `daedalus replay FILE` reads it again. Parquet needs `pyarrow` (`pip install pyarrow`).
    """
    from daedalus_console.runs import export as run

    wanted = run.Wanted(
        file=file, job=job, topics=topics, knowledge=knowledge, since=since, until=until
    )
    raise typer.Exit(run.export(wanted, bootstrap, as_json=as_json))
