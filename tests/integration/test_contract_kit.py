"""The contract test kit on a real broker: it passes who keeps to the events, and finds each fault.

The runs are made side by side, since each waits for its service most of the time.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from daedalus_contract.run import Options, Role, run
from daedalus_contract.verdicts import Mark, Verdict
from daedalus_local.ports import free_port
from daedalus_shared.settings import ServiceSettings
from harness.broker import Broker, running_broker
from harness.fixtures import need_tools
from harness.replicas import Replica, running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
GRACE = 10.0
"""Seconds in which a good service must answer, however busy the machine is."""

OURS = {
    Role.MONITOR: "monitor",
    Role.ANALYZER: "analyzer",
    Role.FORECASTER: "daedalus",
    Role.PLANNER: "horizon",
    Role.EXECUTOR: "executor",
}
"""Each of our services, and its instance."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    need_tools("java", "mvn")
    with running_broker(tmp_path_factory.mktemp("kit") / "kafka") as found:
        yield found


@dataclass(frozen=True)
class Subject:
    """A service under test."""

    role: Role
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    restarts: bool = False
    """Whether the kit runs, kills and restarts it itself."""

    grace: float = GRACE
    failing: frozenset[str] = frozenset()
    """Checks of which one at least must fail; none for a good service."""

    def judged(self, broker: Broker, directory: Path) -> list[Verdict]:
        """Run the service and the kit beside it."""
        port = free_port() if self.role in (Role.EXECUTOR, Role.MONITOR) else 0
        rest = json.dumps([f"http://127.0.0.1:{port}"])
        environment = {"BOOTSTRAP": broker.bootstrap, "PYTHONPATH": str(ROOT / "tests")}
        environment |= {f"{self.role.upper()}_BOOTSTRAP": broker.bootstrap}
        environment |= {"EXECUTOR_ALLOWED_REST": rest} if self.role is Role.EXECUTOR else {}
        environment |= dict(self.env)
        options = Options(
            role=self.role,
            source=f"{self.role}/{self.name}",
            grace=self.grace,
            engine_port=port,
            log=directory / f"{self.role}-{self.name}.log",
        )
        settings = ServiceSettings(bootstrap=broker.bootstrap, instance="kit")
        if self.restarts:
            given = [f"{name}={value}" for name, value in environment.items()]
            command = ("env", *given, sys.executable, *self.argv)
            return run(settings, replace(options, command=command))
        with running(Replica(f"{self.role}-{self.name}", self.argv, environment, directory)):
            return run(settings, options)


def ours(role: Role) -> Subject:
    """Return one of our services; those that take the kit little time are restarted too."""
    session = {f"{role.upper()}_SESSION_TIMEOUT": "3"}
    return Subject(role, OURS[role], ("-m", f"daedalus_{role}"), session)


def stand_in(role: Role, fault: str = "", *failing: str, **env: str) -> Subject:
    name = "-".join(["standin", *fault.split()])
    environment = {"NAME": name, "FAULT": fault, **env}
    return Subject(
        role,
        name,
        ("-m", f"harness.stand_ins.{role}"),
        environment,
        restarts=not fault,
        grace=3.0 if fault else GRACE,
        failing=frozenset(failing),
    )


def example() -> Subject:
    script = str(ROOT / "examples" / "forecaster.py")
    return Subject(Role.FORECASTER, "example", (script,), {"NAME": "example"}, restarts=True)


def side_by_side(
    subjects: Sequence[Subject], broker: Broker, directory: Path
) -> list[tuple[Subject, list[Verdict]]]:
    with ThreadPoolExecutor(len(subjects)) as pool:
        found = pool.map(lambda subject: subject.judged(broker, directory), subjects)
        return list(zip(subjects, found, strict=True))


def failed(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {each.name: each.said for each in verdicts if each.mark is Mark.FAILED}


def test_our_own_services_keep_to_the_contract(broker: Broker, tmp_path: Path) -> None:
    # One after the other in two groups: two cores, and five services that import numpy.
    judged = side_by_side([ours(role) for role in OURS], broker, tmp_path)

    assert {subject.role: failed(verdicts) for subject, verdicts in judged} == {
        role: {} for role in OURS
    }


def test_services_of_somebody_else_keep_to_it_too_and_survive_a_kill(
    broker: Broker, tmp_path: Path
) -> None:
    subjects = [example(), *(stand_in(role) for role in OURS if role is not Role.FORECASTER)]

    judged = side_by_side(subjects, broker, tmp_path)

    assert {subject.role: failed(verdicts) for subject, verdicts in judged} == {
        role: {} for role in OURS
    }
    for _, verdicts in judged:
        assert [each.mark for each in verdicts if each.name == "restart"] == [Mark.PASSED]


FAULTS = [
    stand_in(Role.FORECASTER, "headers", "headers"),
    stand_in(Role.FORECASTER, "key", "key"),
    stand_in(Role.FORECASTER, "partition", "partition"),
    stand_in(Role.FORECASTER, "id", "id"),
    stand_in(Role.FORECASTER, "major", "decodes"),
    stand_in(Role.FORECASTER, "no json", "decodes"),
    stand_in(Role.FORECASTER, "length", "decodes"),
    stand_in(Role.FORECASTER, "nan", "values"),
    stand_in(Role.FORECASTER, "negative", "values"),
    stand_in(Role.FORECASTER, "huge", "values"),
    stand_in(Role.FORECASTER, "silent", "one a tick"),
    stand_in(Role.FORECASTER, "stops", "one a tick"),
    stand_in(Role.FORECASTER, "twice", "one a tick"),
    stand_in(Role.FORECASTER, "late", "in time", LATE="4"),
    stand_in(Role.FORECASTER, "clock", "tick"),
    stand_in(Role.FORECASTER, "drifts", "repeats"),
    stand_in(Role.FORECASTER, "chatty", "unknown jobs"),
    stand_in(Role.FORECASTER, "dies", "bad input"),
    stand_in(Role.FORECASTER, "name", "name"),
    stand_in(Role.FORECASTER, "short", "horizon"),
    stand_in(Role.ANALYZER, "negative", "values"),
    stand_in(Role.ANALYZER, "loop", "loop"),
    stand_in(Role.ANALYZER, "table", "table"),
    stand_in(Role.ANALYZER, "chatty", "unknown jobs"),
    stand_in(Role.PLANNER, "waits", "missing"),
    stand_in(Role.PLANNER, "unmarked", "missing"),
    stand_in(Role.PLANNER, "usurps", "shadow"),
    stand_in(Role.PLANNER, "bounds", "bounds"),
    stand_in(Role.PLANNER, "wet", "dry run"),
    stand_in(Role.PLANNER, "forgetful", "commands"),
    stand_in(Role.EXECUTOR, "again", "once"),
    stand_in(Role.EXECUTOR, "expired", "expired"),
    stand_in(Role.EXECUTOR, "generation", "generation"),
    stand_in(Role.EXECUTOR, "promise", "echo"),
    stand_in(Role.EXECUTOR, "bounds", "refuses"),
    stand_in(Role.EXECUTOR, "stale", "refuses"),
    stand_in(Role.EXECUTOR, "wet", "dry run"),
    stand_in(Role.MONITOR, "zero", "unknown"),
    stand_in(Role.MONITOR, "unsaid", "unknown"),
    stand_in(Role.MONITOR, "eager", "tick"),
    stand_in(Role.MONITOR, "remembers", "unknown jobs"),
]


def test_each_fault_is_found_by_its_check(broker: Broker, tmp_path: Path) -> None:
    found = side_by_side(FAULTS, broker, tmp_path)

    missed = {
        subject.name + " " + subject.role: sorted(failed(verdicts))
        for subject, verdicts in found
        if not subject.failing <= set(failed(verdicts))
    }
    for subject, verdicts in found:
        print(subject.role, subject.name, failed(verdicts))
    assert missed == {}
    assert os.environ.get("FAULT") is None
