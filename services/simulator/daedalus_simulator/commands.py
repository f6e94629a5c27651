"""`daedalus backtest | compare | replay | whatif`: the same code in virtual time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="NAME=VALUE", show_default=False,
        help="Change a setting of the job, such as policy.recovery_target=180s; may be repeated.",
    ),
]  # fmt: skip
JobFile = Annotated[
    Path | None,
    typer.Option(
        "--job", metavar="FILE", show_default=False,
        help="Take policy and scale from a job file.",
    ),
]  # fmt: skip
Begin = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Begin so far into the trace, such as 90m."),
]
End = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="End so far into the trace, such as 3h."),
]
Minutes = Annotated[float | None, typer.Option("--minutes", min=5.0, help="Play so many minutes.")]
Forecaster = Annotated[
    str | None,
    typer.Option(
        metavar="ensemble|arima", help="How the workload is forecast.", show_default=False
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Processes at once [default: one a core]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write a page with plots (HTML)."),
]
Bootstrap = Annotated[
    str | None,
    typer.Option(
        "--bootstrap", "-b", envvar="DAEDALUS_BOOTSTRAP", metavar="HOST:PORT", show_default=False,
        help="Kafka's address [default: of the local stack here, else localhost:9092].",
    ),
]  # fmt: skip
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Up to then.")]


def register(app: typer.Typer) -> None:
    """Add the commands of the backtest."""
    app.command(
        "backtest",
        short_help="Play a workload against a policy, in virtual time.",
        epilog=_examples(
            "daedalus backtest trace.csv",
            "daedalus backtest shape:spikes --prices steady --report spikes.html",
            "daedalus backtest trace.csv --planner rules --engine flink-slow --seeds 3",
            "daedalus backtest trace.csv --job job.yaml --set policy.recovery_target=180s",
        ),
    )(backtest)
    app.command(
        "compare",
        short_help="Table many policies on many workloads.",
        epilog=_examples(
            "daedalus compare traces/*.csv --seeds 3",
            "daedalus compare shape:sine shape:noisy --policies rules,horizon-steady,hpa-80",
            "daedalus compare traces/*.csv --engines flink,flink-slow --report all.html",
        ),
    )(compare)
    app.command(
        "replay",
        short_help="Take recorded decisions again: are they the same?",
        epilog=_examples(
            "daedalus replay topics --job ysb --since 6h",
            "daedalus export ysb.jsonl.gz --job ysb && daedalus replay ysb.jsonl.gz",
            "daedalus replay all.parquet --json | jq .different",
        ),
    )(replay)
    app.command(
        "whatif",
        short_help="Play a job's record with other settings.",
        epilog=_examples(
            "daedalus whatif ysb --set policy.recovery_target=180s",
            "daedalus whatif ysb --set policy.prices.dial=steady --set scale.min=2 --since 7d",
            "daedalus whatif ysb --from ysb.parquet --since start --set policy.planner=rules",
        ),
    )(whatif)


def backtest(
    trace: Annotated[
        str,
        typer.Argument(
            metavar="TRACE", help="A CSV file of second|count, or shape:NAME (shape:? lists them)."
        ),
    ],
    planner: Annotated[
        str, typer.Option(help="horizon, rules, or a baseline or oracle (? lists them).")
    ] = "horizon",
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="thrift|balanced|steady", help="What horizon weighs.", show_default=False
        ),
    ] = None,
    forecaster: Forecaster = None,
    engine: Annotated[
        str, typer.Option(metavar="flink|flink-slow|kafka-streams", help="What rescales cost.")
    ] = "flink",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first run's chance.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Runs, each with a seed of its own.")] = 1,
    begin: Begin = None,
    end: End = None,
    minutes: Minutes = None,
    job: JobFile = None,
    settings: Settings = [],  # noqa: B006 -- typer copies it
    jobs: Jobs = None,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """Play a workload against one policy on a simulated job, in virtual time.

    With --report, all other policies play it too, to show where this one stands.
    """
    from daedalus_simulator.runs import backtest as run
    from daedalus_simulator.runs.request import Part, Wish

    with _one_line():
        run.backtest(
            Wish(
                part=Part(begin, end, minutes),
                job=job,
                settings=tuple(settings),
                forecaster=forecaster,
                jobs=jobs,
                as_json=as_json,
                report=report,
            ),
            trace,
            run.Choice(planner, prices, engine, tuple(range(seed, seed + seeds))),
        )


def compare(
    traces: Annotated[
        list[str], typer.Argument(metavar="TRACE...", help="CSV files, or shape:NAME.")
    ],
    policies: Annotated[
        str, typer.Option(metavar="NAMES", help="Names with commas between (? lists them).")
    ] = "all",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, with seeds 0, 1, …")] = 3,
    engines: Annotated[
        str, typer.Option(metavar="NAMES", help="flink, flink-slow, kafka-streams, or all.")
    ] = "flink",
    forecaster: Forecaster = None,
    begin: Begin = None,
    end: End = None,
    minutes: Minutes = None,
    job: JobFile = None,
    settings: Settings = [],  # noqa: B006 -- typer copies it
    jobs: Jobs = None,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
    report: Report = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the plots as SVG files.")
    ] = None,
) -> None:
    """Play workloads against many policies, and table what each costs and how late it is.

    J is the price of a run in workers; worst is the worst run's J beside the oracle's.
    """
    from daedalus_simulator.runs import compare as run
    from daedalus_simulator.runs.request import Part, Wish

    with _one_line():
        run.compare(
            Wish(
                part=Part(begin, end, minutes),
                job=job,
                settings=tuple(settings),
                forecaster=forecaster,
                jobs=jobs,
                as_json=as_json,
                markdown=markdown,
                report=report,
                plots=plots,
            ),
            tuple(traces),
            run.Choice(policies, engines, seeds),
        )


def replay(
    source: Annotated[
        str,
        typer.Argument(
            metavar="topics|FILE", help="`topics`, or a file that `daedalus export` has written."
        ),
    ] = "topics",
    job: Annotated[
        str | None,
        typer.Option(
            "--job", metavar="JOB", help="Only this job [default: all].", show_default=False
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="From then on; `start` for all there is."),
    ] = "start",
    until: Until = "now",
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Run recorded inputs through the same code, and say whether the decisions are those taken.

    What the recording lacks (a state from before it, an event that came too late) cannot be judged,
    and is said. Exit codes: 0 all are the same; 1 some differ, the first is shown field by field;
    5 none differs, and some cannot be judged.
    """
    from daedalus_simulator.runs import replay as run

    with _one_line():
        choice = run.Choice(
            source=source, job=job, since=since, until=until, bootstrap=bootstrap, as_json=as_json
        )
        raise typer.Exit(run.replay(choice))


def whatif(
    job: Annotated[str, typer.Argument(metavar="JOB", help="Name of the job.")],
    settings: Settings = [],  # noqa: B006 -- typer copies it
    source: Annotated[
        str,
        typer.Option("--from", metavar="topics|FILE", help="Where its record is."),
    ] = "topics",
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="From then on; `start` for all there is."),
    ] = "24h",
    until: Until = "now",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the model's chance.")] = 0,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Play a job's record with its own settings and with others, side by side.

    Another scale-out would have changed lag and throughput: both are played on one model of the
    job, made of the recorded workload, the learned capacity curve and the learned downtimes. The
    record itself stands beside them as a check of the model.
    """
    from daedalus_simulator.runs import whatif as run

    with _one_line():
        run.whatif(
            run.Choice(
                job=job,
                settings=tuple(settings),
                source=source,
                since=since,
                until=until,
                seed=seed,
                bootstrap=bootstrap,
                as_json=as_json,
            )
        )


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what is wrong with what was asked for into one line and an exit code."""
    from daedalus_simulator.errors import CommandError

    try:
        yield
    except CommandError as error:
        typer.echo(f"daedalus: {error}", err=True)
        raise typer.Exit(error.code) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
