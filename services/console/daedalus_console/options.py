"""The options that commands share, and how their help shows examples."""

from typing import Annotated

import typer

from daedalus_console.brokers import VARIABLE

Bootstrap = Annotated[
    str | None,
    typer.Option(
        "--bootstrap",
        "-b",
        envvar=VARIABLE,
        metavar="HOST:PORT",
        help="Kafka's address [default: of the local stack here, else localhost:9092].",
        show_default=False,
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Name of the job.")]

TIMES = "Times are written 10m, 2h, 18:30 or 2026-01-31T18:30 (local, or with an offset)."

CODES = (
    "Exit codes: 0 ok; 1 refused or failed; 2 wrong usage; 3 Kafka does not answer; "
    "4 no such job, decision or topic; 130 interrupted."
)


def examples(*lines: str) -> str:
    """Return the end of a command's help: examples, kept as they are written."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
