"""Events put together: rescales and the story of a decision."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from daedalus_console.rescales import newest_decision, rescales, story
from daedalus_shared.events import Event


def test_a_rescale_is_put_together_in_any_order(past: Any) -> None:
    for events in (past.events, past.events[::-1], [*past.events, *past.events]):
        (found,) = rescales(events)

        assert found.command == past.command
        assert found.decision == past.decision
        assert found.outcomes == (past.outcome,)
        assert found.recovery == past.recovery
        assert found.change == (4, 6)


@pytest.mark.parametrize("name", ["command", "outcome", "recovery"])
def test_one_event_is_enough(past: Any, name: str) -> None:
    (found,) = rescales([getattr(past, name)])

    assert found.command_id == past.command.id
    assert found.change == (4, 6)
    assert found.promise == past.decision.promise


def test_rescales_are_told_oldest_first(past: Any, noon: datetime) -> None:
    later = {"at": noon + timedelta(hours=1), "tick": noon + timedelta(hours=1)}

    found = rescales([past.command.model_copy(update=later), past.command])

    assert [rescale.tick for rescale in found] == [noon, noon + timedelta(hours=1)]


def minute(past: Any, count: int, **changes: object) -> Event:
    at = past.decision.tick + timedelta(minutes=count)
    return past.decision.model_copy(update={"at": at, "tick": at, **changes})  # type: ignore[no-any-return]  # a Decision


def test_the_decision_in_effect_is_the_newest_up_to_then(past: Any, noon: datetime) -> None:
    events = [minute(past, count) for count in (2, 0, 1)]

    at = noon + timedelta(seconds=90)
    assert newest_decision(events, at, None) == events[2]
    assert newest_decision(events, noon - timedelta(seconds=1), None) is None


def test_a_shadow_is_explained_only_when_named_or_alone(past: Any, noon: datetime) -> None:
    shadow = minute(past, 1, planner="mine", shadow=True)
    at = noon + timedelta(hours=1)

    assert newest_decision([past.decision, shadow], at, None) == past.decision
    assert newest_decision([past.decision, shadow], at, "mine") == shadow
    assert newest_decision([shadow], at, None) == shadow


def test_the_last_change_leaves_out_what_stays(past: Any, noon: datetime) -> None:
    stay = minute(past, 1, chosen=4)

    found = newest_decision([past.decision, stay], noon + timedelta(hours=1), None, changes=True)

    assert found == past.decision


def test_a_story_is_told_by_inputs_and_correlation(past: Any, noon: datetime) -> None:
    later = {"at": noon + timedelta(minutes=1), "tick": noon + timedelta(minutes=1)}
    noise = [
        past.update.model_copy(update=later),
        past.forecast.model_copy(update={"forecaster": "mine"}),
        past.update.model_copy(update={"source": "analyzer/shadow"}),
        past.command.model_copy(update=later),
        past.outcome.model_copy(update={**later, "command": "another"}),
    ]

    found = story(past.decision, [*past.events, *noise])

    assert (found.update, found.forecast) == (past.update, past.forecast)
    assert found.rescale is not None
    assert found.rescale.outcomes == (past.outcome,)
    assert found.rescale.recovery == past.recovery
    assert found.as_json()["rescale"]["to"] == 6


def test_a_forecast_of_an_earlier_tick_counts_when_it_was_used(past: Any, noon: datetime) -> None:
    earlier = {"at": noon - timedelta(minutes=1), "tick": noon - timedelta(minutes=1)}
    previous = past.forecast.model_copy(update=earlier)
    decision = past.decision.model_copy(update={"inputs": (previous.id,)})

    assert story(decision, [previous]).forecast == previous


def test_a_story_without_its_events_is_still_told(past: Any) -> None:
    found = story(past.decision, [])

    assert found.update is None
    assert found.forecast is None
