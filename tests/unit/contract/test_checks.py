"""Each check of the contract kit passes what is right, and fails what is not, with one line."""

import doctest
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_contract import common, jobs, ticks
from daedalus_contract.found import Answer, Message, answers, intruders, other_sources
from daedalus_contract.jobs import Course, names, spec
from daedalus_contract.roles import analyzer, forecaster, planner
from daedalus_contract.ticks import Asked, Phase, Play
from daedalus_contract.verdicts import Mark, Verdict
from daedalus_shared.events import (
    Decision,
    Event,
    Forecast,
    Promise,
    Recovery,
    ScaleCommand,
    encode,
    headers,
)
from daedalus_shared.topics import partition_of, topic_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOURCE = "forecaster/mine"
PARTITIONS = 4


def forecast(tick: float = 0.0, **changed: Any) -> Forecast:
    at = NOON + timedelta(seconds=tick)
    fields: dict[str, Any] = {
        "job": "a",
        "at": at,
        "tick": at,
        "source": SOURCE,
        "step": 60.0,
        "horizon": 120.0,
        "mean": (1.0, 2.0),
        "forecaster": "mine",
        "model": "m",
    }
    return Forecast.model_validate({**fields, **changed})


def message(event: Event, after: float = 0.1, **changed: Any) -> Message:
    """Return the event as its source should have written it, `changed` where it did not."""
    found = Message(
        topic=topic_of(type(event)),
        partition=partition_of(event.key, PARTITIONS),
        offset=7,
        key=event.key.encode(),
        value=encode(event),
        headers=headers(event),
        written_at=event.at + timedelta(seconds=after),
    )
    return replace(found, **changed)


def read(*messages: Message, jobs: Sequence[str] = ("a", "b"), source: str = SOURCE) -> Any:
    return answers(messages, source, jobs)


def value(**changed: Any) -> bytes:
    return json.dumps({**json.loads(encode(forecast())), **changed}).encode()


def head(name: str, told: bytes | None) -> dict[str, bytes]:
    found = {**headers(forecast()), name: told}
    return {key: each for key, each in found.items() if each is not None}


def play(*found: Answer, phase: Phase = Phase.USUAL, **changed: Any) -> Play:
    fields: dict[str, Any] = {
        "source": SOURCE,
        "partitions": PARTITIONS,
        "grace": 5.0,
        "asked": (Asked("a", NOON, NOON, phase),),
        "silent": frozenset({"b"}),
        "answers": found,
    }
    return Play(**{**fields, **changed})


def decodes(found: Sequence[Answer]) -> Verdict:
    return common.decodes(found, (Forecast,))


def places(found: Sequence[Answer]) -> Verdict:
    return common.places(found, PARTITIONS)


RIGHT = read(message(forecast()), message(forecast()))


@pytest.mark.parametrize(
    "check", [decodes, common.values, common.heads, common.keys, places, common.ids, common.repeats]
)
def test_what_is_right_passes(check: Callable[[Sequence[Answer]], Verdict]) -> None:
    assert check(RIGHT).mark is Mark.PASSED, check(RIGHT).said


@pytest.mark.parametrize(
    ("check", "wrong", "said"),
    [
        pytest.param(decodes, {"value": b"{"}, "Invalid JSON", id="no JSON"),
        pytest.param(decodes, {"value": b"[" * 100_000}, "Invalid JSON", id="nested deeply"),
        pytest.param(decodes, {"value": value(mean=[])}, "mean", id="no values"),
        pytest.param(
            decodes, {"headers": head("ce_type", b"daedalus.forecasts.v2")}, "major version 2",
            id="another major",
        ),
        pytest.param(common.values, {"value": value(mean=[float("nan")] * 2)}, "mean.0", id="NaN"),
        pytest.param(common.values, {"value": value(mean=[-1.0, 1.0])}, "got -1.0", id="negative"),
        pytest.param(common.values, {"value": value(mean=[1e300] * 2)}, "1e+300", id="absurd"),
        pytest.param(
            common.heads, {"headers": head("correlationid", None)},
            "correlationid is missing, expected 'a@2026-01-01T12:00:00+00:00'",
            id="no correlation",
        ),
        pytest.param(
            common.heads, {"headers": head("ce_subject", b"z")}, "ce_subject 'z', expected 'a'",
            id="another subject",
        ),
        pytest.param(
            common.heads, {"headers": head("ce_time", b"noon")}, "ce_time 'noon'", id="no time"
        ),
        pytest.param(common.keys, {"key": b"k"}, "key b'k', expected b'a'", id="another key"),
        pytest.param(common.keys, {"key": None}, "key None", id="no key"),
        pytest.param(
            places, {"partition": (partition_of("a", PARTITIONS) + 1) % PARTITIONS},
            "murmur2_random", id="another partition",
        ),
        pytest.param(common.ids, {"headers": head("ce_id", b"x")}, "ce_id x, expected", id="id"),
    ],
)  # fmt: skip
def test_what_is_wrong_fails_with_a_line_that_shows_it(
    check: Callable[[Sequence[Answer]], Verdict], wrong: dict[str, Any], said: str
) -> None:
    verdict = check(read(message(forecast(), **wrong)))

    assert verdict.mark is Mark.FAILED
    assert said in verdict.said
    assert "\n" not in verdict.said


def test_what_is_said_again_must_not_differ() -> None:
    verdict = common.repeats(read(message(forecast()), message(forecast(mean=(1.0, 3.0)))))

    assert verdict.mark is Mark.FAILED
    assert "have one id, yet differ" in verdict.said


def test_only_what_is_its_own_and_of_the_test_counts() -> None:
    others = message(forecast(source="forecaster/other"))
    elsewhere = message(forecast(job="z"))
    unreadable = message(forecast(), value=b"{")

    assert read(others, elsewhere) == ()
    assert len(read(unreadable)) == 1
    assert read(message(forecast(source="forecaster/other"), value=b"{")) == ()
    assert other_sources([others], SOURCE, ("a",)) == ["forecaster/other"]


def test_who_speaks_of_a_runs_jobs_beside_the_kit_is_named() -> None:
    own = message(forecast(job="contract-x-1", source="monitor/contract"))
    other = message(forecast(job="contract-x-1", source="monitor/real"))

    assert intruders([own, other, message(forecast())], "contract", "x") == ["monitor/real"]


# -- ticks ----------------------------------------------------------------------------------------


def test_a_play_as_it_should_be_passes_every_check() -> None:
    found = play(*read(message(forecast())))
    later = play(*read(message(forecast())), phase=Phase.AFTER_GARBAGE)
    back = play(*read(message(forecast())), phase=Phase.AFTER_RESTART, restarted=True)
    verdicts = [
        ticks.one_a_tick(found, Forecast),
        ticks.echo(found, Forecast),
        ticks.in_time(found, Forecast),
        ticks.unknown_jobs(found),
        ticks.survives(later, Forecast),
        ticks.restart(back, Forecast),
        forecaster.named(found),
        forecaster.forward(found),
    ]

    assert {each.mark for each in verdicts} == {Mark.PASSED}, verdicts


def test_a_restart_is_told_as_not_tested_where_the_kit_cannot_make_one() -> None:
    assert ticks.restart(play(), Forecast).mark is Mark.SKIPPED


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        pytest.param(
            ticks.one_a_tick(play(others=["forecaster/other"]), Forecast),
            "nothing came from forecaster/mine for 1 ticks; forecaster/other answered",
            id="silent",
        ),
        pytest.param(
            ticks.one_a_tick(
                play(*read(message(forecast()), message(forecast(forecaster="two")))), Forecast
            ),
            "was answered by 2 events",
            id="two answers",
        ),
        pytest.param(
            ticks.echo(play(*read(message(forecast(3.0)))), Forecast),
            "tick 2026-01-01T12:00:03+00:00 was never reported for a",
            id="another tick",
        ),
        pytest.param(
            ticks.echo(play(*read(message(forecast(at=NOON + timedelta(seconds=1))))), Forecast),
            "is not its tick",
            id="another instant",
        ),
        pytest.param(
            ticks.in_time(play(*read(message(forecast(), after=6.0))), Forecast),
            "after 6.0 s, expected within 5 s",
            id="late",
        ),
        pytest.param(
            ticks.unknown_jobs(play(*read(message(forecast(job="b"))))),
            "speaks of b, which was never declared",
            id="an unknown job",
        ),
        pytest.param(
            ticks.survives(play(phase=Phase.AFTER_GARBAGE), Forecast),
            "no answer to a@2026-01-01T12:00:00+00:00, after messages that nobody can read",
            id="poisoned",
        ),
        pytest.param(
            ticks.restart(play(phase=Phase.AFTER_RESTART, restarted=True), Forecast),
            "that came while it was killed",
            id="lost in a restart",
        ),
        pytest.param(
            forecaster.named(play(*read(message(forecast(forecaster="x"))))),
            "forecaster 'x', expected 'mine'",
            id="another name",
        ),
        pytest.param(
            forecaster.forward(play(*read(message(forecast(step=5.0, horizon=10.0))))),
            "horizon 10 s",
            id="short-sighted",
        ),
    ],
)
def test_a_wrong_play_fails_with_a_line_that_shows_it(verdict: Verdict, said: str) -> None:
    assert verdict.mark is Mark.FAILED
    assert said in verdict.said


# -- analyzer and planner -------------------------------------------------------------------------


def analyzed(*events: Event) -> Play:
    return play(*read(*(message(event) for event in events), source="analyzer/contract"))


def test_an_analyzers_table_loops_and_recoveries_are_looked_at() -> None:
    course = Course("a", NOON)
    update = course.update(3)
    gap = update.model_copy(update={"table": update.table[:-1]})
    course.tick += timedelta(seconds=6)
    stuck = course.update(3)
    recovery = Recovery(
        job="a", at=NOON, tick=NOON, source="analyzer/contract", command="c", to_scale_out=3
    )
    broken = recovery.model_copy(update={"command": analyzer.COMMAND, "promise": Promise()})

    assert analyzer.table(analyzed(update)).mark is Mark.PASSED
    assert "expected [1, 2" in analyzer.table(analyzed(gap)).said
    assert analyzer.counted(analyzed(update, course.update(4))).mark is Mark.PASSED
    assert "loop 3 follows loop 3" in analyzer.counted(analyzed(update, stuck)).said
    assert analyzer.recoveries(analyzed()).mark is Mark.PASSED
    assert "none that was carried out" in analyzer.recoveries(analyzed(recovery)).said
    assert "the promise is" in analyzer.recoveries(analyzed(broken)).said


def decision(**changed: Any) -> Decision:
    fields: dict[str, Any] = {
        "job": "a",
        "at": NOON,
        "tick": NOON,
        "source": "planner/mine",
        "planner": "mine",
        "scale_out": 2,
        "chosen": 3,
        "reason": "load",
        "sentence": "More.",
    }
    return Decision.model_validate({**fields, **changed})


def command(**changed: Any) -> ScaleCommand:
    fields: dict[str, Any] = {
        "job": "a",
        "at": NOON,
        "tick": NOON,
        "source": "planner/mine",
        "from_scale_out": 2,
        "to_scale_out": 3,
        "expires_at": NOON + timedelta(seconds=60),
        "decision": decision().id,
        "promise": {},
    }
    return ScaleCommand.model_validate({**fields, **changed})


def planned(*events: Event, phase: Phase = Phase.USUAL) -> Play:
    asked = tuple(Asked(job, NOON, NOON, phase) for job in ("a", "b"))
    found = read(*(message(event) for event in events), source="planner/mine")
    return play(*found, asked=asked)


def test_commands_that_may_be_carried_out_pass() -> None:
    found = planned(decision(command=command().id), command())

    verdicts = [
        planner.paired(found),
        planner.bounded(found),
        planner.dry(found, "b"),
        planner.shadow(found, "b"),
    ]
    assert {each.mark for each in verdicts} == {Mark.PASSED}, verdicts


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        pytest.param(
            planner.paired(planned(decision(command=command().id))),
            "names a command that never came",
            id="announced and not sent",
        ),
        pytest.param(
            planner.paired(planned(command())), "is unknown", id="a command without a decision"
        ),
        pytest.param(
            planner.paired(planned(decision(command=command().id, scale_out=4), command())),
            "goes from 2, the decision saw 4",
            id="from another scale-out",
        ),
        pytest.param(
            planner.bounded(planned(command(to_scale_out=9))), "9 workers", id="out of bounds"
        ),
        pytest.param(
            planner.bounded(planned(command(expires_at=NOON))), "before its tick's end", id="void"
        ),
        pytest.param(
            planner.dry(planned(command()), "a"), "dry_run is False", id="acts in mode advise"
        ),
        pytest.param(
            planner.shadow(planned(command()), "a"), "whose planner is another", id="usurps"
        ),
        pytest.param(
            planner.shadow(planned(decision()), "a"), "shadow is False", id="no shadow said"
        ),
        pytest.param(
            planner.withheld(planned(phase=Phase.WITHHELD), "a", "b"),
            "no decision without the forecast",
            id="waits for ever",
        ),
        pytest.param(
            planner.withheld(planned(decision(), phase=Phase.WITHHELD), "a", "b"),
            "is marked (), not forecast_missing",
            id="says nothing of it",
        ),
        pytest.param(
            planner.withheld(
                planned(
                    decision(marks=("forecast_missing",)),
                    decision(job="b", marks=("analyzer_missing",), command="c"),
                    phase=Phase.WITHHELD,
                ),
                "a",
                "b",
            ),
            "a command was sent although the analyzer was missing",
            id="acts blindly",
        ),
    ],
)
def test_wrong_commands_fail_with_a_line_that_shows_it(verdict: Verdict, said: str) -> None:
    assert verdict.mark is Mark.FAILED
    assert said in verdict.said


# -- what is played -------------------------------------------------------------------------------


def test_the_examples_in_the_docstrings_hold() -> None:
    found = doctest.testmod(jobs)

    assert (found.attempted > 0, found.failed) == (True, 0)


def test_the_played_jobs_lie_on_several_partitions_and_their_ticks_in_the_past() -> None:
    named = names("x", 6, 12)
    course = Course.before(named[0], NOON, 9)
    reports = [report for _ in range(9) for report in course.advance()]

    assert len({partition_of(job, 12) for job in named}) == 6
    assert course.tick <= NOON
    assert [report.tick is not None for report in reports] == [False, True] * 9
    assert all(report.samples[-1].at == report.at for report in reports)
    assert spec(named[0], 5.0, planner="p").policy.planner == "p"
