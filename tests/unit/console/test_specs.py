"""Job files: what is wrong, what changes, and the events that say so."""

from datetime import datetime, timedelta

import pytest

from daedalus_console.errors import ConsoleError
from daedalus_console.specs import (
    Plan,
    Seen,
    Verdict,
    check,
    declaration,
    differences,
    instant_after,
    plan,
)
from daedalus_shared.control import JobControl
from daedalus_shared.events import Forget
from daedalus_shared.job_spec import JobSpec, read_spec


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        pytest.param(
            "max: 8",
            "mx: 8",
            "scale.mx: is not a field of a job file; did you mean 'max'?",
            id="misspelt",
        ),
        pytest.param(", max: 8", "", "scale.max: is missing", id="missing"),
        pytest.param("min: 1", "min: 9", "scale: min 9 is above max 8", id="contradiction"),
        pytest.param(
            "mode: act",
            "loop: 10x",
            "policy.loop: '10x': '10x' is not a duration; write it like 90s, 10m or 1h30m",
            id="duration",
        ),
        pytest.param("job: ysb", "job: Y B", "job: 'Y B': String should match", id="name"),
        pytest.param("job: ysb", "{", "no YAML: ", id="no YAML"),
        pytest.param("job: ysb", "job: 'a\x1b[2J'", "no YAML: ", id="control characters"),
    ],
)
def test_a_wrong_file_is_refused_by_field_value_and_fix(
    ysb_file: str, before: str, after: str, problem: str
) -> None:
    found = check("ysb.yaml", ysb_file.replace(before, after))

    assert isinstance(found, Plan)
    assert found.verdict is Verdict.REFUSED
    assert any(line.startswith(problem) for line in found.problems), found.problems
    assert all(line.isprintable() for line in found.problems)


def test_each_problem_has_a_line_of_its_own(ysb_file: str) -> None:
    text = ysb_file.replace("max: 8", "max: 0").replace("mode: act", "mode: now")

    found = check("ysb.yaml", text)

    assert isinstance(found, Plan)
    assert [line.split(":")[0] for line in found.problems] == ["scale.max", "policy.mode"]


def test_a_second_file_for_a_job_is_refused(ysb_file: str) -> None:
    seen = Seen()
    assert isinstance(seen.check("a.yaml", ysb_file), JobSpec)

    again = seen.check("b.yaml", ysb_file)

    assert isinstance(again, Plan)
    assert again.problems == ("job: 'ysb': is declared in a.yaml already; keep one of the two",)


def test_a_file_creates_changes_or_changes_nothing(ysb: JobSpec, noon: datetime) -> None:
    nothing = JobControl()
    declared = nothing.fold(declaration(ysb, nothing, noon, "console/ada"))
    higher = ysb.model_copy(update={"scale": ysb.scale.model_copy(update={"max": 10})})

    assert plan("f", ysb, nothing).verdict is Verdict.CREATED
    assert plan("f", ysb, declared).verdict is Verdict.UNCHANGED
    changed = plan("f", higher, declared)
    assert changed.verdict is Verdict.CHANGED
    assert [str(change) for change in changed.changes] == ["scale.max 8 → 10"]


def test_a_forgotten_job_is_created_anew(ysb: JobSpec, noon: datetime) -> None:
    control = JobControl().fold(declaration(ysb, JobControl(), noon, "console/ada"))
    forget = Forget(job="ysb", at=noon, source="console/ada", author="ada")

    assert plan("f", ysb, control.fold(forget)).verdict is Verdict.CREATED


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param("mode: act", "mode: advise", ["policy.mode act → advise"], id="a word"),
        pytest.param(
            "mode: act", "mode: act, settle: 4m", ["policy.settle 3m → 4m"], id="a duration"
        ),
        pytest.param(
            "mode: act", "mode: act, wape_gate: 0.3", ["policy.wape_gate 0.25 → 0.3"], id="a share"
        ),
        pytest.param(
            "[ad-events]", "[ads, views]", ["input.topics ad-events → ads, views"], id="a list"
        ),
        pytest.param(
            "kind: none}",
            "kind: processes, pool: p}",
            ["workers.kind none → processes", "workers.pool unset → p"],
            id="a field that was unset",
        ),
        pytest.param("mode: act", "mode: act, loop: 60s", [], id="the default written out"),
    ],
)
def test_differences_are_told_as_people_write_them(
    ysb_file: str, before: str, after: str, told: list[str]
) -> None:
    found = differences(read_spec(ysb_file), read_spec(ysb_file.replace(before, after)))

    assert [str(change) for change in found] == told


def test_a_newer_declaration_is_the_newest_although_clocks_differ(
    ysb: JobSpec, noon: datetime
) -> None:
    ahead = noon + timedelta(seconds=5)
    control = JobControl().fold(declaration(ysb, JobControl(), ahead, "console/ada"))

    assert instant_after(control, noon) > ahead
    assert instant_after(control, noon + timedelta(minutes=1)) == noon + timedelta(minutes=1)


def test_a_wrong_clock_is_named(ysb: JobSpec, noon: datetime) -> None:
    ahead = noon + timedelta(hours=1)
    control = JobControl().fold(declaration(ysb, JobControl(), ahead, "console/ada"))

    with pytest.raises(ConsoleError, match="set the clock right"):
        instant_after(control, noon)
