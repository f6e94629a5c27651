"""The planner's side of the executor: commands, each after the outcome of the one before."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daedalus_shared.events import Declaration, Promise, ScaleCommand, ScaleOutcome
from daedalus_shared.job_spec import JobSpec
from harness.broker import Broker
from harness.fake_flink import FakeFlink
from harness.replicas import Replica
from harness.services import service

MOST = 8
"""Workers at most."""

PATIENCE = 120.0
"""Seconds without what is waited for after which the executors are taken for dead."""


def executor(number: int, broker: Broker, flink: FakeFlink, directory: Path, **env: str) -> Replica:
    """Return one replica of an executor that may change the cluster, not started."""
    settings = {
        "ALLOWED_REST": json.dumps([flink.url]),
        # Below the session timeout, and enough for a busy machine.
        "WAITS__REQUEST": "2s",
        **env,
    }
    return service("executor", number, broker, directory, **settings)


def declare(broker: Broker, flink: FakeFlink, job: str, **more: object) -> None:
    """Queue the declaration of a job on the cluster; `more` takes the place of spec fields."""
    fields = {
        "job": job,
        "engine": {"kind": "flink", "rest": flink.url},
        "input": {"bootstrap": "nowhere:1", "topics": ["in"], "group": job},
        "workers": {"kind": "none"},
        "scale": {"min": 1, "max": MOST},
        "policy": {"mode": "act", "converge_within": 60.0},
        **more,
    }
    spec = JobSpec.model_validate(fields)
    broker.send(Declaration(job=job, at=datetime.now(UTC), source="console/test", spec=spec))


class Commander:
    """Sends commands and collects what becomes of them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._tap = broker.tap(ScaleOutcome)
        self._generation: dict[str, int] = {}
        self._scale_out: dict[str, int] = {}
        self.commands: dict[str, list[ScaleCommand]] = {}
        self.outcomes: dict[str, dict[str, ScaleOutcome]] = defaultdict(dict)
        """Command → outcomes by their id."""
        self.repeated = 0
        """Outcomes that came once more under the same id."""

    def add(self, job: str, scale_out: int) -> None:
        self.commands[job] = []
        self._scale_out[job] = scale_out

    def send(self, job: str, wanted: int | None = None, rng: random.Random | None = None) -> None:
        """Queue a command; without `wanted` any other scale-out."""
        present = self._scale_out[job]
        if wanted is None:
            assert rng is not None
            wanted = rng.choice([each for each in range(1, MOST + 1) if each != present])
        now = datetime.now(UTC)
        command = ScaleCommand(
            job=job,
            at=now,
            tick=now,
            source="planner/horizon",
            from_scale_out=present,
            to_scale_out=wanted,
            expected_generation=self._generation.get(job),
            expires_at=now + timedelta(minutes=30),
            decision="of the test",
            promise=Promise(),
        )
        self.commands[job].append(command)
        self._broker.send(command)

    def listen(self, timeout: float = 0.05) -> None:
        """Take note of new outcomes."""
        for each in self._tap.poll(timeout):
            outcome = each.event
            assert isinstance(outcome, ScaleOutcome)
            known = self.outcomes[outcome.command]
            self.repeated += outcome.id in known
            known.setdefault(outcome.id, outcome)
            if outcome.scale_out is not None:
                self._scale_out[outcome.job] = outcome.scale_out
            self._generation[outcome.job] = outcome.generation

    def open(self) -> list[str]:
        """Return the jobs whose last command has no outcome yet."""
        return [
            job
            for job, commands in self.commands.items()
            if commands and commands[-1].id not in self.outcomes
        ]

    def all(self) -> list[ScaleCommand]:
        return [command for commands in self.commands.values() for command in commands]

    def statuses(self) -> Counter[str]:
        return Counter(each.status for known in self.outcomes.values() for each in known.values())

    def close(self) -> None:
        self._tap.close()


def assert_each_was_carried_out_once(
    commander: Commander, flink: FakeFlink, say: Callable[[], str]
) -> None:
    """Each command was applied, has one outcome, and changed its job once, in the order sent."""
    commands = commander.all()
    changes = sum(put.changed for put in flink.puts)
    resumed = [
        each
        for known in commander.outcomes.values()
        for each in known.values()
        if not each.downtime
    ]
    print(
        f"{len(commands)} commands, {dict(commander.statuses())}; {changes} changes by "
        f"{len(flink.puts)} requests ({len(flink.puts) - changes} repeated); "
        f"{len(resumed)} commands resumed after the change, {commander.repeated} outcomes repeated"
    )
    lost = [each for each in commands if each.id not in commander.outcomes]
    assert not lost, f"lost: {lost}\n{say()}"
    several = {
        command: list(known.values())
        for command, known in commander.outcomes.items()
        if len(known) > 1
    }
    assert not several, f"several outcomes: {several}\n{say()}"
    assert commander.statuses() == {"applied": len(commands)}, f"{commander.outcomes}\n{say()}"
    for job, sent in commander.commands.items():
        assert flink.changes(job) == [each.to_scale_out for each in sent], f"{job}\n{say()}"
