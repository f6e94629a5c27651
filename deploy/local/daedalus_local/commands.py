"""`daedalus up | down | status | demo`: the local stack from the command line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Planner = Annotated[str, typer.Option(metavar="NAME", help="Who decides: horizon, rules or hpa.")]


def register(app: typer.Typer) -> None:
    """Add the commands of the local stack."""
    app.command("up", short_help="Start the local stack: real Kafka, Flink, a job, the services.")(
        up
    )
    app.command("down", short_help="End the local stack; only its logs stay.")(down)
    app.command("status", short_help="Show what runs of the local stack.")(status)
    app.command("demo", short_help="Watch a real job follow a workload; ends with a score card.")(
        demo
    )
    app.command("demo-compare", short_help="Play the demo under several planners; table them.")(
        demo_compare
    )


def up(
    job: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Sample job: ysb, wordcount, traffic or wordcount-kstreams."
        ),
    ] = "ysb",
    simulate: Annotated[
        int, typer.Option(metavar="JOBS", min=0, help="Play so many simulated jobs, without Flink.")
    ] = 0,
    planner: Planner = "horizon",
    advise: Annotated[bool, typer.Option("--advise", help="Decide, but change nothing.")] = False,
    speed: Annotated[
        float,
        typer.Option(metavar="FACTOR", help="Play workload and policy so many times as fast."),
    ] = 1.0,
    peak: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Highest records/s. [default: the job's, 4600 for ysb]",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(metavar="MINUTES", help="Length of the workload, job's time.")
    ] = 80.0,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play this CSV of second|count.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT",
            help="Workers at the start. [default: 2; 12 if simulated]",
            show_default=False,
        ),
    ] = None,
    max_workers: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT",
            help="Most workers. [default: 6; 18 if simulated]",
            show_default=False,
        ),
    ] = None,
    no_load: Annotated[bool, typer.Option("--no-load", help="Play no workload.")] = False,
    no_services: Annotated[
        bool, typer.Option("--no-services", help="Start Kafka, the engine and the job only.")
    ] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Scrape the services; needs `prometheus`.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for programs, as `status` does.")
    ] = False,
) -> None:
    """Start the local stack in the background and return when it is ready.

    With --simulate there is no Flink: Kafka and the services run as ever, and a simulator reports
    jobs that do not exist and carries out the commands on them.

    Example: daedalus up --job wordcount --speed 10

    Example: daedalus up --simulate 50 --speed 10

    Example: daedalus up --simulate 3 --speed 10 --prometheus
    """
    from daedalus_local import home, jobs, lifecycle, views
    from daedalus_local.errors import OptionError

    with _one_line():
        _known(job)
        if simulate and no_services:
            raise OptionError("--no-services: with --simulate there is nothing else; leave one out")
        if prometheus and no_services:
            raise OptionError("--prometheus: without services there is nothing to scrape")
        options = home.Options(
            job=job,
            simulate=simulate,
            planner=planner,
            mode="advise" if advise else "act",
            factor=speed,
            minutes=minutes,
            trace=str(trace.resolve()) if trace else None,
            peak=jobs.JOBS[job].peak if peak is None else peak,
            repeat=True,
            services=not no_services,
            prometheus=prometheus,
            load=not no_load,
            first_workers=workers or (12 if simulate else 2),
            max_workers=max_workers or (18 if simulate else 6),
        )
        stack = lifecycle.up(
            home.default(),
            options,
            lambda text: typer.echo(f"· {text}", err=as_json),
            leash=False,
        )
    if as_json:
        typer.echo(views.as_json(stack), nl=False)
        return
    flink = f", Flink at {stack.flink}" if stack.flink else ""
    typer.echo(f"ready: Kafka at {stack.bootstrap}{flink}, {options.shown}")
    if stack.console:
        typer.echo(f"the console is at {stack.console}")
    served = any(process.name == "analyzer" for process in stack.processes)
    watch = "`daedalus watch` follows it, " if served else ""
    for process in stack.processes:
        if process.name == "prometheus":
            typer.echo(f"Prometheus at {process.url}")
    typer.echo(f"`daedalus status` shows it, {watch}`daedalus down` ends it")


def down(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """End the local stack of this folder, also what a killed one has left; its logs stay.

    Example: daedalus down
    """
    from daedalus_local import home, lifecycle

    where = home.default()
    with _one_line():
        there = lifecycle.down(where)
    if as_json:
        typer.echo(json.dumps({"ended": there, "logs": str(where.logs)}))
        return
    typer.echo(f"down; logs are in {where.logs}" if there else f"nothing runs in {where.path}")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show what runs of the local stack of this folder; exit code 1 if it is not ready.

    Example: daedalus status --json
    """
    from daedalus_local import home, views

    with _one_line():
        where = home.default()
        stack, workers = where.read(), where.workers()
        if as_json:
            typer.echo(views.as_json(stack, workers), nl=False)
        else:
            typer.echo(views.as_table(stack, workers, views.width()), nl=False)
        ready = stack is not None and stack.state == "ready" and stack.supervised
    raise typer.Exit(0 if ready else 1)


def demo(
    minutes: Annotated[
        float,
        typer.Option(
            metavar="MINUTES", envvar="DEMO_MINUTES", help="How long it takes, in minutes of ours."
        ),
    ] = 8.0,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Seed of the workload.")] = 1,
    planner: Planner = "horizon",
    job: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Sample job: ysb, wordcount, traffic or wordcount-kstreams."
        ),
    ] = "ysb",
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser",
            help="Open the job's page, at a desktop; BROWSER=none says no, too.",
        ),
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the score card as JSON for programs.")
    ] = False,
) -> None:
    """Watch a real job follow a real workload; ends with a score card, leaves nothing.

    At a terminal of a desktop the job's page opens in the browser.

    Example: DEMO_MINUTES=16 daedalus demo

    Example: daedalus demo --job wordcount-kstreams

    Example: daedalus demo --no-browser

    Example: daedalus demo --json > card.json
    """
    from daedalus_local import demo as show

    with _one_line():
        _known(job)
        raise typer.Exit(show.run(minutes, seed, planner, job, browser=browser, as_json=as_json))


def demo_compare(
    runs: Annotated[
        int, typer.Option(envvar="RUNS", min=1, help="Runs of each planner, each another workload.")
    ] = 3,
    minutes: Annotated[
        float,
        typer.Option(
            metavar="MINUTES", envvar="DEMO_MINUTES", help="How long a run takes, minutes of ours."
        ),
    ] = 8.0,
    planners: Annotated[
        str, typer.Option(metavar="NAMES", help="Who plays, with commas between.")
    ] = "rules,horizon,hpa",
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Seed of the first workload.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Play the demo's workload under several planners in turn, on the real cluster.

    Prints what each run took in workers, how late its records were, its rescales and its price J.

    Example: daedalus demo-compare --runs 1 --minutes 4
    """
    from daedalus_local import compare, services
    from daedalus_local.errors import OptionError

    with _one_line():
        names = [name.strip() for name in planners.split(",")]
        for name in names:
            if name not in services.PLANNERS:
                known = ", ".join(services.PLANNERS)
                raise OptionError(f"--planners {name or planners}: must be among {known}")
        raise typer.Exit(compare.run(minutes, runs, names, seed, as_json=as_json))


def _known(job: str) -> None:
    from daedalus_local import jobs
    from daedalus_local.errors import OptionError

    if job not in jobs.JOBS:
        raise OptionError(f"--job {job}: must be one of {', '.join(jobs.JOBS)}")


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what is wrong into one line and an exit code."""
    from daedalus_local.errors import StackError

    try:
        yield
    except StackError as error:
        typer.echo(f"daedalus: {error}", err=True)
        raise typer.Exit(error.code) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
