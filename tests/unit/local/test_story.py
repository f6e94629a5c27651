"""Events put together to a story, however often they are delivered."""

from datetime import UTC, datetime, timedelta

from daedalus_local.story import Story
from daedalus_shared.events import (
    Candidate,
    Decision,
    JobMetrics,
    Promise,
    Recovery,
    Sample,
    ScaleOutcome,
    Status,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


DECISION = Decision(
    job="ysb", at=at(6), source="planner/rules", tick=at(6), planner="rules", scale_out=2, chosen=4,
    reason="scale_up", sentence="Scale up.", command="c1",
    candidates=(Candidate(scale_out=2, capacity=150.0, verdict="too_small"),),
    promise=Promise(capacity=300.0, downtime=3.0, recovery=6.0),
)  # fmt: skip
OUTCOME = ScaleOutcome(
    job="ysb", at=at(20), source="executor/e", tick=at(6), command="c1", from_scale_out=2,
    to_scale_out=4, scale_out=4, generation=1, status=Status.APPLIED, downtime=4.0,
    started_at=at(8), converged_at=at(19),
)  # fmt: skip
RECOVERY = Recovery(
    job="ysb", at=at(30), source="analyzer/a", tick=at(6), command="c1", to_scale_out=4,
    recovery=12.0,
)  # fmt: skip


def test_a_rescale_is_put_together_from_decision_outcome_and_recovery() -> None:
    story = Story("ysb")
    for event in (OUTCOME, RECOVERY, DECISION):
        assert story.add(event)

    [found] = story.rescales()

    assert (found.before, found.after, found.status) == (2, 4, "applied")
    assert found.start == at(8).timestamp()
    assert found.converged == at(19).timestamp()
    assert (found.promised_downtime, found.downtime) == (3.0, 4.0)
    assert (found.promised_recovery, found.recovery) == (6.0, 12.0)
    assert found.capacity_before == 150.0


def test_a_command_without_an_outcome_says_so() -> None:
    story = Story("ysb")
    story.add(DECISION)

    [found] = story.rescales()

    assert found.status == "no outcome yet"
    assert not found.applied


def test_the_same_event_again_and_those_of_others_are_not_new() -> None:
    story = Story("ysb")

    assert story.add(DECISION)
    assert not story.add(DECISION)
    assert not story.add(DECISION.model_copy(update={"job": "other"}))
    assert not story.add(DECISION.model_copy(update={"shadow": True, "planner": "other"}))
    assert len(story.decisions()) == 1


def test_looks_are_ordered_single_and_from_the_beginning_of_the_load() -> None:
    story = Story("ysb")
    samples = tuple(Sample(at=at(second), scale_out=2, workload=5.0) for second in (3, 1, 2))
    story.add(JobMetrics(job="ysb", at=at(3), source="monitor/m", samples=samples))
    story.add(JobMetrics(job="ysb", at=at(4), source="monitor/m", samples=samples[:1]))

    looks = story.looks(since=at(2).timestamp())

    assert [look.at for look in looks] == [at(2).timestamp(), at(3).timestamp()]
