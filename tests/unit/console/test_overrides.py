"""What people ask of a job for a while."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from daedalus_console.errors import ChangedError, ConsoleError, NotFoundError, UsageError
from daedalus_console.overrides import (
    Author,
    Wish,
    check_stands,
    effective,
    ended,
    forget,
    in_force,
    override,
    taken_back,
)
from daedalus_console.runs.wish import still
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Direction, Override, OverrideKind
from daedalus_shared.job_spec import JobSpec

HOUR = timedelta(hours=1)


@pytest.fixture
def control(ysb: JobSpec, noon: datetime) -> JobControl:
    declared = Declaration(job="ysb", at=noon - HOUR, source="console/ada", spec=ysb)
    return JobControl().fold(declared)


@pytest.mark.parametrize(
    ("kind", "asked", "error"),
    [
        pytest.param(OverrideKind.FLOOR, 9, "above the job's scale.max 8", id="floor too high"),
        pytest.param(OverrideKind.PIN, 9, "above the job's scale.max 8", id="pin too high"),
        pytest.param(OverrideKind.PIN, 0, "below the job's scale.min 1", id="pin too low"),
        pytest.param(OverrideKind.CEILING, 0, "below the job's scale.min 1", id="ceiling too low"),
    ],
)
def test_a_bound_that_cannot_be_met_is_refused(
    control: JobControl, noon: datetime, kind: OverrideKind, asked: int, error: str
) -> None:
    wish = Wish("ysb", kind, noon + HOUR, "why", scale_out=asked)

    with pytest.raises(ConsoleError, match=error):
        override(wish, control, Author("ada", noon))


def test_an_override_says_who_why_and_until_when(control: JobControl, noon: datetime) -> None:
    wish = Wish("ysb", OverrideKind.PAUSE, noon + HOUR, "release", Direction.DOWN)

    event = override(wish, control, Author("ada", noon))

    assert event.key == "ysb/Override/pause-down"
    assert (event.source, event.author, event.why) == ("console/ada", "ada", "release")
    assert (event.at, event.until) == (noon, noon + HOUR)
    assert effective(event, control.declarations[0].spec) == noon + timedelta(seconds=30)


def test_an_override_that_has_ended_is_a_mistake(control: JobControl, noon: datetime) -> None:
    with pytest.raises(UsageError, match="is past"):
        override(Wish("ysb", OverrideKind.PAUSE, noon, "x"), control, Author("ada", noon))


def test_an_override_that_ends_before_it_counts_is_refused(
    control: JobControl, noon: datetime
) -> None:
    ada, grace = Author("ada", noon), timedelta(seconds=30)
    wish = Wish("ysb", OverrideKind.PAUSE, noon + grace, "x")

    with pytest.raises(UsageError) as refused:
        override(wish, control, ada)
    assert str(refused.value) == (
        "until must be later than 2026-01-01T12:00:30+00:00: "
        "what is asked counts from the first tick that ends 30 s after it"
    )

    longer = override(replace(wish, until=noon + 2 * grace), control, ada)
    assert control.fold(longer).overrides_at(noon + grace, 30) == (longer,)
    assert len(taken_back("ysb", control.fold(longer), ada, OverrideKind.PAUSE, "y")) == 1


def test_nobody_may_ask_for_any_number_of_workers(control: JobControl, noon: datetime) -> None:
    wish = Wish("ysb", OverrideKind.CEILING, noon + HOUR, "release", scale_out=10**30)

    with pytest.raises(UsageError, match="more than anybody may ask for: 10,000"):
        override(wish, control, Author("ada", noon))


def test_an_unknown_job_is_named(noon: datetime) -> None:
    wish = Wish("nope", OverrideKind.PAUSE, noon + HOUR, "x")

    with pytest.raises(NotFoundError, match="'nope'"):
        override(wish, JobControl(), Author("ada", noon))
    with pytest.raises(NotFoundError, match="'nope'"):
        forget("nope", JobControl(), Author("ada", noon))


def test_taking_back_ends_just_what_was_asked(control: JobControl, noon: datetime) -> None:
    ada = Author("ada", noon)
    for way in (Direction.UP, Direction.DOWN):
        wish = Wish("ysb", OverrideKind.PAUSE, noon + HOUR, "x", way)
        control = control.fold(override(wish, control, ada))
    floor = Wish("ysb", OverrideKind.FLOOR, noon + HOUR, "x", scale_out=3)
    control = control.fold(override(floor, control, ada))
    later = Author("bob", noon + timedelta(minutes=1))

    assert len(taken_back("ysb", control, later, OverrideKind.PAUSE, "y")) == 2
    (event,) = taken_back("ysb", control, later, OverrideKind.PAUSE, "released", Direction.UP)
    assert event.direction is Direction.UP
    assert (event.author, event.why) == ("bob", "released")
    after = control.fold(event)
    assert ended(after.overrides, later.now) == (event,)
    assert ended(after.overrides, later.now + HOUR) == ()
    again = Wish("ysb", OverrideKind.PAUSE, noon + HOUR, "x", Direction.UP)
    renewed = after.fold(override(again, after, Author("ada", noon + timedelta(minutes=2))))
    assert ended(renewed.overrides, later.now) == ()
    left = in_force(after, later.now)
    assert {(known.kind, known.direction) for known in left} == {
        (OverrideKind.PAUSE, Direction.DOWN),
        (OverrideKind.FLOOR, Direction.BOTH),
    }


def test_what_was_asked_before_a_job_was_forgotten_is_over(
    control: JobControl, noon: datetime
) -> None:
    pin = Wish("ysb", OverrideKind.PIN, noon + 48 * HOUR, "x", scale_out=3)
    control = control.fold(override(pin, control, Author("ada", noon)))
    control = control.fold(forget("ysb", control, Author("bob", noon + HOUR)))
    later = Author("ada", noon + 2 * HOUR)
    again = control.declarations[0].model_copy(update={"at": later.now})

    assert in_force(control, later.now) == ()
    assert in_force(control.fold(again), later.now) == ()
    assert taken_back("ysb", control.fold(again), later, OverrideKind.PIN, "y") == []


def test_a_groups_quota_ends_by_its_direction_alone(control: JobControl, noon: datetime) -> None:
    for way, count in ((Direction.UP, 4), (Direction.BOTH, 6)):
        wish = Wish("ysb", OverrideKind.CEILING, noon + HOUR, "x", way, count)
        control = control.fold(override(wish, control, Author("ada", noon)))
    bob = Author("bob", noon + timedelta(minutes=1))

    (ended,) = taken_back("ysb", control, bob, OverrideKind.CEILING, "sold out")
    assert (ended.direction, ended.scale_out) == (Direction.BOTH, 6)
    (given,) = taken_back("ysb", control, bob, OverrideKind.CEILING, "left", Direction.UP)
    assert given.scale_out == 4
    (told,) = still(OverrideKind.CEILING, in_force(control.fold(ended), bob.now))
    assert told.startswith("ysb: still in force: ada asks for a ceiling of 4 until ")
    assert told.endswith("(`daedalus quota -f FILE --clear` takes it back)")


def test_what_goes_on_holding_a_job_is_told_with_what_ends_it(
    control: JobControl, noon: datetime
) -> None:
    ada = Author("ada", noon)
    for way in (Direction.BOTH, Direction.UP):
        pause = Wish("ysb", OverrideKind.PAUSE, noon + HOUR, "sale", way)
        control = control.fold(override(pause, control, ada))

    assert taken_back("ysb", control, ada, OverrideKind.PAUSE, "x", Direction.DOWN) == []
    both, up = still(OverrideKind.PAUSE, in_force(control, noon))
    assert both.startswith("ysb: still in force: ada asks for a pause until ")
    assert both.endswith(": sale (`daedalus resume ysb --why …` takes it back)")
    assert up.endswith(": sale (`daedalus resume ysb --up --why …` takes it back)")
    assert still(OverrideKind.FLOOR, in_force(control, noon)) == []


def test_a_blank_reason_is_refused(control: JobControl, noon: datetime) -> None:
    ada = Author("ada", noon)

    with pytest.raises(UsageError, match="--why is blank"):
        override(Wish("ysb", OverrideKind.PAUSE, noon + HOUR, " "), control, ada)
    with pytest.raises(UsageError, match="--why is blank"):
        taken_back("ysb", control, ada, OverrideKind.PAUSE, "")


def test_nothing_in_force_means_nothing_to_take_back(control: JobControl, noon: datetime) -> None:
    assert taken_back("ysb", control, Author("ada", noon), OverrideKind.PIN, "x") == []


def test_what_is_taken_back_is_what_was_seen(control: JobControl, noon: datetime) -> None:
    def ceiling(minute: int, author: str) -> Override:
        wish = Wish("ysb", OverrideKind.CEILING, noon + HOUR, "x", scale_out=5)
        return override(wish, control, Author(author, noon + timedelta(minutes=minute)))

    seen, newer = ceiling(0, "ada"), ceiling(1, "bob")
    check_stands(seen.id, control.fold(seen), noon)

    with pytest.raises(ChangedError, match="has changed meanwhile: look again"):
        check_stands(seen.id, control.fold(seen).fold(newer), noon)
    with pytest.raises(ChangedError):
        check_stands(seen.id, control.fold(seen), noon + 2 * HOUR)
