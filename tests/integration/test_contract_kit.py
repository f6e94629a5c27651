"""The contract test kit on a real broker: it passes who keeps to the events, and finds each fault.

The runs are made side by side, since each waits for its service most of the time.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daedalus_contract.jobs import declaration, spec
from daedalus_contract.run import ContractError, Options, Role, run
from daedalus_contract.verdicts import Mark, Verdict
from daedalus_local.ports import free_port
from daedalus_shared.events import JobMetrics
from daedalus_shared.settings import ServiceSettings
from harness.broker import Broker, running_broker
from harness.fixtures import need_tools
from harness.replicas import Replica, running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
GRACE = 25.0
"""Seconds in which a good service must answer, however busy the machine is."""

START = 240.0
"""Seconds for a service to start: beside other tests it may get a twentieth of a core."""

AT_ONCE = 4
"""Runs side by side: a service answers the ticks of all runs, so more would be slower."""

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

    says_ready: str = ""
    """What it writes once it reads; nothing to wait for where the kit starts it."""

    grace: float = GRACE
    patience: float = START
    failing: frozenset[str] = frozenset()
    """Checks that must fail, whatever else does; none for a good service."""

    def judged(self, broker: Broker, directory: Path) -> list[Verdict]:
        """Run the service and the kit beside it."""
        port = free_port() if self.role in (Role.EXECUTOR, Role.MONITOR) else 0
        rest = json.dumps([f"http://127.0.0.1:{port}"])
        environment = _environment(broker)
        environment |= {f"{self.role.upper()}_BOOTSTRAP": broker.bootstrap}
        environment |= {"EXECUTOR_ALLOWED_REST": rest} if self.role is Role.EXECUTOR else {}
        environment |= dict(self.env)
        options = Options(
            role=self.role,
            source=f"{self.role}/{self.name}",
            grace=self.grace,
            patience=self.patience,
            engine_port=port,
            log=directory / f"{self.role}-{self.name}.log",
        )
        settings = ServiceSettings(bootstrap=broker.bootstrap, instance="kit")
        if self.restarts:
            given = [f"{name}={value}" for name, value in environment.items()]
            command = ("env", *given, sys.executable, *self.argv)
            return run(settings, replace(options, command=command))
        replica = Replica(f"{self.role}-{self.name}", self.argv, environment, directory)
        with running(replica):
            assert replica.until_logged(self.says_ready, START), replica.tail()
            return run(settings, options)


def ours(role: Role) -> Subject:
    """Return one of our services; other tests kill it."""
    return Subject(role, OURS[role], ("-m", f"daedalus_{role}"), {}, says_ready="restored")


def stand_in(role: Role, fault: str = "", *failing: str, **env: str) -> Subject:
    name = "-".join(["standin", *fault.split()])
    environment = {"NAME": name, "FAULTS": fault, **env}
    return Subject(
        role,
        name,
        ("-m", f"harness.stand_ins.{role}"),
        environment,
        restarts=not fault,
        says_ready="reads",
        grace=5.0 if fault else GRACE,
        patience=15.0 if fault in _NEVER_RIGHT else START,
        failing=frozenset(failing),
    )


_NEVER_RIGHT = {"nojson", "major", "garbled", "length", "clock", "negative"}
"""Faults that leave no answer to wait for."""


def example() -> Subject:
    script = str(ROOT / "examples" / "forecaster.py")
    return Subject(Role.FORECASTER, "example", (script,), {"NAME": "example"}, restarts=True)


def side_by_side(
    subjects: Sequence[Subject], broker: Broker, directory: Path
) -> list[tuple[Subject, list[Verdict]]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda subject: subject.judged(broker, directory), subjects)
        return list(zip(subjects, found, strict=True))


def failed(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {each.name: each.said for each in verdicts if each.mark is Mark.FAILED}


FAULTS = [
    stand_in(
        Role.FORECASTER,
        "headers id partition name short",
        "headers", "id", "partition", "name", "horizon",
    ),
    stand_in(Role.FORECASTER, "key twice", "key", "one a tick"),
    stand_in(Role.FORECASTER, "garbled", "values", "one a tick"),
    stand_in(Role.FORECASTER, "nojson", "decodes"),
    stand_in(Role.FORECASTER, "major", "decodes"),
    stand_in(Role.FORECASTER, "stops", "one a tick"),
    stand_in(Role.FORECASTER, "late", "in time", LATE="7"),
    stand_in(Role.FORECASTER, "clock", "tick"),
    stand_in(Role.FORECASTER, "drifts chatty", "repeats", "unknown jobs"),
    stand_in(Role.FORECASTER, "length", "decodes"),
    stand_in(Role.FORECASTER, "sulks", "bad input"),
    stand_in(Role.ANALYZER, "negative", "values"),
    stand_in(Role.ANALYZER, "loop table chatty", "loop", "table", "unknown jobs"),
    stand_in(Role.PLANNER, "waits forgetful", "missing", "commands"),
    stand_in(
        Role.PLANNER, "unmarked usurps bounds wet", "missing", "shadow", "bounds", "dry run"
    ),
    stand_in(Role.EXECUTOR, "again", "once"),
    stand_in(Role.EXECUTOR, "expired generation promise", "expired", "generation", "echo"),
    stand_in(Role.EXECUTOR, "bounds stale wet", "refuses", "dry run"),
    stand_in(Role.MONITOR, "zero eager remembers", "unknown", "tick", "unknown jobs"),
]  # fmt: skip


@pytest.mark.parametrize("role", OURS)
def test_the_kit_passes_what_is_right_and_finds_each_fault(
    role: Role, broker: Broker, tmp_path: Path
) -> None:
    """One role at a time: a service answers all that is played, and so would be in the way."""
    theirs = example() if role is Role.FORECASTER else stand_in(role)
    broken = [subject for subject in FAULTS if subject.role is role]

    found = side_by_side([ours(role), theirs, *broken], broker, tmp_path)

    (_, own), (_, others), *rest = found
    for subject, verdicts in found:
        print(subject.role, subject.name, failed(verdicts))
    assert failed(own) == {}, (tmp_path / f"{role}-{OURS[role]}.log").read_text()[-3000:]
    assert failed(others) == {}
    assert [each.mark for each in others if each.name == "restart"] == [Mark.PASSED]
    missed = {
        subject.name: sorted(failed(verdicts))
        for subject, verdicts in rest
        if not subject.failing <= set(failed(verdicts))
    }
    assert missed == {}


def test_where_others_speak_too_nothing_is_judged(broker: Broker, tmp_path: Path) -> None:
    """A monitor that reports the test's jobs by the clock makes the played ticks old ones."""
    tap = broker.tap(JobMetrics, strict=False)
    late = {"LATE": "2"}  # so that the run lasts longer than a report takes, on a busy machine too
    other = Replica("m", ("-m", "harness.stand_ins.monitor"), _environment(broker), tmp_path)
    at = datetime.now(UTC) - timedelta(seconds=60)
    with running(other):
        broker.send(declaration(spec("known", 1.0), at))
        broker.flush()
        assert tap.until(lambda: any(each.event.job == "known" for each in tap.found), 60)
        with pytest.raises(ContractError, match=r"monitor/standin spoke of the test's jobs too"):
            stand_in(Role.FORECASTER, "late", **late).judged(broker, tmp_path)
    tap.close()


def _environment(broker: Broker) -> dict[str, str]:
    return {"BOOTSTRAP": broker.bootstrap, "PYTHONPATH": str(ROOT / "tests")}
