"""How many records a job makes of one, from what it committed and where its topics end."""

from collections.abc import Iterable

import pytest

from daedalus_monitor.domain.fan_out import FanOut
from daedalus_monitor.domain.offsets import Offsets, lag
from daedalus_monitor.domain.readings import Unknown

LINES, WORDS, KEYS = ("lines", 0), ("words", 0), ("keys", 0)


def look(read: int, words: int, keys: int = 0) -> Offsets:
    ends = {WORDS: words, KEYS: keys}
    return Offsets({LINES: read}, {LINES: read}, {}, Offsets(ends, dict.fromkeys(ends, 0), {}))


def after(looks: Iterable[Offsets]) -> FanOut:
    found = FanOut()
    for each in looks:
        found = found.seen(each)
    return found


def test_nine_words_a_line_are_worth_a_ninth_each() -> None:
    found = after(look(100 * n, 900 * n) for n in range(6))

    assert found.worth == {"words": pytest.approx(1 / 9)}


def test_each_topic_is_worth_its_own() -> None:
    found = after(look(100 * n, 900 * n, 200 * n) for n in range(6))

    assert found.worth == {"words": pytest.approx(1 / 9), "keys": pytest.approx(1 / 2)}


def test_a_record_of_a_step_that_filters_is_worth_no_more_than_one() -> None:
    assert after(look(100 * n, 10 * n) for n in range(6)).worth == {"words": 1.0}


def test_before_three_commits_nothing_is_known() -> None:
    assert after(look(100 * n, 900 * n) for n in range(3)).worth == {}
    assert after(look(100 * n, 900 * n) for n in range(4)).worth != {}


def test_looks_between_two_commits_do_not_count() -> None:
    """What is made before its inputs are committed is added to those once they are."""
    looks = [look(100 * (n // 3), 300 * n) for n in range(18)]

    assert after(looks).worth["words"] == pytest.approx(1 / 9)


def test_a_change_of_the_job_is_learned_within_some_commits() -> None:
    few = [look(100 * n, 200 * n) for n in range(10)]
    many = [look(1000 + 100 * n, 2000 + 1000 * n) for n in range(30)]

    assert after(few + many).worth["words"] == pytest.approx(0.1, rel=0.1)


def test_topics_made_anew_are_learned_anew() -> None:
    learned = [look(100 * n, 900 * n) for n in range(6)]

    assert after([*learned, look(10, 90)]).worth == {}
    assert after([*learned, look(600, 90)]).worth == {}


def test_a_look_that_does_not_tell_changes_nothing() -> None:
    learned = after(look(100 * n, 900 * n) for n in range(6))
    blind = [
        Offsets({LINES: 1}, {LINES: 1}, {}),
        Offsets({LINES: 1}, Unknown("denied"), {}, look(1, 1).between),
        Offsets({LINES: 1}, {LINES: 1}, {}, Offsets.nothing("no such topic")),
    ]

    for each in blind:
        assert learned.seen(each) == learned


def test_what_waits_between_the_steps_counts_as_the_inputs_that_it_was_made_of() -> None:
    between = Offsets({WORDS: 1000}, {WORDS: 100}, {}, worth={"words": 1 / 9})

    assert lag(Offsets({LINES: 500}, {LINES: 400}, {}, between)) == pytest.approx(100 + 100)
