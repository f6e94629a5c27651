"""Workers that jobs share: whose they are, and that there are never too many."""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daedalus_console.errors import ConsoleError, UsageError
from daedalus_console.members import Member, deal, disputed, given_back, needs
from daedalus_console.overrides import Author
from daedalus_console.quota import Claim, Group, ceilings, read, shares
from daedalus_console.records import Record
from daedalus_console.runs import quota as runs
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Candidate,
    ControlEvent,
    Decision,
    Declaration,
    Direction,
    Event,
    Forget,
    Override,
    OverrideKind,
)
from daedalus_shared.job_spec import JobSpec

MINUTE = timedelta(minutes=1)


def claim(job: str, priority: int, needed: int, **changed: Any) -> Claim:
    known: dict[str, Any] = {"least": 1, "most": 20, "occupied": 1, "ceiling": None}
    return Claim(job=job, priority=priority, needed=needed, **known | changed)


# -- who may have how many ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "workers", "expected"),
    [
        pytest.param([claim("a", 1, 3)], 10, {"a": 10}, id="alone: all of them"),
        pytest.param([claim("a", 1, 3, most=5)], 10, {"a": 5}, id="but no more than its max"),
        pytest.param(
            [claim("a", 2, 8), claim("b", 1, 8)], 10, {"a": 8, "b": 2}, id="the higher goes first"
        ),
        pytest.param(
            [claim("a", 2, 20), claim("b", 1, 8, least=3)], 10, {"a": 7, "b": 3}, id="after the min"
        ),
        pytest.param(
            [claim("a", 1, 8), claim("b", 1, 8)], 9, {"a": 5, "b": 4}, id="equals share alike"
        ),
        pytest.param(
            [claim("a", 1, 2), claim("b", 1, 9)], 10, {"a": 2, "b": 8}, id="as far as they need"
        ),
        pytest.param(
            [claim("a", 2, 3), claim("b", 1, 4)],
            10,
            {"a": 6, "b": 4},
            id="what is left goes to the higher",
        ),
        pytest.param(
            [claim("a", 2, 3, most=4), claim("b", 1, 4)],
            10,
            {"a": 4, "b": 6},
            id="and on where it is of no use",
        ),
    ],
)
def test_workers_are_shared_by_need_and_priority(
    claims: list[Claim], workers: int, expected: dict[str, int]
) -> None:
    assert shares(claims, workers) == expected
    assert shares(claims[::-1], workers) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param(
            [claim("a", 2, 3), claim("b", 1, 4)], {"a": 6, "b": 4}, id="at first: what is free"
        ),
        pytest.param(
            [claim("a", 2, 3, occupied=3, ceiling=4), claim("b", 1, 4, occupied=4, ceiling=6)],
            {"a": 4, "b": 6},
            id="nothing changes while it is enough",
        ),
        pytest.param(
            [claim("a", 2, 8, occupied=4, ceiling=4), claim("b", 1, 6, occupied=6, ceiling=6)],
            {"a": 4, "b": 2},
            id="the lower gives up first",
        ),
        pytest.param(
            [claim("a", 2, 8, occupied=4, ceiling=4), claim("b", 1, 6, occupied=2, ceiling=2)],
            {"a": 8, "b": 2},
            id="then the higher gets it",
        ),
        pytest.param(
            [claim("a", 2, 8, occupied=8, ceiling=8), claim("b", 1, 6, occupied=2, ceiling=2)],
            {"a": 8, "b": 2},
            id="who gets less than it needs waits",
        ),
        pytest.param(
            [claim("a", 2, 5, occupied=5, ceiling=8), claim("b", 1, 6, occupied=2, ceiling=2)],
            {"a": 5, "b": 5},
            id="until the higher needs less",
        ),
        pytest.param(
            [claim("a", 2, 2, occupied=8, ceiling=7), claim("b", 1, 5, occupied=8, ceiling=3)],
            {"a": 5, "b": 3},
            id="nor by what it may take before its ceiling counts",
        ),
    ],
)
def test_a_ceiling_rises_by_what_is_free(claims: list[Claim], expected: dict[str, int]) -> None:
    assert ceilings(claims, 10) == expected


@given(
    st.lists(
        st.builds(
            claim,
            job=st.uuids().map(str),
            priority=st.integers(0, 3),
            needed=st.integers(2, 9),
            least=st.integers(1, 2),
            most=st.integers(9, 12),
            occupied=st.integers(1, 12),
            ceiling=st.none() | st.integers(2, 12),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(12, 40),
)
@example(
    [
        claim(
            job=f"{n}",
            least=1 + (n == 0),
            most=9,
            needed=2,
            occupied=1 + 4 * (n == 3),
            ceiling=None,
            priority=0,
        )
        for n in range(4)
    ],
    12,
)
def test_ceilings_never_add_to_too_many(claims: list[Claim], workers: int) -> None:
    found = ceilings(claims, workers)
    reached = sum(max(found[each.job], each.occupied) for each in claims)
    free = max(0, workers - sum(each.occupied for each in claims))
    risen = sum(
        max(0, found[each.job] - max(each.ceiling, each.least)) for each in claims if each.ceiling
    )

    assert risen <= free
    if any(found[each.job] != each.ceiling for each in claims):
        assert reached <= max(workers, sum(max(each.occupied, each.least) for each in claims))
    assert all(each.least <= found[each.job] <= each.most for each in claims)


# -- the group's file -----------------------------------------------------------------------------


def test_a_groups_file_says_who_shares_what() -> None:
    found = read("b.yaml", "{group: batch, workers: 20, jobs: {ysb: 10, traffic: 5}, remember: 5m}")

    assert (found.group, found.workers, found.remember) == ("batch", 20, 300.0)
    assert found.jobs == {"ysb": 10, "traffic": 5}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("[", "b.yaml: no YAML", id="no YAML"),
        pytest.param("{group: b, workers: 0, jobs: {a: 1}}", "workers", id="no workers"),
        pytest.param("{group: b, workers: 2, jobs: {}}", "jobs", id="no jobs"),
        pytest.param("{group: B, workers: 2, jobs: {a: 1}}", "group", id="its name"),
        pytest.param("{group: b, workers: 2, jobs: {a: x}}", "jobs.a", id="priority"),
        pytest.param("{group: b, worker: 2, jobs: {a: 1}}", "worker", id="misspelt"),
        pytest.param("", "b.yaml", id="empty"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(content: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read("b.yaml", content)

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


# -- a job of the group ---------------------------------------------------------------------------


def decided(
    job: str, at: datetime, present: int, chosen: int, *limits: str, **changed: Any
) -> Decision:
    return Decision(
        job=job,
        at=at,
        tick=at,
        source="planner/horizon",
        planner="horizon",
        scale_out=present,
        chosen=chosen,
        reason="scale_up",
        sentence="So.",
        limits=limits,
        **changed,
    )


def declared(ysb: JobSpec, job: str, at: datetime, most: int = 20) -> Declaration:
    scale = ysb.scale.model_copy(update={"max": most})
    spec = ysb.model_copy(update={"job": job, "scale": scale})
    return Declaration(job=job, at=at, source="console/ada", spec=spec)


BATCH = Group(group="batch", workers=10, jobs={"a": 2, "b": 1})

TABLE = (
    Candidate(scale_out=4, verdict="too_few"),
    Candidate(scale_out=7, verdict="cheapest"),
    Candidate(scale_out=8, verdict="costlier"),
)


@pytest.mark.parametrize(
    ("limits", "chosen", "table", "expected"),
    [
        pytest.param((), 6, TABLE, 6, id="nothing limits"),
        pytest.param(("ceiling",), 5, TABLE, 7, id="what the planner took"),
        pytest.param(("floor",), 9, TABLE, 9, id="a floor is a need"),
        pytest.param(("ceiling",), 5, (), 5, id="nobody knows better"),
    ],
)
def test_a_job_needs_what_its_planner_took(
    noon: datetime,
    limits: tuple[str, ...],
    chosen: int,
    table: tuple[Candidate, ...],
    expected: int,
) -> None:
    assert needs(decided("a", noon, 4, chosen, *limits, candidates=table)) == expected


def test_a_job_that_is_held_needs_what_it_needed_before(noon: datetime) -> None:
    held = decided("a", noon + 60 * MINUTE, 4, 4).model_copy(update={"reason": "command_pending"})
    member = Member().after(decided("a", noon, 4, 7), BATCH).after(held, BATCH)

    assert needs(held) is None
    assert member.needs == ((noon, 7),)


def test_a_ceiling_says_who_gives_it_and_stands_beside_a_persons(
    ysb: JobSpec, noon: datetime
) -> None:
    members = {"a": Member().after(declared(ysb, "a", noon), BATCH)}

    (event,) = deal(BATCH, members, noon + MINUTE)

    assert event.key == "a/Override/ceiling-up"
    assert (event.scale_out, event.author, event.why) == (
        10,
        "quota batch",
        "of 10 that 2 jobs share",
    )
    assert event.until > noon + timedelta(days=300)


def test_a_job_that_is_declared_anew_gets_its_ceiling_again(ysb: JobSpec, noon: datetime) -> None:
    members = {"a": Member().after(declared(ysb, "a", noon), BATCH)}
    (before,) = deal(BATCH, members, noon + MINUTE)
    forgotten = Forget(job="a", at=noon + 2 * MINUTE, source="console/ada", author="ada")
    for event in (before, forgotten, declared(ysb, "a", noon + 3 * MINUTE)):
        members["a"] = members["a"].after(event, BATCH)

    (event,) = deal(BATCH, members, noon + 4 * MINUTE)

    assert (event.key, event.scale_out) == (before.key, before.scale_out)


def test_a_job_that_left_the_group_is_given_free(ysb: JobSpec, noon: datetime) -> None:
    members = {"a": Member().after(declared(ysb, "a", noon), BATCH)}
    for event in deal(BATCH, members, noon + MINUTE):
        members["a"] = members["a"].after(event, BATCH)
    without = BATCH.model_copy(update={"jobs": {"b": 1}})

    (event,) = given_back(without, members, Author("ada", noon + 2 * MINUTE))

    assert (event.key, event.until) == ("a/Override/ceiling-up", event.at)
    members["a"] = members["a"].after(event, without)
    assert given_back(without, members, Author("ada", noon + 3 * MINUTE)) == []


def test_a_job_has_one_group(ysb: JobSpec, noon: datetime) -> None:
    members = {"a": Member().after(declared(ysb, "a", noon), BATCH)}
    for event in deal(BATCH, members, noon + MINUTE):
        members["a"] = members["a"].after(event, BATCH)
    other = BATCH.model_copy(update={"group": "night"})

    assert disputed(BATCH, members, noon + 2 * MINUTE) is None
    assert disputed(other, members, noon + 2 * MINUTE) == (
        "a already has 10 by quota batch; a job has one group"
    )


# -- in a loop ------------------------------------------------------------------------------------


class Loop:
    """Jobs that scale to what they need below the ceiling that counts at their tick, late."""

    def __init__(self, group: Group, ysb: JobSpec, noon: datetime, seed: int) -> None:
        self.group, self.now, self.rng = group, noon, random.Random(seed)
        self.members = {
            job: Member().after(declared(ysb, job, noon - 60 * MINUTE), group) for job in group.jobs
        }
        self.present = dict.fromkeys(group.jobs, 1)
        self.pending: dict[str, tuple[int, int]] = {}
        self.needed = dict.fromkeys(group.jobs, 1)

    def minute(self, *, served: bool = True) -> None:
        """Let a tick of each job pass; commands take up to three of them."""
        self.now += MINUTE
        for job in self.group.jobs:
            self._tick(job)
        if served:
            for event in deal(self.group, self.members, self.now + MINUTE / 3):
                self.members[event.job] = self.members[event.job].after(event, self.group)

    def _tick(self, job: str) -> None:
        member, present = self.members[job], self.present[job]
        if job in self.pending:
            to, left = self.pending[job]
            if left:
                self.pending[job] = (to, left - 1)
                held = decided(job, self.now, present, present)
                pending = held.model_copy(update={"reason": "command_pending"})
                self.members[job] = member.after(pending, self.group)
                return
            present = self.present[job] = self.pending.pop(job)[0]
        ceiling = self.ceiling(job)
        chosen = min(self.needed[job], ceiling)
        limits = ("ceiling",) if chosen < self.needed[job] else ()
        moves = chosen != present
        table = (Candidate(scale_out=self.needed[job], verdict="cheapest"),)
        found = decided(
            job,
            self.now,
            present,
            chosen,
            *limits,
            candidates=table,
            command=f"{job}{self.now}" if moves else None,
        )
        self.members[job] = member.after(found, self.group)
        if moves:
            self.pending[job] = (chosen, self.rng.randint(0, 3))

    def ceiling(self, job: str) -> int:
        counting = [
            known
            for known in self.members[job].ceilings
            if known.at + timedelta(seconds=30) <= self.now
        ]
        return counting[-1].scale_out or 0 if counting else 20


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), away=st.integers(0, 20))
def test_jobs_never_have_more_than_their_group(seed: int, away: int) -> None:
    noon = datetime.fromisoformat("2026-01-01T12:00+00:00")
    ysb = JobSpec.model_validate(
        {
            "job": "ysb",
            "engine": {"kind": "kafka-streams"},
            "input": {"bootstrap": "kafka:9092", "topics": ["in"], "group": "g"},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 20},
        }
    )
    group = Group(group="batch", workers=12, jobs={"a": 3, "b": 2, "c": 2, "d": 1}, remember=180.0)
    loop = Loop(group, ysb, noon, seed)

    for k in range(60):
        loop.minute(served=not 20 <= k < 20 + away)
        assert sum(loop.present.values()) <= group.workers
        if loop.rng.random() < 0.3:
            job = loop.rng.choice(list(group.jobs))
            loop.needed[job] = loop.rng.randint(1, 9)

    for _ in range(15):
        loop.minute()
    assert loop.present["a"] == loop.needed["a"]
    assert sum(loop.present.values()) == min(group.workers, sum(loop.needed.values()))


# -- the command ----------------------------------------------------------------------------------

BATCH_FILE = "{group: batch, workers: 10, jobs: {a: 2, b: 1, c: 1}}"


@dataclass
class Topics:
    """The cluster, as far as the command sees it."""

    written: list[Event] = field(default_factory=list)

    def controls(self, _: object) -> dict[str, JobControl]:
        found: dict[str, JobControl] = {}
        for event in self.written:
            if isinstance(event, ControlEvent):
                found[event.job] = found.get(event.job, JobControl()).fold(event)
        return found

    def following(self, *_: object) -> Iterator[Record | None]:
        for offset, event in enumerate(self.written):
            yield Record(event.NAME, 0, offset, event.at, event.key, b"", event)
        yield None

    def publish(self, _: object, events: Iterable[Event]) -> None:
        self.written.extend(events)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch, ysb: JobSpec, noon: datetime) -> Topics:
    found = Topics()
    for job in "ab":
        found.written += [
            declared(ysb, job, noon - MINUTE),
            decided(job, noon, 2, 6 if job == "a" else 3),
        ]
    monkeypatch.setattr(runs, "cluster", lambda _: None)
    for name in ("controls", "following", "publish"):
        monkeypatch.setattr(runs, name, getattr(found, name))
    return found


def asked(topics: Topics) -> dict[str, tuple[int | None, bool]]:
    newest = {each.job: each for each in topics.written if isinstance(each, Override)}
    return {job: (each.scale_out, each.until > each.at) for job, each in newest.items()}


def test_the_command_shares_out_and_takes_back(
    topics: Topics, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "batch.yaml"
    file.write_text(BATCH_FILE)

    runs.serve(file, None, once=True, as_json=False)
    first = len(topics.written)
    runs.serve(file, None, once=True, as_json=False)

    assert asked(topics) == {"a": (7, True), "b": (3, True)}
    assert len(topics.written) == first
    told = capsys.readouterr()
    assert "quota batch" in told.out
    assert "c is not declared so far" in told.err

    runs.clear(file, None, as_json=True)

    assert asked(topics) == {"a": (7, False), "b": (3, False)}
    assert [json.loads(line)["job"] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(BATCH_FILE.replace("10", "1"), "scale.min sum up to 2", id="too few workers"),
        pytest.param("{group: b}", "batch.yaml: ", id="a wrong file"),
    ],
)
@pytest.mark.usefixtures("topics")
def test_a_group_that_cannot_be_served_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "batch.yaml"
    file.write_text(content)

    with pytest.raises(ConsoleError, match=message):
        runs.serve(file, None, once=True, as_json=False)


def test_a_ceiling_of_another_direction_is_a_persons(ysb: JobSpec, noon: datetime) -> None:
    person = Override(
        job="a",
        at=noon,
        source="console/ada",
        kind=OverrideKind.CEILING,
        direction=Direction.BOTH,
        scale_out=2,
        until=noon + 60 * MINUTE,
        author="ada",
    )
    member = Member().after(declared(ysb, "a", noon), BATCH).after(person, BATCH)

    assert member.ceilings == ()
    assert member.after(person, BATCH) == member
