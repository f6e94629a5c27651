"""What the kit says of executors and monitors, on plain values; and of wrong usage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from daedalus_contract.__main__ import app
from daedalus_contract.found import Answer, Message
from daedalus_contract.roles import executor, monitor
from daedalus_contract.roles.executor import Case, Executed
from daedalus_contract.roles.monitor import LOOP, RATE, WORKERS, Watched
from daedalus_contract.verdicts import Mark, Verdict
from daedalus_shared.events import (
    Event,
    JobMetrics,
    Promise,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Status,
    encode,
    headers,
)
from daedalus_shared.ticks import next_end
from daedalus_shared.topics import topic_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUN = CliRunner()


def answer(event: Event, after: float = 0.1) -> Answer:
    written_at = event.at + timedelta(seconds=after)
    place = topic_of(type(event))
    return Answer(
        Message(place, 0, 0, event.key.encode(), encode(event), headers(event), written_at), event
    )


# -- executor -------------------------------------------------------------------------------------

COMMAND = ScaleCommand(
    job="a",
    at=NOON,
    tick=NOON,
    source="planner/contract",
    from_scale_out=2,
    to_scale_out=3,
    expires_at=NOON + timedelta(minutes=1),
    decision="d",
    promise=Promise(capacity=1.0),
)
CASE = Case(
    check="applies",
    command=COMMAND,
    expected=frozenset({Status.APPLIED}),
    why="nothing speaks against it",
    generation=1,
    changes=(3,),
    sent_at=NOON,
)


def outcome(**changed: Any) -> ScaleOutcome:
    fields: dict[str, Any] = {
        "job": "a",
        "at": NOON,
        "tick": NOON,
        "source": "executor/mine",
        "command": COMMAND.id,
        "to_scale_out": 3,
        "scale_out": 3,
        "generation": 1,
        "status": "applied",
        "promise": COMMAND.promise,
    }
    return ScaleOutcome.model_validate({**fields, **changed})


def executed(*outcomes: ScaleOutcome, cases: tuple[Case, ...] = (CASE,)) -> Executed:
    return Executed(
        source="executor/mine",
        partitions=4,
        grace=5.0,
        cases=cases,
        answers=tuple(answer(each) for each in outcomes),
    )


def applies(play: Executed) -> Verdict:
    return executor.of_check(play, "applies", "mend")


def refuses(play: Executed) -> Verdict:
    return executor.of_check(play, "refuses", "mend")


REFUSED = replace(CASE, check="refuses", expected=frozenset({Status.REFUSED}), changes=())
LATER = COMMAND.model_copy(update={"tick": NOON + timedelta(seconds=1), "to_scale_out": 4})
SECOND = replace(CASE, command=LATER, generation=2, changes=(4,))


@pytest.mark.parametrize(
    "check", [executor.answered, applies, executor.generations, executor.echoes]
)
def test_an_executor_that_does_as_told_passes(check: Callable[[Executed], Verdict]) -> None:
    found = check(executed(outcome()))

    assert found.mark is Mark.PASSED, found.said


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        pytest.param(executor.answered(executed()), "nothing came from executor/mine", id="silent"),
        pytest.param(
            executor.answered(executed(outcome(), outcome(status="failed"))),
            "2 outcomes of one command of a: applied, failed",
            id="two outcomes",
        ),
        pytest.param(
            applies(executed(outcome(), cases=(replace(CASE, changes=()),))),
            "the engine was set to nothing, expected [3]",
            id="says so, and did nothing",
        ),
        pytest.param(
            applies(executed(outcome(), cases=(replace(CASE, changes=(3, 3)),))),
            "the engine was set to [3, 3]",
            id="twice",
        ),
        pytest.param(
            refuses(executed(outcome(), cases=(REFUSED,))), "expected refused, came applied",
            id="obeys what it must refuse",
        ),
        pytest.param(
            refuses(executed(outcome(status="refused"), cases=(replace(REFUSED, changes=(3,)),))),
            "the engine was set to [3], expected no change",
            id="refuses, and does it",
        ),
        pytest.param(
            executor.generations(
                executed(
                    outcome(), outcome(command=LATER.id, generation=1), cases=(CASE, SECOND)
                )
            ),
            "generation 1, expected 2",
            id="does not count",
        ),
        pytest.param(
            executor.echoes(executed(outcome(promise=None))), "promise is None", id="no promise"
        ),
        pytest.param(
            executor.echoes(executed(outcome(command="x"))), "'x' was never sent", id="invented"
        ),
        pytest.param(
            executor.in_time(
                replace(
                    executed(cases=(CASE, SECOND)),
                    answers=(answer(outcome(command=LATER.id), after=36.0),),
                )
            ),
            "after 36.0 s",
            id="late",
        ),
        pytest.param(
            executor.of_check(executed(), "once", "mend"), "was not played", id="silent before"
        ),
    ],
)  # fmt: skip
def test_an_executor_that_does_not_fails_with_a_line_that_shows_it(
    verdict: Verdict, said: str
) -> None:
    assert verdict.mark is Mark.FAILED
    assert said in verdict.said


# -- monitor --------------------------------------------------------------------------------------

TICK = next_end("a", LOOP, NOON)


def report(tick: datetime | None = TICK, job: str = "a", **changed: Any) -> JobMetrics:
    at = tick or TICK
    fields: dict[str, Any] = {"at": at, "scale_out": WORKERS, "workload": float(RATE)}
    fields |= {"lag": 0.0, "uptime": 1.0, "unknown": {"latency": "not measured"}}
    sample = Sample.model_validate({**fields, **changed})
    return JobMetrics(job=job, at=at, source="monitor/mine", samples=(sample,), tick=tick)


def watched(*reports: JobMetrics, after: float = 0.1, **changed: Any) -> Watched:
    fields: dict[str, Any] = {
        "source": "monitor/mine",
        "partitions": 4,
        "grace": 5.0,
        "seen": ("a",),
        "broken": "broken",
        "forgotten": "gone",
        "forgotten_at": NOON - timedelta(minutes=1),
        "silent": "silent",
        "until": TICK,
        "spoiled_at": NOON - timedelta(minutes=1),
        "away": None,
        "answers": tuple(answer(each, after) for each in reports),
    }
    return Watched(**{**fields, **changed})


def test_a_monitor_that_sees_what_is_passes() -> None:
    verdicts = monitor.verdicts(watched(report()))

    assert [each.name for each in verdicts if each.mark is not Mark.PASSED] == ["restart"]


@pytest.mark.parametrize(
    ("check", "play", "said"),
    [
        pytest.param(monitor.closes, watched(), "nothing came from monitor/mine", id="silent"),
        pytest.param(
            monitor.closes,
            watched(report(), until=TICK + timedelta(seconds=LOOP)),
            "was closed 0 times",
            id="a tick left out",
        ),
        pytest.param(
            monitor.grid, watched(report(TICK + timedelta(seconds=2))), "expected", id="off grid"
        ),
        pytest.param(
            monitor.ordered,
            watched(report(), report(TICK + timedelta(seconds=LOOP), at=TICK)),
            "follows one at",
            id="out of order",
        ),
        pytest.param(
            monitor.ordered,
            watched(report(at=TICK + timedelta(seconds=1))),
            "in the report of",
            id="beyond its report",
        ),
        pytest.param(
            monitor.unknowns, watched(report(unknown={})), "latency is null", id="no reason"
        ),
        pytest.param(
            monitor.unknowns,
            watched(report(job="broken", scale_out=0)),
            "its engine says nothing readable",
            id="0 instead of unknown",
        ),
        pytest.param(
            monitor.scale_outs, watched(report(scale_out=7)), "the engine says 3", id="scale-out"
        ),
        pytest.param(monitor.workloads, watched(report(workload=9.0)), "expected about", id="rate"),
        pytest.param(monitor.workloads, watched(report(workload=None)), "never known", id="none"),
        pytest.param(monitor.in_time, watched(report(), after=6.0), "came after 6.0 s", id="late"),
        pytest.param(
            monitor.forgotten, watched(report(job="gone")), "forgotten at", id="a forgotten job"
        ),
        pytest.param(
            monitor.forgotten, watched(report(job="silent")), "never declared", id="undeclared"
        ),
        pytest.param(
            monitor.survives, watched(report(), spoiled_at=TICK), "nobody can read", id="poisoned"
        ),
        pytest.param(
            monitor.restart, watched(report(), away=(NOON, TICK)), "after a restart", id="gone"
        ),
    ],
)
def test_a_monitor_that_does_not_fails_with_a_line_that_shows_it(
    check: Callable[[Watched], Verdict], play: Watched, said: str
) -> None:
    verdict = check(play)

    assert verdict.mark is Mark.FAILED
    assert said in verdict.said


# -- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(["juggler", "--source", "a/b"], 2, "'juggler' is none of monitor", id="role"),
        pytest.param(["planner", "--source", "mine"], 2, "is not SERVICE/INSTANCE", id="source"),
        pytest.param(
            ["planner", "--source", "planner/x", "-b", "localhost:1"], 3, "Kafka does not answer",
            id="no Kafka",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused_in_one_line(
    arguments: list[str], code: int, told: str
) -> None:
    found = RUN.invoke(app(), arguments)

    assert found.exit_code == code
    assert told in found.output
    assert found.output.count("\n") == 1


def test_the_help_has_examples() -> None:
    found = RUN.invoke(app(), ["--help"])

    assert "daedalus-contract forecaster --source" in found.output.partition("Examples:")[2]
