"""Options that tests share; fixtures of real servers are in `harness.fixtures`."""

import os
import random
import signal

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
"""The same examples on every run; new ones are searched elsewhere."""
settings.register_profile("search", deadline=None)
"""No example fails for its time: a machine may be busy."""
settings.load_profile("ci" if os.environ.get("CI") else "search")


# A shell that runs the tests in the background has SIGINT ignored, and what they start inherits it:
# Ctrl-C could not be tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


SLOWER = 5
"""How many times slower than usual a machine may be: a test that lasts longer hangs."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Grant each test a multiple of what its `timeout` says, which is what it may usually take."""
    if config.getoption("timeout") is not None or "PYTEST_TIMEOUT" in os.environ:
        return  # somebody knows better
    for item in items:
        marker = item.get_closest_marker("timeout")
        usual = float(marker.args[0] if marker else config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(SLOWER * usual), append=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("daedalus")
    group.addoption("--kills", type=int, default=20, help="SIGKILLs that a kill test sends (20)")
    group.addoption("--rounds", type=int, default=4, help="rounds of the join test (4)")
    group.addoption("--seed", type=int, default=None, help="seed of the kill tests (random)")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--rounds"))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    seed = request.config.getoption("--seed")
    if seed is None:
        seed = random.SystemRandom().randrange(10**6)
    print(f"--seed {seed}")
    return random.Random(seed)
