"""Courtesies in the planner: how they rank, what they say, and that nothing else shows in them."""

import doctest
import importlib
import json
import random
from typing import Any

import pytest

import daedalus_planner.domain.courtesies as package
from daedalus_planner.domain.courtesies.memory import BackOff, Memory, PastWish
from daedalus_planner.domain.courtesies.stack import Occasion, considerate
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Courtesies
from daedalus_shared.events import Decision, Event, OverrideKind, ScaleCommand, Status
from daedalus_shared.policy import Policy
from harness.planning import (
    NOON,
    Shell,
    after,
    capacity,
    closing,
    forecast,
    metrics,
    outcome,
    override,
    running,
)

LUNCH = {"cron": "0 12 * * *", "duration": "1h", "why": "lunch"}
CALM = {"settle": 0, "quiet": 0}


def asking(courtesies: dict[str, Any], **policy: Any) -> Shell:
    return running(courtesies=courtesies, **policy)


def told(decision: Decision) -> tuple[int | None, str, tuple[str, ...]]:
    return decision.chosen, decision.reason, decision.limits


def converge(shell: Shell, at: float, **changed: Any) -> ScaleCommand:
    """Let the last command be applied."""
    command = shell.commands[-1]
    shell.feed(outcome(command, at, Status.APPLIED, generation=len(shell.commands), **changed))
    return command


# -- in a decision --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("courtesies", "rate", "expected", "words"),
    [
        pytest.param({}, 700.0, (8, "scale_up", ()), "Scale up from 4 to 8", id="none"),
        pytest.param(
            {"up": {"workers": 2}}, 700.0, (6, "step", ("step_up",)), "from 4 to 6", id="step"
        ),
        pytest.param(
            {"blackouts": [LUNCH]},
            700.0,
            (4, "blackout", ("blackout",)),
            "Stay at 4 workers: no rescale until 2026-01-01 13:00:00 UTC (lunch). The planner",
            id="blackout",
        ),
        pytest.param(
            {"floors": [{**LUNCH, "scale_out": 5}]},
            250.0,
            (5, "scheduled_floor", ("scheduled_floor",)),
            "Scale from 4 to 5 workers: at least 5 workers by schedule until",
            id="scheduled floor",
        ),
        pytest.param(
            {"floors": [{**LUNCH, "scale_out": 8}], "up": {"percent": 25}},
            250.0,
            (5, "step", ("scheduled_floor", "step_up")),
            "; at most 1 worker more in one rescale. The planner says: ",
            id="a floor is gone up to in steps",
        ),
        pytest.param(
            {"floors": [{**LUNCH, "scale_out": 8}], "blackouts": [LUNCH]},
            250.0,
            (4, "blackout", ("scheduled_floor", "blackout")),
            "Stay at 4 workers",
            id="a blackout holds against a floor",
        ),
    ],
)
def test_a_decision_names_what_limits_it(
    courtesies: dict[str, Any], rate: float, expected: tuple[int, str, tuple[str, ...]], words: str
) -> None:
    decision = asking(courtesies).tick(0, rate=rate)

    assert told(decision) == expected
    assert words in decision.sentence


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        pytest.param(OverrideKind.PIN, {"scale_out": 7}, (7, "pinned"), id="a pin"),
        pytest.param(OverrideKind.FLOOR, {"scale_out": 6}, (6, "floor"), id="a floor"),
        pytest.param(OverrideKind.CEILING, {"scale_out": 3}, (3, "ceiling"), id="a ceiling"),
        pytest.param(OverrideKind.PAUSE, {}, (4, "blackout"), id="a pause of what is held"),
    ],
)
def test_people_win_over_courtesies(
    kind: OverrideKind, changed: dict[str, Any], expected: tuple[int, str]
) -> None:
    shell = asking({"blackouts": [LUNCH], "up": {"workers": 1}})
    shell.feed(override(kind, -60, 3600, **changed))

    decision = shell.tick(0, rate=700.0)

    assert (decision.chosen, decision.reason) == expected


def test_so_do_the_bounds_of_spec_and_platform() -> None:
    shell = asking({"blackouts": [LUNCH], "down": {"workers": 1}})

    assert told(shell.tick(0, scale_out=12, rate=50.0)) == (8, "bounds", ("blackout", "max"))


def test_a_scale_down_waits_until_all_plans_of_the_delay_wanted_it() -> None:
    shell = asking({"down": {"delay": "3m"}}, **CALM)

    found = [shell.tick(60.0 * k, rate=rate) for k, rate in enumerate([350, 250, 150, 250, 150])]

    assert [told(decision) for decision in found] == [
        (4, "current_suffices", ()),
        (4, "delayed", ("delay_down",)),
        (4, "delayed", ("delay_down",)),
        (3, "scale_down", ()),
        (4, "command_pending", ()),
    ]
    assert "4 workers were wanted at 12:00:00 UTC, within the last 3m" in found[2].sentence
    assert found[0].id in found[2].inputs


def test_a_cooldown_counts_from_the_end_of_the_last_rescale_of_either_direction() -> None:
    shell = asking({"up": {"cooldown": "5m"}}, **CALM)
    shell.tick(0)
    converge(shell, 31)

    early = shell.tick(300, scale_out=3, rate=700.0)
    late = shell.tick(360, scale_out=3, rate=700.0)

    assert told(early) == (3, "cooldown", ("cooldown_up",))
    assert "the last rescale was 4m30s ago, and no scale-up follows in 5m" in early.sentence
    assert told(late) == (8, "scale_up", ())


def test_the_rescales_of_the_day_are_counted_but_one_that_averts_an_overload_is_free() -> None:
    shell = asking({"budget": {"rescales": 2}}, **CALM, horizon=900)
    scale_out = 4
    for k, rate in enumerate([250, 350]):
        shell.tick(600.0 * k, rate=rate, scale_out=scale_out)
        scale_out = converge(shell, 600.0 * k + 31).to_scale_out

    spent = shell.tick(1200, scale_out=4, rate=250.0)
    passing = shell.tick(1260, scale_out=4, rate=390.0, lag=2000.0)
    free = shell.tick(1320, scale_out=4, rate=450.0)

    assert told(spent) == (4, "budget", ("budget",))
    assert "2 rescales within 1d are the most allowed, and 2 began" in spent.sentence
    outcomes = {event.id for event in shell.topics["scale-outcomes"]}
    assert outcomes <= set(spent.inputs)
    assert told(passing) == (4, "budget", ("budget",))
    assert told(free) == (5, "scale_up", ())


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        pytest.param(lambda at: [closing(at), metrics(at + 30)], "analyzer_missing", id="analyzer"),
        pytest.param(
            lambda at: [closing(at), capacity(at, capacity=None, table=()), forecast(at)],
            "capacity_unknown",
            id="capacity",
        ),
        pytest.param(
            lambda at: [closing(at), capacity(at, lag=None), forecast(at)], "lag_unknown", id="lag"
        ),
    ],
)
def test_too_little_known_for_long_falls_back(events: Any, reason: str) -> None:
    shell = asking({"fallback": {"scale_out": 6, "after": 3}})

    for at in (0, 60, 120):
        shell.feed(*events(at))

    assert [decision.reason for decision in shell.decisions] == [reason, reason, "fallback"]
    assert told(shell.decisions[-1]) == (6, "fallback", ("fallback",))
    assert "too little was known for 3 ticks in a row" in shell.decisions[-1].sentence
    assert shell.commands[-1].to_scale_out == 6


def test_one_tick_that_is_known_ends_the_count_for_a_fallback() -> None:
    shell = asking({"fallback": {"scale_out": 6, "after": 2}})

    shell.feed(closing(0), capacity(0, lag=None), forecast(0))
    shell.tick(60, rate=350.0)
    shell.feed(closing(120), capacity(120, lag=None), forecast(120))

    assert [decision.limits for decision in shell.decisions] == [(), (), ()]


def test_where_nobody_knows_how_many_workers_there_are_nothing_falls_back() -> None:
    shell = asking({"fallback": {"scale_out": 6, "after": 1}})

    shell.feed(closing(0, None), metrics(30))

    assert (shell.decisions[0].chosen, shell.commands) == (None, [])


def test_a_stand_in_plans_on_but_is_no_ground_to_scale_down() -> None:
    shell = asking({"unknown": {"lag": "last_good", "workload": "forecast"}}, **CALM)
    shell.tick(0, rate=350.0, lag=40.0)

    down = shell.tick(60, rate=250.0, lag=None)
    shell.feed(closing(120), capacity(120, workload=None), forecast(120, 700.0))
    up = shell.decisions[-1]

    assert told(down) == (4, "lag_unknown", ("lag_unknown",))
    assert down.lag == 40.0
    assert "How much waits is not known: the last figure stands in for it." in down.sentence
    assert "lag_unknown" in down.marks
    assert capacity(0).id in down.inputs
    assert told(up) == (8, "scale_up", ())
    assert up.workload == 700.0
    assert "What arrives is not known: the forecast stands in for it." in up.sentence


def test_a_last_figure_is_good_for_so_long() -> None:
    shell = asking({"unknown": {"lag": "last_good", "good_for": "2m"}})
    shell.tick(0, rate=350.0)

    found = [shell.tick(at, rate=350.0, lag=None).reason for at in (60, 120)]

    assert found == ["current_suffices", "lag_unknown"]


def test_a_scale_up_that_brings_nothing_is_taken_back_and_not_tried_again_so_soon() -> None:
    shell = asking({"revert": {"back_off": "10m"}}, settle=60, quiet=0)
    table = capacity(0).table

    def measured(at: float, scale_out: int, rate: float) -> Decision:
        """Four workers' capacity, whatever their number."""
        known = {"capacity": 400.0, "capacity_error": 2.0, "table": table, "rate": rate}
        return shell.tick(at, scale_out=scale_out, **known)

    up = measured(0, 4, 450.0)
    promised = shell.commands[-1].promise
    converge(shell, 31, promise=promised)
    early = measured(180, 5, 450.0)
    back = measured(240, 5, 450.0)
    converge(shell, 271)
    held = measured(360, 4, 450.0)
    again = measured(840, 4, 450.0)

    assert told(up) == (5, "scale_up", ())
    assert early.limits == ()
    assert told(back) == (4, "ineffective", ("ineffective",))
    assert (
        "Scale from 5 to 4 workers: the scale-up from 4 to 5 workers brought 0/s of the 100/s "
        "promised, so none above 4 until 2026-01-01 12:14:00 UTC."
    ) in back.sentence
    assert told(held) == (4, "ineffective", ("ineffective",))
    assert capacity(240).id in held.inputs
    assert again.limits == ()


# -- how they rank --------------------------------------------------------------------------------

BACK_OFF = BackOff(
    command="c",
    update="u",
    from_scale_out=4,
    to_scale_out=6,
    promised=200.0,
    gained=0.0,
    until=after(600),
    times=1,
)
WANTED = PastWish(tick=after(-60), decision="d", scale_out=6)


def occasion(**changed: Any) -> Occasion:
    asked = changed.pop("courtesies", {})
    known: dict[str, Any] = {
        "at": NOON,
        "current": 6,
        "policy": Policy(courtesies=Courtesies.model_validate(asked)),
        "memory": Memory(),
        "planned": True,
        "unknown": 0,
        "stood_in": (),
        "since": None,
        "since_rescale": None,
        "rescales": (),
        "averts_overload": False,
    }
    return Occasion(**known | changed)


@pytest.mark.parametrize(
    ("wanted", "at", "chosen", "limits"),
    [
        pytest.param(2, occasion(), 2, (), id="nothing is asked for"),
        pytest.param(
            2,
            occasion(
                courtesies={"down": {"delay": "10m"}},
                memory=Memory(wishes=(WANTED,), back_off=BACK_OFF),
            ),
            4,
            ("delay_down", "ineffective"),
            id="a revert does not wait for the delay",
        ),
        pytest.param(
            6,
            occasion(
                courtesies={"floors": [{**LUNCH, "scale_out": 5}]},
                memory=Memory(back_off=BACK_OFF),
            ),
            5,
            ("ineffective", "scheduled_floor"),
            id="a scheduled floor wins over a revert",
        ),
        pytest.param(
            6,
            occasion(
                courtesies={"floors": [{**LUNCH, "scale_out": 9}]}, since=60.0, since_rescale=60.0
            ),
            6,
            ("scheduled_floor", "settle"),
            id="it waits until the job has settled",
        ),
        pytest.param(
            3,
            occasion(courtesies={"floors": [{**LUNCH, "scale_out": 9}]}, since=60.0),
            6,
            ("scheduled_floor", "settle"),
            id="but holds the job until then",
        ),
        pytest.param(
            3,
            occasion(courtesies={"floors": [{**LUNCH, "scale_out": 5}]}, since=60.0),
            5,
            ("scheduled_floor",),
            id="and bounds the planner's own move",
        ),
        pytest.param(
            8,
            occasion(memory=Memory(back_off=BACK_OFF), since=60.0),
            6,
            ("ineffective", "settle"),
            id="so does a revert",
        ),
        pytest.param(
            9,
            occasion(
                courtesies={"up": {"workers": 1, "cooldown": "5m"}, "budget": {"rescales": 1}},
                since_rescale=60.0,
                rescales=(after(-90),),
            ),
            6,
            ("budget",),
            id="what holds is named once",
        ),
        pytest.param(
            9,
            occasion(
                courtesies={"up": {"workers": 1}, "budget": {"rescales": 1}},
                rescales=(after(-90),),
                averts_overload=True,
            ),
            7,
            ("step_up",),
            id="an exemption from the budget is none from the step",
        ),
        pytest.param(
            6,
            occasion(planned=False, memory=Memory(wishes=(WANTED,), back_off=BACK_OFF)),
            6,
            (),
            id="what is held for want of knowledge is not taken back",
        ),
    ],
)
def test_courtesies_stack(wanted: int, at: Occasion, chosen: int, limits: tuple[str, ...]) -> None:
    found = considerate(Wish(wanted, Reason.SCALE_DOWN), at)

    assert (found.chosen, found.limits) == (chosen, limits)
    assert len(found.clauses) == len(limits)


# -- determinism ----------------------------------------------------------------------------------

ALL = {
    "up": {"workers": 2, "cooldown": "2m30s"},
    "down": {"workers": 1, "delay": "4m", "cooldown": "2m"},
    "blackouts": [{"cron": "20 12 * * *", "duration": "4m"}],
    "floors": [{"cron": "10 12 * * *", "duration": "5m", "scale_out": 7}],
    "budget": {"rescales": 4, "per": "30m", "spare_overload": False},
    "fallback": {"scale_out": 8, "after": 2},
    "revert": {"back_off": "3m"},
    "unknown": {"workload": "forecast", "lag": "last_good", "capacity": "last_good"},
}


def parts(k: int, scale_out: int, uptime: float) -> list[Event]:
    rng = random.Random(k)
    rate = 250.0 + 330.0 * (k % 14 > 6) + rng.uniform(-20, 20)
    capable = 100.0 * min(scale_out, 5)  # more than five bring nothing
    changed: dict[str, Any] = {"capacity": capable, "capacity_error": 1.0}
    if k % 9 == 4:
        changed["lag"] = None
    if k % 11 == 5:
        changed |= {"workload": None}
    found: list[Event] = [forecast(60.0 * k, rate)]
    if k not in {24, 25, 26}:
        found.append(capacity(60.0 * k, rate=rate, scale_out=scale_out, uptime=uptime, **changed))
    rng.shuffle(found)
    return found


def recorded() -> Shell:
    shell = asking(ALL, settle=60, quiet=0, converge_within=30)
    scale_out, since, answered = 4, -3600.0, 0
    for k in range(60):
        at = 60.0 * k
        shell.feed(closing(at, scale_out), *parts(k, scale_out, at - since), metrics(at + 30))
        for command in shell.commands[answered:]:
            answered += 1
            status = Status.FAILED if answered % 5 == 0 else Status.APPLIED
            shell.feed(
                outcome(command, at + 15, status, generation=answered, promise=command.promise)
            )
            if status is Status.APPLIED:
                scale_out, since = command.to_scale_out, at + 15
    return shell


RECORDED = recorded()


def test_the_recorded_run_meets_every_courtesy() -> None:
    limits = {limit for decision in RECORDED.decisions for limit in decision.limits}

    assert len(RECORDED.decisions) == 60
    assert limits >= {
        "step_up",
        "step_down",
        "cooldown_up",
        "delay_down",
        "blackout",
        "scheduled_floor",
        "budget",
        "fallback",
        "ineffective",
    }


@pytest.mark.parametrize("seed", range(2))
def test_neither_order_nor_restarts_show_in_what_is_decided(seed: int) -> None:
    reading = [name for name, events in RECORDED.topics.items() for _ in events]
    random.Random(seed).shuffle(reading)
    again = Shell(topics=RECORDED.topics, restarting=True)

    for topic in reading:
        again.deliver(topic)

    assert again.published == RECORDED.published


def test_what_is_remembered_stays_small() -> None:
    state = RECORDED.state

    assert state is not None
    assert len(state.memory.model_dump_json()) < 4_000
    assert len(json.dumps(state.model_dump(mode="json"))) < 30_000


@pytest.mark.parametrize(
    "module", ["windows", "steps", "reverts", "stand_ins", "delays", "holds", "floors"]
)
def test_the_examples_in_the_docs_hold(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"{package.__name__}.{module}")).failed == 0
