"""Another planner or forecaster is obeyed: nothing else of the spec changes."""

from datetime import datetime, timedelta

import pytest

from daedalus_console.brokers import Address
from daedalus_console.errors import ChangedError, ConsoleError, NotFoundError, UsageError
from daedalus_console.overrides import Author, forget
from daedalus_console.promotion import check, check_obeyed, heard, promoted
from daedalus_console.runs.promote import Wish
from daedalus_console.views import lines
from daedalus_console.web import steering
from daedalus_console.web.people import Person, Role
from daedalus_shared.control import JobControl
from daedalus_shared.events import Decision, Declaration, Event, Forecast
from daedalus_shared.job_spec import JobSpec


@pytest.fixture
def control(ysb: JobSpec, noon: datetime) -> JobControl:
    declared = Declaration(job="ysb", at=noon - timedelta(hours=1), source="console/ada", spec=ysb)
    return JobControl().fold(declared)


def test_the_spec_keeps_all_but_the_name(control: JobControl, ysb: JobSpec, noon: datetime) -> None:
    event, changes = promoted(
        "ysb", control, Author("ann", noon), planner="rules", why="fewer rescales"
    )

    assert [str(change) for change in changes] == ["policy.planner horizon → rules"]
    assert event.spec.policy.planner == "rules"
    assert event.spec.model_copy(update={"policy": ysb.policy}) == ysb
    assert (event.author, event.why) == ("ann", "fewer rescales")
    assert lines.of(event).endswith("by ann: fewer rescales")
    assert control.fold(event).newest == event.spec


def test_who_is_obeyed_already_changes_nothing(control: JobControl, noon: datetime) -> None:
    _, changes = promoted("ysb", control, Author("ann", noon), forecaster="daedalus", why="x")

    assert changes == ()
    with pytest.raises(UsageError, match="--why is blank"):
        promoted("ysb", control, Author("ann", noon), forecaster="daedalus", why="")


def test_who_was_seen_to_be_obeyed_still_is() -> None:
    check_obeyed("planner", "rules", "horizon", "horizon")
    check_obeyed("planner", "rules", "rules", "horizon")
    check_obeyed("planner", "rules", "mine", None)
    check_obeyed("planner", None, "mine", "horizon")

    with pytest.raises(ChangedError, match="planner obeyed is mine meanwhile, not horizon: look"):
        check_obeyed("planner", "rules", "mine", "horizon")


def test_the_page_writes_nothing_where_another_is_obeyed_than_was_seen(
    control: JobControl, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Event] = []
    monkeypatch.setattr(steering, "control", lambda *_: control)
    monkeypatch.setattr(steering, "check_heard", lambda *_: None)
    monkeypatch.setattr(steering, "publish", lambda _, events: written.extend(events))
    page = steering.Steering(Address("kafka:9092", "a test"), lambda: noon, per_minute=9)
    ada = Person("ada", Role.STEER)

    def wish(instead: str) -> Wish:
        return Wish("ysb", "rules", None, "cheaper", force=False, instead=instead)

    with pytest.raises(ChangedError, match="planner obeyed is horizon meanwhile, not mine"):
        page.promote(ada, wish("mine"))
    assert written == []

    page.promote(ada, wish("horizon"))
    assert [type(each) for each in written] == [Declaration]


def test_nobody_is_promoted_who_does_not_run(
    past_decision: Decision, past_forecast: Forecast
) -> None:
    planners, forecasters = heard([past_decision, past_forecast])

    check("planner", "rules", planners, "10m")
    check("forecaster", None, forecasters, "10m")
    with pytest.raises(ConsoleError, match=r"'mine' within 10m \(heard of: daedalus\)"):
        check("forecaster", "mine", forecasters, "10m")


@pytest.fixture
def past_decision(noon: datetime) -> Decision:
    return Decision(
        job="ysb", at=noon, tick=noon, source="planner/rules", planner="rules", reason="x",
        sentence="",
    )  # fmt: skip


@pytest.fixture
def past_forecast(noon: datetime) -> Forecast:
    return Forecast(
        job="ysb", at=noon, tick=noon, source="forecaster/daedalus", step=60, horizon=60,
        mean=(1.0,), forecaster="daedalus", model="line",
    )  # fmt: skip


def test_a_job_must_be_declared(noon: datetime) -> None:
    with pytest.raises(NotFoundError):
        promoted("nope", JobControl(), Author("ann", noon), planner="rules", why="x")


def test_forgetting_what_was_learned_says_so(control: JobControl, noon: datetime) -> None:
    event = forget("ysb", control, Author("ann", noon), "rewritten", stays_declared=True)

    assert lines.of(event) == "ann has what was learned forgotten: rewritten"
    assert control.fold(event).newest is not None
