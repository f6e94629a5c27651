"""A rescale that needs a person's word: what is asked, what is answered, and what follows."""

import doctest
from typing import Any

import pytest

from daedalus_planner.domain import approvals
from daedalus_planner.planner import Planner
from daedalus_shared.events import Answer, Approval, Decision, OverrideKind, Status
from harness.planning import (
    Shell,
    after,
    capacity,
    closing,
    declared,
    forecast,
    metrics,
    outcome,
    override,
    running,
)

LOAD = 700.0
"""Records/s that eight workers carry; four run."""


def asking(**policy: Any) -> Shell:
    return running(approval="required", settle=0, quiet=0, **policy)


def answer(
    decision: Decision, at: float, word: Answer = Answer.APPROVE, **changed: Any
) -> Approval:
    assert decision.asked is not None
    said: dict[str, Any] = {
        "decision": decision.asked.decision,
        "from_scale_out": decision.scale_out,
        "scale_out": decision.asked.scale_out,
        "until": after(at + 900),
        "author": "ann",
        "why": "checked",
        **changed,
    }
    return Approval(job="j", at=after(at), source="console/ann", answer=word, **said)


def told(decision: Decision) -> tuple[int | None, str, str | None]:
    return decision.chosen, decision.reason, decision.asked.state if decision.asked else None


def test_a_decision_waits_for_a_persons_word_and_says_what_would_be_done() -> None:
    shell = asking()

    decision = shell.tick(0, rate=LOAD)

    assert told(decision) == (4, "awaiting_approval", "awaiting")
    assert shell.commands == []
    asked = decision.asked
    assert asked is not None
    assert (asked.decision, asked.scale_out, asked.until) == (decision.id, 8, after(900))
    assert asked.promise is not None
    assert asked.promise.capacity == 800.0
    assert decision.limits == ("approval",)
    assert decision.sentence.startswith(
        "Stay at 4 workers: scaling to 8 workers waits for an approval until 2026-01-01 12:15:00"
    )


def test_an_approved_rescale_is_commanded_at_the_next_tick() -> None:
    shell = asking()
    asked = shell.tick(0, rate=LOAD)

    said = answer(asked, 20)
    shell.feed(said)
    decision = shell.tick(60, rate=LOAD)

    assert told(decision) == (8, "scale_up", "approved")
    assert [command.to_scale_out for command in shell.commands] == [8]
    assert "approved by ann (checked)" in decision.sentence
    assert decision.asked is not None
    assert decision.asked.approval == said.id
    assert {said.id, asked.id} <= set(decision.inputs)


def test_a_word_counts_from_the_grace_after_it_on() -> None:
    shell = asking()
    asked = shell.tick(0, rate=LOAD)

    shell.feed(answer(asked, 40))

    assert told(shell.tick(60, rate=LOAD))[2] == "awaiting"
    assert told(shell.tick(120, rate=LOAD))[2] == "approved"


def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    decision = asking().tick(0, rate=350.0)

    assert decision.chosen == decision.scale_out
    assert decision.asked is None


def test_a_wish_that_is_gone_takes_its_request_along() -> None:
    shell = asking()
    asked = shell.tick(0, rate=LOAD)
    shell.feed(answer(asked, 20))

    decision = shell.tick(60, rate=350.0)

    assert told(decision) == (4, decision.reason, None)
    assert shell.commands == []


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param(550.0, (6, "scale_up", "approved"), id="less far the same way"),
        pytest.param(250.0, (4, "awaiting_approval", "awaiting"), id="the other way"),
    ],
)
def test_an_approval_covers_what_goes_no_further_the_same_way(
    rate: float, expected: tuple[int, str, str]
) -> None:
    shell = asking()
    asked = shell.tick(0, rate=LOAD)
    shell.feed(answer(asked, 20))

    assert told(shell.tick(60, rate=rate)) == expected


def test_what_goes_further_than_approved_is_asked_anew() -> None:
    shell = asking()
    asked = shell.tick(0, rate=550.0)
    assert asked.asked is not None
    assert asked.asked.scale_out == 6
    shell.feed(answer(asked, 20))

    decision = shell.tick(60, rate=LOAD)

    assert told(decision) == (4, "awaiting_approval", "awaiting")
    assert decision.asked is not None
    assert decision.asked.decision == decision.id


def test_a_rejected_rescale_is_not_asked_again_until_the_word_ends() -> None:
    shell = asking()
    asked = shell.tick(0, rate=550.0)
    shell.feed(answer(asked, 20, Answer.REJECT, until=after(150), why="a sale"))

    further = shell.tick(60, rate=LOAD)
    assert told(further) == (4, "rejected", "rejected")
    assert "rejected by ann (a sale)" in further.sentence
    assert told(shell.tick(120, rate=550.0))[2] == "rejected"
    assert told(shell.tick(180, rate=550.0))[2] == "awaiting"


def test_the_last_word_counts() -> None:
    shell = asking()
    asked = shell.tick(0, rate=LOAD)
    shell.feed(answer(asked, 10), answer(asked, 20, Answer.REJECT, author="bob"))

    assert "rejected by bob" in shell.tick(60, rate=LOAD).sentence

    shell.feed(answer(asked, 70))
    assert told(shell.tick(120, rate=LOAD))[2] == "approved"


def test_an_approval_is_used_up_by_the_rescale_that_follows() -> None:
    shell = asking()
    shell.feed(answer(shell.tick(0, rate=LOAD), 20))
    shell.tick(60, rate=LOAD)
    shell.feed(outcome(shell.commands[0], 80, Status.APPLIED))
    down = shell.tick(120, rate=250.0, scale_out=8)
    assert told(down)[2] == "awaiting"
    shell.feed(answer(down, 130))
    shell.tick(180, rate=250.0, scale_out=8)
    assert shell.commands[1].to_scale_out < 8
    shell.feed(outcome(shell.commands[1], 200, Status.APPLIED, scale_out=4, generation=2))

    assert told(shell.tick(240, rate=LOAD, scale_out=4))[2] == "awaiting", "not the first one's"


def test_a_request_is_the_same_until_its_time_is_up_and_then_asked_anew() -> None:
    shell = asking(approval_time=100)
    first, second, third = (shell.tick(at, rate=LOAD) for at in (0, 60, 120))

    assert first.asked is not None
    assert second.asked is not None
    assert third.asked is not None
    assert second.asked == first.asked
    assert first.id in second.inputs
    assert (third.asked.decision, third.asked.until) == (third.id, after(220))


def test_a_policy_may_act_when_nobody_answers() -> None:
    shell = asking(approval_time=100, approval_lapse="act")
    shell.tick(0, rate=LOAD)
    shell.tick(60, rate=LOAD)
    assert shell.commands == []

    decision = shell.tick(120, rate=LOAD)

    assert told(decision) == (8, "scale_up", "lapsed")
    assert len(shell.commands) == 1
    assert "nobody answered in time" in decision.sentence


def test_a_scale_up_that_averts_an_overload_may_be_spared() -> None:
    held, spared = asking(), asking(approval_spares="overload")

    assert told(held.tick(0, rate=LOAD))[1] == "awaiting_approval"
    assert told(spared.tick(0, rate=LOAD)) == (8, "scale_up", None)
    assert told(spared.tick(60, rate=150.0))[1] == "command_pending"


def test_what_people_ask_for_themselves_needs_no_other_word() -> None:
    pinned, floored = asking(), asking()
    pinned.feed(override(OverrideKind.PIN, at=-60, until=600, scale_out=2))
    floored.feed(override(OverrideKind.FLOOR, at=-60, until=600, scale_out=5, why="a sale"))

    assert told(pinned.tick(0, rate=LOAD)) == (2, "pinned", None)
    decision = floored.tick(0, rate=LOAD)
    assert told(decision) == (5, "floor", "awaiting")
    assert decision.limits == ("floor", "approval")
    assert decision.sentence.startswith("Scale from 4 to 5 workers: at least 5 workers by ada")


def test_what_is_paused_is_not_asked_for() -> None:
    shell = asking()
    shell.feed(override(OverrideKind.PAUSE, at=-60, until=600))

    assert told(shell.tick(0, rate=LOAD)) == (4, "paused", None)


def test_advice_waits_too() -> None:
    shell = asking(mode="advise")
    asked = shell.tick(0, rate=LOAD)
    assert told(asked) == (4, "awaiting_approval", "awaiting")

    shell.feed(answer(asked, 20))
    shell.tick(60, rate=LOAD)

    assert [(command.to_scale_out, command.dry_run) for command in shell.commands] == [(8, True)]


def test_a_shadow_asks_nobody() -> None:
    shell = Shell(planner=Planner("mine", "rules"))
    shell.feed(declared(approval="required"))

    decision = shell.tick(0, rate=LOAD)

    assert (decision.shadow, decision.chosen, decision.asked) == (True, 8, None)
    assert shell.commands == []


def test_a_word_that_names_the_decision_alone_means_what_it_asked_for() -> None:
    shell = asking()
    asked = shell.tick(0, rate=LOAD)
    bare: dict[str, Any] = {"from_scale_out": None, "scale_out": None, "until": None}

    other = answer(asked, 10, **bare).model_copy(update={"decision": "another"})
    shell.feed(other)
    assert told(shell.tick(60, rate=LOAD))[2] == "awaiting"

    shell.feed(answer(asked, 70, **bare))
    assert told(shell.tick(120, rate=LOAD))[2] == "approved"


@pytest.mark.parametrize("order", ["word first", "word last", "twice", "restarting"])
def test_the_same_events_give_the_same_decisions(order: str) -> None:
    shell = asking()
    shell.twice, shell.restarting = order == "twice", order == "restarting"
    asked = shell.tick(0, rate=LOAD)
    said = answer(asked, 20)
    tick = [closing(60), capacity(60, rate=LOAD), forecast(60, LOAD)]

    if order == "word last":  # it lies on its topic, and is read when the tick needs it
        shell.topics.setdefault(said.NAME, []).append(said)
        shell.feed(metrics(15), *tick)
    else:
        shell.feed(said, *tick)

    assert told(shell.decisions[-1]) == (8, "scale_up", "approved")
    assert len(shell.commands) == 1


def test_the_examples_hold() -> None:
    assert doctest.testmod(approvals).failed == 0
