"""What people want takes effect a grace after they said so, for all services alike."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_shared.control import JobControl
from daedalus_shared.events import Approval, Declaration, Forget, Override
from daedalus_shared.job_spec import JobSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def declaration(seconds: float, most: int = 6) -> Declaration:
    spec = JobSpec.model_validate(
        {
            "job": "ysb",
            "engine": {"kind": "flink", "rest": "http://jm:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
            "workers": {"kind": "none"},
            "scale": {"max": most},
        }
    )
    return Declaration(job="ysb", at=at(seconds), source="console/me", spec=spec)


def override(
    seconds: float, until: float, kind: str = "floor", workers: int | None = 3
) -> Override:
    return Override.model_validate(
        {
            "job": "ysb",
            "at": at(seconds),
            "source": "console/me",
            "kind": kind,
            "scale_out": workers,
            "until": at(until),
            "author": "me",
        }
    )


@pytest.mark.parametrize(
    ("tick", "most"),
    [
        pytest.param(29, None, id="within the grace"),
        pytest.param(30, 6, id="the grace has passed"),
        pytest.param(129, 6, id="a new one waits for its grace"),
        pytest.param(130, 8, id="the new one"),
        pytest.param(199, 8, id="not forgotten yet"),
        pytest.param(200, None, id="forgotten"),
    ],
)
def test_a_spec_takes_effect_after_the_grace(tick: float, most: int | None) -> None:
    control = JobControl()
    for event in (declaration(0), declaration(100, most=8)):
        control = control.fold(event)
    control = control.fold(Forget(job="ysb", at=at(200), source="console/me", author="me"))

    spec = control.spec(at(tick))

    assert (spec.scale.max if spec else None) == most


def test_the_order_of_reading_and_repetition_do_not_matter() -> None:
    events = [declaration(0), declaration(100, most=8), override(50, 400), override(60, 500)]
    forward, backward = JobControl(), JobControl()
    for event in events:
        forward = forward.fold(event).fold(event)
    for event in reversed(events):
        backward = backward.fold(event)

    assert forward == backward


def test_an_override_ends_and_a_newer_one_of_its_kind_takes_its_place() -> None:
    control = JobControl().fold(override(0, 300)).fold(override(100, 100))

    assert [each.scale_out for each in control.overrides_at(at(60), 30)] == [3]
    assert control.overrides_at(at(20), 30) == ()
    assert control.overrides_at(at(140), 30) == ()  # taken back by one that had ended already


def test_a_pause_and_a_floor_stand_side_by_side() -> None:
    control = JobControl().fold(override(0, 300)).fold(override(0, 300, "pause", None))

    assert {each.kind for each in control.overrides_at(at(60), 30)} == {"floor", "pause"}


@pytest.mark.parametrize(("kind", "workers"), [("pause", 3), ("floor", None), ("pin", None)])
def test_an_incomplete_override_is_refused(kind: str, workers: int | None) -> None:
    with pytest.raises(ValueError, match="a pause has none, others need one"):
        override(0, 1, kind, workers)


def test_a_declaration_of_another_jobs_spec_is_refused() -> None:
    with pytest.raises(ValueError, match="declared with the spec of"):
        Declaration.model_validate({**declaration(0).model_dump(), "job": "other"})


def test_a_job_whose_learning_is_forgotten_stays_declared() -> None:
    forget = Forget(job="ysb", at=at(100), source="console/me", author="me", stays_declared=True)
    control = JobControl().fold(declaration(0)).fold(forget)

    assert control.newest is not None
    assert control.spec(at(200)) == control.newest
    counted = [control.forgets_between(at(tick - 60), at(tick), 30) for tick in (120, 180, 240)]
    assert counted == [False, True, False], "at the first tick that ends the grace after it, once"


def test_the_last_word_on_a_rescale_counts_after_its_grace() -> None:
    words = [
        Approval(job="ysb", at=at(second), source="console/me", decision="d", author=author)
        for second, author in ((0, "ann"), (60, "bob"))
    ]
    control = JobControl()
    for word in words:
        control = control.fold(word)

    assert control.answer(at(29), 30) is None
    assert control.answer(at(89), 30) == words[0]
    assert control.answer(at(90), 30) == words[1]


def forget(seconds: float, *, stays_declared: bool = False) -> Forget:
    return Forget(
        job="ysb", at=at(seconds), source="console/bob", author="bob", stays_declared=stays_declared
    )


def word(seconds: float, author: str = "ann") -> Approval:
    return Approval(job="ysb", at=at(seconds), source="console/me", decision="d", author=author)


@pytest.mark.parametrize(
    ("tick", "workers", "author"),
    [
        pytest.param(199, 3, "ann", id="a tick before it, whenever it is decided"),
        pytest.param(200, None, None, id="at once"),
        pytest.param(331, None, None, id="declared anew"),
        pytest.param(430, 4, "bob", id="asked anew"),
    ],
)
def test_what_was_asked_of_a_job_is_forgotten_with_it(
    tick: float, workers: int | None, author: str | None
) -> None:
    control = JobControl()
    for event in (
        declaration(0), override(50, 9999), word(60), override(200, 9999, "pause", None),
        forget(200), declaration(300), override(400, 9999, workers=4), word(400, "bob"),
    ):  # fmt: skip
        control = control.fold(event)

    answer = control.answer(at(tick), 30)

    assert [each.scale_out for each in control.overrides_at(at(tick), 30)] == (
        [workers] if workers else []
    )
    assert (answer.author if answer else None) == author
    assert [each.at for each in control.unforgotten(control.approvals)] == [at(400)]


def test_what_was_asked_outlives_what_was_learned() -> None:
    control = JobControl()
    for event in (declaration(0), override(50, 9999), word(60), forget(100, stays_declared=True)):
        control = control.fold(event)

    assert control.overrides_at(at(200), 30) == control.overrides != ()
    assert control.answer(at(200), 30) == word(60)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["floor", "ceiling", "pin"]))))
def test_events_lie_by_their_instants_and_those_of_one_as_they_came(
    asked: list[tuple[int, str]],
) -> None:
    control = JobControl()
    for seconds, kind in asked:
        control = control.fold(override(seconds, 400, kind))

    expected = sorted(dict.fromkeys(asked), key=lambda each: each[0])
    assert [(each.at, each.kind) for each in control.overrides] == [
        (at(seconds), kind) for seconds, kind in expected
    ]


def test_no_id_is_asked_of_events_of_other_instants(monkeypatch: pytest.MonkeyPatch) -> None:
    control = JobControl()
    for second in range(100):
        control = control.fold(override(second, 400))
    dear: list[datetime] = []

    def told(event: Override) -> str:
        dear.append(event.at)
        return event.key

    monkeypatch.setattr(Override, "id", property(told))

    control = control.fold(override(50.5, 400)).fold(override(50, 400))

    assert len(control.overrides) == 101
    assert set(dear) == {at(50)}
