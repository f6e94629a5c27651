"""The options that commands share, and how their help shows examples."""

from typing import Annotated

import typer

from daedalus_console.brokers import VARIABLE
from daedalus_console.commands.completing import jobs

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

COMPLETION = "Completion: daedalus --install-completion (bash, zsh, fish); then open a new shell."

JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", autocompletion=jobs, help="Name of the job.")
]

TOPICS = (
    "metrics",
    "capacity-updates",
    "forecasts",
    "decisions",
    "scale-commands",
    "scale-outcomes",
    "recoveries",
    "knowledge",
    "control",
    "dead-letters",
)
"""The topics without prefix, as shells complete them; the events are too slow to import for it."""


def topics(incomplete: str) -> list[str]:
    """Return the topics that begin so."""
    return [name for name in TOPICS if name.startswith(incomplete)]


TIMES = (
    "Times are written 10m, 2h, 18:30, 'yesterday 18:30' or 2026-01-31T18:30 "
    "(local, or with an offset)."
)

CODES = (
    "Exit codes: 0 ok; 1 refused, failed, or different; 2 wrong usage; 3 Kafka does not answer; "
    "4 no such job, decision, topic or file, or nothing in it; 5 replay: none differs, some cannot "
    "be judged; 130 interrupted; 143 terminated."
)


def examples(*lines: str) -> str:
    """Return the end of a command's help: examples, kept as they are written."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
