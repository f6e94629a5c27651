"""What a person confirms on the page is what they saw, or nothing; driven without a browser."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from nicegui import Client, background_tasks, ui

from daedalus_console.live.live import Live
from daedalus_console.page.parts import Text
from daedalus_console.page.ports import Console
from daedalus_console.page.steering import Awaiting, Steer, _Form
from daedalus_console.records import Record
from daedalus_console.web.people import Person, Role
from daedalus_console.web.steering import Asked as Wish
from daedalus_console.web.steering import Ended, Reply, Written
from daedalus_shared.events import (
    Answer,
    Approval,
    Asked,
    Decision,
    Declaration,
    Direction,
    Event,
    Override,
    OverrideKind,
    Promise,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.topics import topic_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

NOTHING = Written((), NOON, "tag")


class Recording:
    """Takes down what would be written."""

    def __init__(self) -> None:
        self.answers: list[tuple[Decision, Reply]] = []
        self.asked: list[Wish] = []
        self.ended: list[Ended] = []

    def answer(self, _person: Person, decision: Decision, reply: Reply) -> Written:
        self.answers.append((decision, reply))
        return NOTHING

    def ask(self, _person: Person, asked: Wish) -> Written:
        self.asked.append(asked)
        return NOTHING

    def end(self, _person: Person, ended: Ended) -> Written:
        self.ended.append(ended)
        return NOTHING


class Ada:
    """Lets one person in, who steers."""

    def person(self, _request: object) -> Person:
        return Person("ada", Role.STEER)


class Desk:
    """The card of a job's page, what is known of the job, and what was written."""

    def __init__(self, spec: JobSpec) -> None:
        self.live = Live()
        self.steering = Recording()
        ports: Any = self
        self.said = Text("p")
        console = Console(ports, cast("Any", Ada()))
        self.steer = Steer(console, "ysb", cast("Any", None), self.said)
        self.card = Awaiting(self.steer)
        self.hear(Declaration(job="ysb", at=NOON, source="console/a", spec=spec))

    def clock(self) -> datetime:
        return NOON

    def hear(self, event: Event) -> None:
        self.live.fold(Record(topic_of(type(event)), 0, 0, event.at, event.key, None, event))

    def look(self) -> None:
        """Show what waits, as the page does now and then."""
        row = self.live.row("ysb", NOON)
        self.card.show(row.asked, 4)

    def find(self, tag: str, text: str | None = None) -> ui.element:
        [found] = [
            one
            for one in self.card.descendants()
            if one.tag == tag and (text is None or (isinstance(one, Text) and one.text == text))
        ]
        return found

    def type(self, text: str) -> None:
        fire(self.find("input"), text)

    async def press(self, word: str) -> None:
        before = set(background_tasks.running_tasks)
        fire(self.find("button", word))
        await asyncio.gather(*background_tasks.running_tasks - before)

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.card.descendants() if isinstance(one, Text) and one.text]


def fire(element: ui.element, *args: str) -> None:
    """Do to an element what a browser would report."""
    [listener] = element._event_listeners.values()
    said = [f'"{arg}"' for arg in args]
    message = {"id": element.id, "listener_id": listener.id, "args": said}
    element.client.handle_event(message)


@pytest.fixture
def desk(ysb: JobSpec, client: Client) -> Desk:
    with client:
        return Desk(ysb)


def waits(minute: float, asked: str, scale_out: int, downtime: float = 10.0) -> Decision:
    """A decision that stays at 4 workers until somebody approves others."""
    at = NOON + timedelta(minutes=minute - 10)
    return Decision(
        job="ysb",
        at=at,
        tick=at,
        source="planner/horizon",
        planner="horizon",
        scale_out=4,
        chosen=4,
        reason="awaiting_approval",
        sentence="Stay at 4 workers until somebody approves.",
        asked=Asked(
            decision=asked,
            scale_out=scale_out,
            until=NOON + timedelta(hours=1),
            promise=Promise(downtime=downtime),
        ),
    )


async def test_the_rescale_that_is_seen_is_approved(desk: Desk) -> None:
    desk.hear(waits(1, "first", 6))
    desk.look()

    desk.type("looked at it")
    await desk.press("Approve")

    [(decision, reply)] = desk.steering.answers
    assert decision.asked is not None
    assert (decision.asked.decision, decision.asked.scale_out) == ("first", 6)
    assert reply == Reply(Answer.APPROVE, "looked at it")
    assert desk.said.text.startswith("The rescale is approved: written")


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(waits(2, "second", 12), id="another rescale waits"),
        pytest.param(waits(2, "first", 5), id="the same request, for fewer workers"),
        pytest.param(
            waits(2, "first", 6).model_copy(update={"asked": None, "reason": "cheapest"}),
            id="none waits any more",
        ),
        pytest.param(
            Approval(
                job="ysb",
                at=NOON,
                source="console/bob",
                decision="first",
                author="bob",
                answer=Answer.REJECT,
                why="not now",
            ),
            id="somebody else has answered",
        ),
    ],
)
async def test_what_was_not_seen_is_not_approved(desk: Desk, meanwhile: Event) -> None:
    desk.hear(waits(1, "first", 6))
    desk.look()
    desk.type("looked at it")

    desk.hear(meanwhile)  # and the card does not show it yet
    await desk.press("Approve")

    assert desk.steering.answers == []
    assert desk.said.text == (
        "Not approved: what waits for approval has changed meanwhile: look again."
    )


async def test_focus_and_reason_stay_while_the_same_rescale_waits(desk: Desk) -> None:
    desk.hear(waits(1, "first", 6, downtime=10.0))
    desk.look()
    field = desk.find("input")
    desk.type("looked at it")

    desk.hear(waits(2, "first", 6, downtime=10.1))  # each tick expects a little else of it
    desk.look()

    assert desk.find("input") is field
    await desk.press("Reject")
    assert [reply.why for _, reply in desk.steering.answers] == ["looked at it"]


async def test_a_reason_is_of_one_rescale_and_of_no_later_one(desk: Desk) -> None:
    desk.hear(waits(1, "first", 6))
    desk.look()
    desk.type("the first needs it")

    desk.hear(waits(2, "second", 1))
    desk.look()
    assert "4 → 1 workers" in desk.texts
    await desk.press("Approve")

    assert desk.steering.answers == []
    assert "Reason: say why, so that others know" in desk.texts


async def test_what_is_taken_back_is_the_override_that_is_seen(desk: Desk) -> None:
    seen = Override(
        job="ysb",
        at=NOON,
        source="console/bob",
        kind=OverrideKind.PAUSE,
        direction=Direction.UP,
        until=NOON + timedelta(hours=1),
        author="bob",
    )

    await desk.steer.end(seen, "sold out")

    [ended] = desk.steering.ended
    assert ended == Ended("ysb", OverrideKind.PAUSE, "sold out", Direction.UP, seen.id)


@pytest.mark.parametrize(
    ("workers", "asked"),
    [("", []), ("-1", []), ("10001", []), ("9" * 5000, []), ("012", [12]), ("10000", [10_000])],
)
async def test_workers_are_bounded_whatever_the_browser_lets_through(
    desk: Desk, client: Client, workers: str, asked: list[int]
) -> None:
    with client:
        form = _Form(desk.steer, OverrideKind.CEILING)
    form._take("workers", workers)
    form._take("why", "y" * 400)

    await form._submit()

    assert [each.scale_out for each in desk.steering.asked] == asked
    assert all(each.why == "y" * 300 for each in desk.steering.asked)
    assert form._wrong.text.startswith("Workers: write a whole number up to 10000") is (asked == [])
