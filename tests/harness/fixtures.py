"""Fixtures of real servers. Where one cannot run, tests skip with the reason; in CI they fail."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.broker import Broker, running_broker


def need_tools(*tools: str) -> None:
    """Skip the test if a command is missing, or fail it in CI."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        why = f"needs {', '.join(missing)} on the PATH"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real Kafka with our topics, of this test alone."""
    need_tools("java", "mvn")
    with running_broker(tmp_path / "kafka") as found:
        yield found
