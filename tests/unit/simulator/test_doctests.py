"""The examples in the docstrings hold."""

import doctest
from types import ModuleType

import pytest

import daedalus_simulator.domain.traces
import daedalus_simulator.runs.plots
import daedalus_simulator.runs.tables


@pytest.mark.parametrize(
    "module",
    [
        daedalus_simulator.domain.traces,
        daedalus_simulator.runs.plots,
        daedalus_simulator.runs.tables,
    ],
    ids=lambda module: str(module.__name__),
)
def test_examples_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)

    assert found.attempted > 0
    assert found.failed == 0
