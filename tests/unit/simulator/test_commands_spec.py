"""Settings changed by hand, and the part of a workload that is played."""

import numpy as np
import pytest

from daedalus_shared.job_spec import JobSpec
from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.errors import UsageError
from daedalus_simulator.policies.daedalus import declared
from daedalus_simulator.runs.spec import changed
from daedalus_simulator.runs.workloads import cut, load

SPEC: JobSpec = declared()


def test_settings_change_what_they_name_and_nothing_else() -> None:
    found = changed(SPEC, ["policy.recovery_target=180s", "policy.prices.dial=steady"])

    assert found.policy.recovery_target == 180
    assert found.policy.prices.dial == "steady"
    assert (
        found.policy.model_copy(update={"recovery_target": 600.0, "prices": SPEC.policy.prices})
        == SPEC.policy
    )
    assert found.scale == SPEC.scale


def test_a_later_setting_wins() -> None:
    assert changed(SPEC, ["scale.max=9", "scale.max=7"]).scale.max == 7


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        pytest.param("policy.loop", "write it like --set policy.recovery_target=180s", id="no ="),
        pytest.param("=3", "write it like", id="no name"),
        pytest.param("policy.lop=3", "did you mean policy.loop?", id="misspelt"),
        pytest.param("recovery_target=3m", "did you mean policy.recovery_target?", id="no section"),
        pytest.param("policy.loop.x=3", "no such setting", id="too deep"),
        pytest.param("input.group=x", "no such setting", id="not simulated"),
        pytest.param("policy.loop=fast", "'fast' is not a duration", id="no duration"),
        pytest.param("policy.loop=[", "is no value", id="no value"),
        pytest.param("scale.min=30", "min 30 is above max 18", id="does not fit together"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_would_be_right(setting: str, told: str) -> None:
    with pytest.raises(UsageError, match=r"^--set") as caught:
        changed(SPEC, [setting])

    assert told in str(caught.value)


def test_a_part_of_a_trace_begins_and_ends_where_asked() -> None:
    trace = Trace("t", np.arange(1000.0))

    found = cut(trace, 100, 500)

    assert found.name == "t"
    assert (found.rates[0], len(found.rates)) == (100, 400)
    assert len(cut(trace, None, 5000).rates) == 1000


def test_shapes_of_another_seed_are_other_workloads() -> None:
    first, again, other = (
        load(text).rates for text in ("shape:noisy", "shape:noisy@0", "shape:noisy@1")
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
