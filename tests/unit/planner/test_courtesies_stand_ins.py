"""What stands in for an unknown signal, and what may follow from it."""

import pytest

from daedalus_planner.domain.courtesies import stand_ins
from daedalus_planner.domain.courtesies.memory import Good
from daedalus_shared.courtesies import Unknown
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
)
from harness.wishes import CURRENT, NOON, after, measured, told, wish

TABLE = tuple(
    CapacityPoint(scale_out=q, capacity=100.0 * q, basis=Basis.ESTIMATED) for q in range(1, 9)
)
BLIND = measured(None, workload=None, lag=None)
LAST = stand_ins.remembered(
    {},
    measured(600.0, table=TABLE, lag=7.0, tick=NOON, at=NOON),
    Unknown(workload="last_good", lag="last_good", capacity="last_good"),
)


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        pytest.param(Unknown(), (None, None, None), id="held by default"),
        pytest.param(Unknown(workload="last_good"), (300.0, None, None), id="last workload"),
        pytest.param(Unknown(workload="forecast"), (250.0, None, None), id="workload forecast"),
        pytest.param(Unknown(lag="last_good"), (None, 7.0, None), id="last lag"),
        pytest.param(Unknown(lag="forecast"), (None, 0.0, None), id="as if nothing waited"),
        pytest.param(Unknown(capacity="last_good"), (None, None, 600.0), id="last capacity"),
        pytest.param(
            Unknown(workload="last_good", lag="last_good", capacity="last_good", good_for="220s"),
            (None, None, None),
            id="too old",
        ),
    ],
)
def test_something_stands_in_for_what_is_unknown(
    unknown: Unknown, expected: tuple[float | None, float | None, float | None]
) -> None:
    found = stand_ins.filled(BLIND, 250.0, LAST, after(220), unknown)

    mean = found.workload.mean if found.workload else None
    assert (mean, found.lag, found.capacity) == expected
    assert stand_ins.stood_in(found, BLIND) == tuple(
        signal
        for signal, value in zip(("workload", "lag", "capacity"), expected, strict=True)
        if value is not None
    )


def test_nothing_stands_in_for_what_is_known_nor_without_a_forecast() -> None:
    asked = Unknown(workload="forecast", lag="forecast", capacity="last_good")

    assert stand_ins.filled(measured(), 250.0, LAST, after(220), asked) == measured()
    assert stand_ins.filled(BLIND, None, {}, after(220), asked) == BLIND


def test_only_what_is_asked_for_is_remembered() -> None:
    asked = Unknown(lag="last_good")

    found = stand_ins.remembered(LAST, measured(lag=9.0, table=TABLE), asked)

    assert list(found) == ["lag"]
    assert (found["lag"].lag, found["lag"].table) == (9.0, ())
    assert stand_ins.remembered(found, measured(lag=None), asked) == found
    assert stand_ins.remembered(found, None, Unknown()) == {}
    assert isinstance(found["lag"], Good)


@pytest.mark.parametrize(
    ("signals", "wanted", "expected"),
    [
        pytest.param((), 2, (2, ()), id="all is known"),
        pytest.param(("workload", "lag"), 2, (4, ("workload_unknown",)), id="no scale-down"),
        pytest.param(("lag",), 6, (6, ()), id="but a scale-up"),
    ],
)
def test_a_stand_in_is_no_ground_to_scale_down(
    signals: tuple[str, ...], wanted: int, expected: tuple[int, tuple[str, ...]]
) -> None:
    assert told(stand_ins.grounded(wish(wanted), CURRENT, signals)) == expected
