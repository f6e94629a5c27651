"""A scale-up that brought nothing: when it is noticed, and what becomes of the wish."""

import pytest

from daedalus_planner.domain.courtesies import reverts
from daedalus_planner.domain.courtesies.memory import BackOff, Memory, Promised
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import (
    Courtesies,
    Revert,
)
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    CapacityUpdate,
    Promise,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from daedalus_shared.policy import Policy
from harness.wishes import NOON, after, measured, told, wish

POLICY = Policy(courtesies=Courtesies(revert=Revert()))
COMMAND = ScaleCommand(
    job="j",
    at=NOON,
    tick=NOON,
    source="planner/rules",
    from_scale_out=4,
    to_scale_out=6,
    expires_at=after(120),
    decision="d",
    promise=Promise(capacity=600.0),
)
PROMISED = Memory(promised=Promised(command=COMMAND.id, before=400.0))


def applied(status: Status = Status.APPLIED) -> ScaleOutcome:
    return ScaleOutcome(
        job="j",
        at=after(40),
        tick=NOON,
        source="executor/executor",
        command=COMMAND.id,
        from_scale_out=4,
        to_scale_out=6,
        scale_out=6,
        generation=1,
        status=status,
        started_at=after(10),
        converged_at=after(40),
        promise=COMMAND.promise,
    )


def test_a_scale_up_that_brought_nothing_is_noticed() -> None:
    found = reverts.judged(PROMISED, applied(), measured(410.0), after(220), POLICY)

    assert found.promised is None
    assert found.back_off == BackOff(
        command=COMMAND.id,
        update=measured().id,
        from_scale_out=4,
        to_scale_out=6,
        promised=200.0,
        gained=10.0,
        until=after(220 + 1800),
        times=1,
    )


@pytest.mark.parametrize(
    "update",
    [
        pytest.param(measured(420.0), id="a tenth of what was promised"),
        pytest.param(measured(410.0, capacity_error=5.0), id="perhaps a tenth"),
        pytest.param(measured(600.0), id="all of it"),
    ],
)
def test_a_scale_up_that_brought_something_is_not(update: CapacityUpdate) -> None:
    found = reverts.judged(PROMISED, applied(), update, after(220), POLICY)

    assert (found.promised, found.back_off) == (None, None)


LOWER_BOUND = CapacityPoint(scale_out=6, capacity=400.0, basis=Basis.OBSERVED, at_least=True)


@pytest.mark.parametrize(
    ("rescale", "update", "at"),
    [
        pytest.param(applied(), measured(), 219, id="within the warm-up or its loop"),
        pytest.param(applied(), None, 220, id="no analyzer"),
        pytest.param(None, measured(), 220, id="no outcome"),
        pytest.param(applied(Status.DID_NOT_CONVERGE), measured(), 220, id="not there yet"),
        pytest.param(applied(), measured(None), 220, id="an unknown capacity"),
        pytest.param(applied(), measured(capacity_error=None), 220, id="one of another time"),
        pytest.param(applied(), measured(table=(LOWER_BOUND,)), 220, id="a lower bound only"),
        pytest.param(applied(), measured(warming=1), 220, id="a worker without work so far"),
        pytest.param(applied(), measured(scale_out=5), 220, id="another scale-out"),
        pytest.param(
            applied().model_copy(update={"command": "another"}),
            measured(),
            220,
            id="another rescale",
        ),
    ],
)
def test_what_cannot_be_told_is_not_judged(
    rescale: ScaleOutcome | None, update: CapacityUpdate | None, at: float
) -> None:
    assert reverts.judged(PROMISED, rescale, update, after(at), POLICY) == PROMISED


def test_a_policy_that_does_not_ask_for_it_forgets() -> None:
    assert reverts.judged(PROMISED, applied(), measured(), after(220), Policy()) == Memory()


@pytest.mark.parametrize(
    ("ended", "times", "seconds"),
    [
        pytest.param(-600, 2, 3600, id="doubles"),
        pytest.param(-86_399, 2, 3600, id="within a day"),
        pytest.param(-86_400, 1, 1800, id="begins anew after a day"),
    ],
)
def test_the_back_off_doubles(ended: float, times: int, seconds: float) -> None:
    last = BackOff(
        command="c",
        update="u",
        from_scale_out=4,
        to_scale_out=6,
        promised=200.0,
        gained=0.0,
        until=after(220 + ended),
        times=1,
    )
    memory = PROMISED.model_copy(update={"back_off": last})

    found = reverts.judged(memory, applied(), measured(), after(220), POLICY).back_off

    assert found is not None
    assert (found.times, found.until) == (times, after(220 + seconds))


BACK_OFF = BackOff(
    command="c",
    update="u",
    from_scale_out=4,
    to_scale_out=6,
    promised=200.0,
    gained=-3.0,
    until=after(1800),
    times=1,
)


@pytest.mark.parametrize(
    ("current", "wanted", "at", "expected"),
    [
        pytest.param(6, 6, 0, (4, ("ineffective",)), id="goes back"),
        pytest.param(6, 8, 0, (4, ("ineffective",)), id="instead of further up"),
        pytest.param(6, 3, 0, (3, ()), id="or down further"),
        pytest.param(4, 5, 0, (4, ("ineffective",)), id="is not tried again"),
        pytest.param(3, 5, 0, (4, ("ineffective",)), id="up to what was is allowed"),
        pytest.param(4, 5, 1800, (5, ()), id="tried again in the end"),
        pytest.param(7, 7, 0, (7, ()), id="somebody else's scale-out is left alone"),
    ],
)
def test_what_brought_nothing_is_taken_back(
    current: int, wanted: int, at: float, expected: tuple[int, tuple[str, ...]]
) -> None:
    found = reverts.reverted(Wish(wanted, Reason.SCALE_UP), current, BACK_OFF, after(at))

    assert told(found) == expected
    assert (found.reason is Reason.INEFFECTIVE) == bool(found.limits)


def test_a_revert_says_what_was_promised() -> None:
    assert reverts.reverted(wish(6), 6, BACK_OFF, NOON).clauses == (
        "the scale-up from 4 to 6 workers brought 0/s of the 200/s promised, "
        "so none above 4 until 2026-01-01 12:30:00 UTC",
    )


def test_only_a_real_scale_up_of_known_capacity_is_promised_anything() -> None:
    down = COMMAND.model_copy(update={"to_scale_out": 2})
    advice = COMMAND.model_copy(update={"dry_run": True})

    assert reverts.promised(COMMAND, measured()) == PROMISED.promised
    assert reverts.promised(down, measured()) is None
    assert reverts.promised(advice, measured()) is None
    assert reverts.promised(COMMAND, measured(None)) is None
    assert reverts.promised(COMMAND, None) is None
