"""`daedalus standings | calibration | cost`."""

from typing import Annotated

import typer

from daedalus_console.commands.completing import jobs as jobs_named
from daedalus_console.options import AsJson, Bootstrap, JobArgument, examples

OneJob = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOB]", autocompletion=jobs_named, help="Only this job.", show_default=False
    ),
]
Day = Annotated[str, typer.Option("--since", metavar="TIME", help="From when on.")]


def register(app: typer.Typer) -> None:
    """Add the commands that hold what was promised and spent against what came."""
    app.command(
        "standings",
        short_help="Rank the planners and forecasters of a job, shadows too.",
        epilog=examples(
            "daedalus standings ysb",
            "daedalus standings ysb --since 7d --json",
            "daedalus compare --live ysb     # the same",
        ),
    )(standings)
    app.command(
        "calibration",
        short_help="Hold promises against what came, over time.",
        epilog=examples(
            "daedalus calibration ysb --since 7d",
            "daedalus calibration --since 30d --json",
        ),
    )(calibration)
    app.command(
        "cost",
        short_help="Tell worker-hours beside static ones and the HPA's.",
        epilog=examples(
            "daedalus cost",
            "daedalus cost ysb --since 7d",
            "daedalus cost ysb --hpa 60 --json",
        ),
    )(cost)


def standings(
    job: JobArgument,
    since: Day = "24h",
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Rank the planners and forecasters of a job by what came: the obeyed ones and the shadows.

    Forecasters: WAPE by distance, and the part of the workloads within their band of eight in ten,
    on the loops' mean workloads.

    Planners: what each wanted at each tick is played as if it had been done at once, on the
    workload that came, with the capacities and downtimes that were learned. Price counts workers,
    rescales and lateness by the job's own prices, in workers; "against" is its part of the price of
    what ran, over the same time. A shadow decides from the scale-out that ran, not from its own.
    What it says while it only waits (for somebody else's rescale to settle, in a pause) is left
    out, as "time" tells, and its rescales are an estimate: read some percent as nothing.

    Time in which something is not known is left out and told.
    """
    from daedalus_console.runs import account

    raise typer.Exit(account.standings(job, since, bootstrap, as_json=as_json))


def calibration(
    job: OneJob = None,
    since: Day = "7d",
    periods: Annotated[
        int, typer.Option("--periods", min=1, max=100, help="Lines that the time is cut into.")
    ] = 7,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Hold what was promised against what came: downtimes, recoveries, capacities, bands.

    Ratios are medians of seen over promised, 1 is right; "kept" is the part that was no worse than
    promised. Capacity is the first one measured at the new scale-out once it was warm. "In band" is
    the part of the workloads between the quantiles 0.1 and 0.9 of the forecast of five loops
    before, 80 % is right. Without JOB: a line a job, without bands.
    """
    from daedalus_console.runs import account

    raise typer.Exit(account.calibration(job, since, periods, bootstrap, as_json=as_json))


def cost(
    job: OneJob = None,
    since: Day = "24h",
    hpa: Annotated[
        int, typer.Option("--hpa", min=1, max=100, help="CPU that the HPA holds, percent.")
    ] = 80,
    speed: Annotated[
        float,
        typer.Option("--speed", min=0.01, help="Seconds of the job in one, as in `daedalus up`."),
    ] = 1.0,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Tell the worker-hours of a job, or of all, beside those of a static job and of the HPA.

    Worker-hours "as it ran" are counted. The rest is modelled on the workload that came, with the
    capacities and downtimes that were learned: a static job at the spec's max, one at the mean that
    ran (rounded up), and Kubernetes' HPA on CPU, taken as the part of the capacity used. Lateness
    is modelled for all, so that it compares. Time in which something is not known is left out and
    told.
    """
    from daedalus_console.accounts.books import Rule
    from daedalus_console.runs import account

    raise typer.Exit(account.cost(job, since, Rule(hpa, speed), bootstrap, as_json=as_json))
