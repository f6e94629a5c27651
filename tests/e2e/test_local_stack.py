"""The local stack on real engines: up, killed, up again, down; nothing survives."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from daedalus_local import lifecycle, proc
from daedalus_local.errors import StackError
from daedalus_local.home import Home, Options, Stack
from daedalus_local.kafka import KafkaServer, answers, running_kafka
from harness.fixtures import need_tools

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(400)]

OPTIONS = Options(job="wordcount", services=False, load=False, first_workers=1, max_workers=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    need_tools("java", "javac", "mvn")
    found = Home(tmp_path / ".daedalus")
    yield found
    lifecycle.down(found)


def groups() -> set[Path]:
    """Return the control groups of all pools on this machine: other runs may have left some."""
    return {path for path in Path("/sys/fs/cgroup").glob("*/daedalus-*") if path.is_dir()}


def process(stack: Stack, name: str) -> proc.Identity:
    [found] = [each for each in stack.processes if each.name == name]
    return proc.Identity(found.pid, found.started)


def test_a_killed_stack_is_cleaned_by_the_next_and_nothing_survives_down(home: Home) -> None:
    others = groups()
    first = lifecycle.up(home, OPTIONS, print, leash=False)
    with pytest.raises(StackError, match="runs already"):
        lifecycle.up(home, OPTIONS, print, leash=False)
    left = proc.members(home.path)
    made = groups() - others

    os.kill(first.supervisor.pid, signal.SIGKILL)
    while first.supervised:
        time.sleep(0.05)
    second = lifecycle.up(home, OPTIONS, print, leash=False)

    assert second.supervisor != first.supervisor
    assert not any(proc.alive(each) for each in left)
    assert second.bootstrap is not None
    assert answers(second.bootstrap, 30.0)

    assert lifecycle.down(home)

    assert proc.members(home.path) == []
    assert not any(group.exists() for group in made)
    assert sorted(path.name for path in home.path.iterdir()) == ["logs"]
    assert not lifecycle.down(home)


def test_a_killed_broker_is_started_again_where_it_was(home: Home) -> None:
    stack = lifecycle.up(home, OPTIONS, print, leash=True)
    assert stack.bootstrap is not None

    os.kill(process(stack, "kafka").pid, signal.SIGKILL)

    deadline = time.monotonic() + 300
    while True:
        now = home.read()
        assert now is not None
        if process(now, "kafka") != process(stack, "kafka") and answers(stack.bootstrap):
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_broker_keeps_what_it_had_when_killed_and_yields_a_taken_port(tmp_path: Path) -> None:
    need_tools("java", "mvn")
    with running_kafka(tmp_path / "a") as broker:
        other = KafkaServer(tmp_path / "b", broker.port)
        assert other.port != broker.port

        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result()
        broker.kill()
        assert not answers(broker.bootstrap)
        broker.start()

        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        assert "kept" in admin.list_topics(timeout=10).topics
    assert not answers(broker.bootstrap)
