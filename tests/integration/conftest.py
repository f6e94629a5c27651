"""Tests against real servers."""

import pytest

from harness.fixtures import broker, control_plane

__all__ = ["broker", "control_plane"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that may take longest, lest one worker ends alone with them."""
    items.sort(key=_allowed, reverse=True)  # stable: a module's tests stay together and in order


def _allowed(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker and marker.args else 0.0
