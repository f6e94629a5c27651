"""A person's word on a rescale that waits for one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_console.approvals import Said, answered, asking, awaited, standing
from daedalus_console.errors import ConsoleError, NotFoundError, UsageError
from daedalus_console.overrides import Author, effective
from daedalus_console.views import explain, lines
from daedalus_shared.control import JobControl
from daedalus_shared.events import Answer, Asked, Decision, Declaration, Forget
from daedalus_shared.job_spec import JobSpec

YES = Said(Answer.APPROVE, "checked")
NO = Said(Answer.REJECT, "a sale")

GRACE = timedelta(seconds=30)
"""Of the fixture's spec."""


@pytest.fixture
def control(ysb: JobSpec, noon: datetime) -> JobControl:
    declared = Declaration(job="ysb", at=noon - timedelta(hours=1), source="console/ada", spec=ysb)
    return JobControl().fold(declared)


def decision(at: datetime, asked: int | None = 6, **changed: Any) -> Decision:
    made = Decision(
        job="ysb",
        at=at,
        tick=at,
        source="planner/horizon",
        planner="horizon",
        scale_out=4,
        chosen=4,
        reason="awaiting_approval" if asked else "cheapest",
        sentence="Stay at 4 workers.",
    ).model_copy(update=changed)
    if asked is None:
        return made
    until = at + timedelta(minutes=15)
    return made.model_copy(update={"asked": Asked(decision=made.id, scale_out=asked, until=until)})


def test_the_newest_decision_is_answered(control: JobControl, noon: datetime) -> None:
    older, newest = decision(noon, 5), decision(noon + timedelta(minutes=1), 6)
    shadow = decision(noon + timedelta(minutes=2), None, planner="mine", shadow=True)

    found = asking("ysb", [older, newest, shadow])
    event = answered(found, YES, control, Author("ann", noon + timedelta(minutes=2)))

    assert found == newest
    assert (event.decision, event.from_scale_out, event.scale_out) == (newest.id, 4, 6)
    assert (event.author, event.why, event.answer) == ("ann", "checked", Answer.APPROVE)
    assert event.until == noon + timedelta(minutes=17), "the policy's approval_time from now on"
    assert effective(event, control.declarations[0].spec) == event.at + timedelta(seconds=30)
    assert lines.of(event) == "ann approves 4 → 6: checked"
    assert standing(control.fold(event), noon) == event
    assert standing(control.fold(event), noon + timedelta(minutes=17)) is None
    forgotten = Forget(job="ysb", at=event.at, source="console/bob", author="bob")
    assert standing(control.fold(event).fold(forgotten), noon) is None


def test_a_decision_is_found_by_the_beginning_of_its_id(noon: datetime) -> None:
    first, second = decision(noon, 5), decision(noon + timedelta(minutes=1), 6)

    assert asking("ysb", [first, second], first.id[:8]) == first
    with pytest.raises(NotFoundError, match="no decision ffffff"):
        asking("ysb", [first], "ffffff")
    with pytest.raises(UsageError, match="at least 6"):
        asking("ysb", [first], first.id[:3])


def test_where_nothing_waits_the_present_is_told(noon: datetime) -> None:
    with pytest.raises(NotFoundError, match=r"nothing about ysb waits.*Stay at 4"):
        asking("ysb", [decision(noon, 6), decision(noon + timedelta(minutes=1), None)])
    with pytest.raises(NotFoundError, match="no recent decision"):
        asking("ysb", [])


def test_what_has_lapsed_cannot_be_answered(control: JobControl, noon: datetime) -> None:
    late = Author("ann", noon + timedelta(minutes=15))

    with pytest.raises(ConsoleError, match="was up at"):
        answered(decision(noon), YES, control, late)
    with pytest.raises(UsageError, match="is past"):
        answered(decision(noon), Said(Answer.REJECT, "x", noon), control, Author("ann", noon))
    soon = Said(Answer.REJECT, "x", noon + GRACE)
    with pytest.raises(UsageError, match=r"until must be later than 2026-01-01T12:00:30\+00:00: "):
        answered(decision(noon), soon, control, Author("ann", noon))
    with pytest.raises(UsageError, match="--why is blank"):
        answered(decision(noon), Said(Answer.APPROVE, " "), control, Author("ann", noon))
    with pytest.raises(NotFoundError, match="no job 'ysb'"):
        answered(decision(noon), YES, JobControl(), Author("ann", noon))


def test_a_decision_that_waits_says_how_to_answer(noon: datetime) -> None:
    waits = decision(noon)

    told = "\n".join(explain.decided(waits))
    assert f"--decision {waits.id[:8]}" in told
    assert "a person's word on 6 workers until" in told
    assert list(explain.after(waits, None, noon)) == ["Nothing yet: it waits."]


def test_a_rescale_waits_until_somebody_said_a_word_or_its_time_is_up(
    control: JobControl, noon: datetime
) -> None:
    asks = decision(noon)
    said = control.fold(answered(asks, YES, control, Author("ann", noon)))

    assert awaited(asks, control, noon) == asks.asked
    assert awaited(asks, said, noon) is None
    assert awaited(asks, control, noon + timedelta(minutes=15)) is None
    assert awaited(decision(noon, None), control, noon) is None


@pytest.mark.parametrize(
    ("said", "after", "waits"),
    [
        pytest.param(NO, timedelta(), False, id="the word does not count yet"),
        pytest.param(NO, GRACE, True, id="a smaller request than the one rejected"),
        pytest.param(
            Said(Answer.APPROVE, "ok", datetime(2026, 1, 1, 12, 1, tzinfo=UTC)),
            2 * GRACE,
            True,
            id="the word has ended",
        ),
    ],
)
def test_a_request_waits_on_where_a_word_counts_and_does_not_hold(
    control: JobControl, noon: datetime, said: Said, after: timedelta, waits: bool
) -> None:
    first = decision(noon)
    assert first.asked is not None
    word = answered(first, said, control, Author("ann", noon))
    smaller = first.asked.model_copy(update={"scale_out": 5})
    later = decision(noon + after).model_copy(update={"asked": smaller})

    assert awaited(later, control.fold(word), later.tick) == (smaller if waits else None)


def test_a_word_on_another_request_hides_none(control: JobControl, noon: datetime) -> None:
    smaller, larger = decision(noon), decision(noon + GRACE, 8)
    word = answered(smaller, YES, control, Author("ann", noon + GRACE))

    assert awaited(larger, control.fold(word), larger.tick) == larger.asked
