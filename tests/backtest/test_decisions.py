"""Policies decide as they did when their record was looked at last, and as well as promised.

Nothing here is about time: a slow machine decides the same.
"""

import pytest

from backtest import record
from backtest.record import Record

# The whole matrix is played once, before the first test.
pytestmark = pytest.mark.timeout(1500)

NAMES = [record.name(task) for task in record.tasks(record.folder())]
TRACES = [name.removeprefix("rules on ") for name in NAMES if name.startswith("rules on ")]
SHAPES = [name for name in TRACES if name in record.SHAPES]
RECORDED = [name for name in TRACES if name not in record.SHAPES]

needs_traces = pytest.mark.skipif(
    not RECORDED, reason="DAEDALUS_TRACES names no folder of recorded traces"
)


@pytest.fixture(scope="session", name="played")
def _played() -> dict[str, Record]:
    return record.play(record.folder())


@pytest.fixture(scope="session", name="golden")
def _golden() -> dict[str, Record]:
    return record.read()


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_decides_as_it_did(
    name: str, played: dict[str, Record], golden: dict[str, Record]
) -> None:
    if name not in golden:
        pytest.skip(f"{name} is not in the golden record; `make golden` adds it")

    assert record.differences(played[name], golden[name]) == [], (
        "if this is meant, renew the record with `make golden` and say why in the commit"
    )


@needs_traces
@pytest.mark.parametrize("workload", RECORDED)
def test_horizon_costs_at_most_a_fifth_more_than_the_oracle(
    workload: str, played: dict[str, Record]
) -> None:
    assert played[f"horizon-balanced on {workload}"].ratio <= 1.2


@pytest.mark.parametrize("workload", TRACES)
def test_no_policy_beats_the_oracle(workload: str, played: dict[str, Record]) -> None:
    ratios = {name: played[name].ratio for name in NAMES if name.endswith(f" on {workload}")}

    assert min(ratios.values()) == ratios[f"oracle-J on {workload}"] == 1


def test_horizon_beats_the_rules_on_generated_workloads(played: dict[str, Record]) -> None:
    ours, rules = (
        record.mean_ratio(played, policy, SHAPES) for policy in ("horizon-balanced", "rules")
    )

    assert ours < rules


@needs_traces
def test_horizon_beats_the_rules_on_recorded_traces(played: dict[str, Record]) -> None:
    ours, rules = (
        record.mean_ratio(played, policy, RECORDED) for policy in ("horizon-balanced", "rules")
    )

    assert ours <= 1.14
    assert ours < rules - 0.1
