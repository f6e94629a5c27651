"""`daedalus contract`, also `daedalus-contract`: does a service keep to the events?"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from daedalus_contract.verdicts import Verdict

EXAMPLES = """\b
Examples:
  daedalus-contract forecaster --source forecaster/mine
  daedalus-contract forecaster --source forecaster/mine -- python examples/forecaster.py
  daedalus-contract planner --source planner/mine --json
  daedalus-contract executor --source executor/mine --engine-port 18099

\b
Exit codes: 0 all checks passed; 1 one failed; 2 wrong usage; 3 no test could be made,
  since Kafka does not answer, say.
"""

ROLES = ("monitor", "analyzer", "forecaster", "planner", "executor")

Source = Annotated[
    str,
    typer.Option(
        "--source", "-s", metavar="SERVICE/INSTANCE", show_default=False,
        help="The service's own name, `source` of its events, such as forecaster/mine.",
    ),
]  # fmt: skip
Bootstrap = Annotated[
    str,
    typer.Option(
        "--bootstrap", "-b", envvar="DAEDALUS_BOOTSTRAP", metavar="HOST:PORT",
        help="Kafka's address; credentials are read from DAEDALUS_…, as by `daedalus`.",
    ),
]  # fmt: skip
Grace = Annotated[
    float, typer.Option("--grace", min=0.5, max=30.0, help="Seconds in which an answer is in time.")
]
Patience = Annotated[
    float,
    typer.Option("--patience", min=1.0, help="Seconds for the first answer, after each start."),
]
EnginePort = Annotated[
    int,
    typer.Option(
        "--engine-port", min=0, max=65535,
        help="For monitor and executor: where a Flink JobManager is played on 127.0.0.1.",
    ),
]  # fmt: skip
Log = Annotated[
    Path | None,
    typer.Option(
        "--log", metavar="FILE", help="Where the command's output goes.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command(
        "contract",
        short_help="Tell whether a service of yours keeps to the events.",
        epilog=EXAMPLES,
    )(contract)


def contract(
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help=f"What it is in the loop: {', '.join(ROLES)}.")
    ],
    source: Source,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND…]", show_default=False,
            help="What starts the service: the kit then runs, kills and restarts it itself.",
        ),
    ] = None,
    bootstrap: Bootstrap = "localhost:9092",
    grace: Grace = 5.0,
    patience: Patience = 60.0,
    engine_port: EnginePort = 18099,
    log: Log = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Play a role's inputs to a service on Kafka's topics, and judge what it answers.

    It declares a few jobs named contract-…, plays what such a service reads, sends it nonsense too,
    and forgets the jobs at the end. Use a Kafka of your own, with the topics (`daedalus topics
    create`) and no other service: what these say of the test's jobs would be in the way.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsConfigDict

    from daedalus_contract.run import ContractError, Options, Role, run
    from daedalus_contract.verdicts import Mark
    from daedalus_shared.events.codec import explain
    from daedalus_shared.settings import ServiceSettings

    class Settings(ServiceSettings):
        """Credentials from the environment, such as `DAEDALUS_PASSWORD_FILE`."""

        model_config = SettingsConfigDict(env_prefix="DAEDALUS_")
        instance: str = "contract"

    if role not in ROLES:
        _refuse(f"ROLE {role!r} is none of {', '.join(ROLES)}", 2)
    service, _, instance = source.partition("/")
    if not service or not instance or "/" in instance:
        _refuse(f"--source {source!r} is not SERVICE/INSTANCE, such as {role}/mine", 2)
    options = Options(
        role=Role(role),
        source=source,
        grace=grace,
        patience=patience,
        engine_port=engine_port,
        command=tuple(command or ()),
        log=log,
    )
    try:
        verdicts = run(Settings(bootstrap=bootstrap), options)
    except ValidationError as error:
        _refuse(f"environment (DAEDALUS_…): {explain(error)}", 2)
    except ContractError as error:
        _refuse(str(error), 3)
    if as_json:
        told = [{"check": each.name, "mark": each.mark, "said": each.said} for each in verdicts]
        typer.echo(json.dumps({"role": role, "source": source, "checks": told}, indent=2))
    else:
        _table(role, source, verdicts)
    if any(each.mark is Mark.FAILED for each in verdicts):
        raise typer.Exit(1)


def _refuse(why: str, code: int) -> None:
    typer.echo(f"daedalus-contract: {why}", err=True)
    raise typer.Exit(code)


def _table(role: str, source: str, verdicts: "list[Verdict]") -> None:
    from collections import Counter

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"passed": "green", "failed": "bold red", "not tested": "yellow"}
    table = Table(title=f"{source} as {role}", title_justify="left", box=None, pad_edge=False)
    for name in ("check", "", "what came"):
        table.add_column(name, overflow="fold", no_wrap=name != "what came")
    for each in verdicts:
        mark = Text(each.mark, style=colours[each.mark])
        table.add_row(Text(each.name), mark, Text(each.said))
    console = Console(file=sys.stdout, highlight=False)
    console.print(table)
    counts = Counter(each.mark.value for each in verdicts)
    console.print(", ".join(f"{count} {mark}" for mark, count in counts.items()))
