"""Fixtures of real servers. Where one cannot run, tests skip with the reason; in CI they fail."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.broker import Broker, running_broker
from harness.control_plane import ControlPlane, running_control_plane


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


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real Kubernetes API server with controllers, of this module alone."""
    need_tools("kubectl", "openssl")
    with running_control_plane(tmp_path_factory.mktemp("kubernetes")) as found:
        yield found
