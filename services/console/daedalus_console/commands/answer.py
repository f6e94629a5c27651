"""`daedalus approve | reject | overrides`."""

from typing import Annotated

import typer

from daedalus_console.commands.completing import jobs as jobs_named
from daedalus_console.options import AsJson, Bootstrap, JobArgument, examples

DecisionId = Annotated[
    str | None,
    typer.Option(
        "--decision", metavar="ID", show_default=False,
        help="Answer this decision (the id, or its beginning) [default: the newest].",
    ),
]  # fmt: skip
Why = Annotated[str, typer.Option("--why", help="For what reason; decisions repeat it.")]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", show_default=False,
        help="When your word ends [default: after policy.approval_time].",
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands that answer what waits, and that list what people asked for."""
    app.command(
        "approve",
        short_help="Let a rescale that waits go ahead.",
        epilog=examples(
            'daedalus approve ysb --why "the campaign begins"',
            'daedalus approve ysb --decision 1f0c2a --until 2h --why "checked"',
        ),
    )(approve)
    app.command(
        "reject",
        short_help="Refuse a rescale that waits.",
        epilog=examples('daedalus reject ysb --why "a load test"'),
    )(reject)
    app.command(
        "overrides",
        short_help="List what people asked for, and what waits for them.",
        epilog=examples("daedalus overrides", "daedalus overrides ysb --json"),
    )(overrides)


def approve(
    job: JobArgument,
    why: Why,
    decision: DecisionId = None,
    until: Until = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Let a rescale go ahead that waits for a person (`policy: {approval: required}`).

    It is carried out at the first tick after the grace (30s) if the planner still wants it, or one
    the same way that goes less far. The word ends with its time and with the rescale.
    """
    from daedalus_console.runs import answer

    reply = answer.Reply(job, "approve", why, decision, until)
    raise typer.Exit(answer.say(reply, bootstrap, as_json=as_json))


def reject(
    job: JobArgument,
    why: Why,
    decision: DecisionId = None,
    until: Until = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Refuse a rescale that waits for a person, and whatever goes further the same way.

    It also takes an approval back that no tick has counted yet: a job's last word counts.
    """
    from daedalus_console.runs import answer

    reply = answer.Reply(job, "reject", why, decision, until)
    raise typer.Exit(answer.say(reply, bootstrap, as_json=as_json))


def overrides(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]", autocompletion=jobs_named, help="Only of this job.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """List the pauses, floors, ceilings, pins and answers in force, and what waits for an answer.

    `resume`, `--clear` and `reject` take them back; each ends by itself, too.
    """
    from daedalus_console.runs import answer

    raise typer.Exit(answer.overrides(job, bootstrap, as_json=as_json))
