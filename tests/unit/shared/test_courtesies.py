"""Courtesies in a job file: off by default, and what is wrong is refused in one line."""

import pytest

from daedalus_shared.courtesies import Courtesies
from daedalus_shared.job_spec import SpecError, read_spec
from daedalus_shared.policy import Policy

JOB = """
job: ysb
engine: {kind: kafka-streams}
input: {bootstrap: kafka:9092, topics: [ad-events], group: ysb}
workers: {kind: none}
scale: {max: 12}
policy: {courtesies: {%s}}
"""

OFFICE = "cron: 0 9 * * MON-FRI, duration: 8h, zone: Europe/Berlin"


def read(courtesies: str) -> Courtesies:
    return read_spec(JOB % courtesies).policy.courtesies


def test_nothing_is_limited_by_default() -> None:
    found = read("")

    assert found == Courtesies()
    assert (found.up.workers, found.up.percent, found.up.cooldown) == (None, None, 0.0)
    assert (found.down.delay, found.blackouts, found.floors) == (0.0, (), ())
    assert (found.budget, found.fallback, found.revert) == (None, None, None)
    assert {found.unknown.workload, found.unknown.lag, found.unknown.capacity} == {"hold"}


def test_reads_durations_and_windows_as_people_write_them() -> None:
    found = read(f"down: {{delay: 15m, cooldown: 10m}}, blackouts: [{{{OFFICE}, direction: down}}]")

    assert (found.down.delay, found.down.cooldown) == (900.0, 600.0)
    assert found.blackouts[0].duration == 8 * 3600.0
    assert found.blackouts[0].direction == "down"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(
            "blackouts: [{cron: 61 * * * *, duration: 2h}]",
            "policy.courtesies.blackouts.0.cron: '61 * * * *': bad minute",
            id="a minute that is none",
        ),
        pytest.param(
            "floors: [{cron: 0 9 * *, duration: 2h, scale_out: 3}]",
            "policy.courtesies.floors.0.cron: '0 9 * *': not a cron expression; write five fields",
            id="four fields",
        ),
        pytest.param(
            "blackouts: [{cron: 0 0 0 9 * *, duration: 2h}]", "write five fields", id="seconds"
        ),
        pytest.param(
            "blackouts: [{cron: 0 0 31 4-4 *, duration: 2h}]", "blackouts.0.cron", id="never comes"
        ),
        pytest.param(
            f"blackouts: [{{{OFFICE.replace('Berlin', 'Berlim')}}}]",
            "policy.courtesies.blackouts.0.zone: 'Europe/Berlim': no known time zone",
            id="a zone that is none",
        ),
        pytest.param(f"floors: [{{{OFFICE}}}]", "floors.0.scale_out: is missing", id="no floor"),
        pytest.param(
            f"blackouts: [{{{OFFICE}, direction: left}}]", "blackouts.0.direction", id="direction"
        ),
        pytest.param("up: {workers: 0}", "policy.courtesies.up.workers: 0", id="no step at all"),
        pytest.param("up: {percent: 0}", "policy.courtesies.up.percent: 0", id="no per cent"),
        pytest.param("up: {delay: 5m}", "up.delay: is not a field", id="a delay of scale-ups"),
        pytest.param("budget: {rescales: 0}", "budget.rescales: 0", id="no budget at all"),
        pytest.param(
            "revert: {back_off: 2d}", "back_off 172800s is above longest 86400s", id="back-off"
        ),
        pytest.param("unknown: {capacity: forecast}", "unknown.capacity", id="no such stand-in"),
    ],
)
def test_refuses_what_is_wrong_in_one_line(wrong: str, message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        read(wrong)

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_compression_divides_the_durations_of_the_job_but_not_those_of_the_calendar() -> None:
    courtesies = read(
        f"up: {{cooldown: 3m, workers: 2}}, down: {{delay: 10m}}, budget: {{rescales: 6}}, "
        f"revert: {{back_off: 30m}}, unknown: {{good_for: 5m}}, blackouts: [{{{OFFICE}}}]"
    )

    found = Policy(courtesies=courtesies).compressed(10).courtesies

    assert (found.up.cooldown, found.up.workers, found.down.delay) == (18.0, 2, 60.0)
    assert found.budget is not None
    assert (found.budget.rescales, found.budget.per) == (6, 8640.0)
    assert found.revert is not None
    assert (found.revert.back_off, found.revert.longest) == (180.0, 8640.0)
    assert found.unknown.good_for == 30.0
    assert found.blackouts == courtesies.blackouts
