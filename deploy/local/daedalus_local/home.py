"""The folder of a stack: what it was asked to run, what runs, and where the logs are.

`stack.json` is written by the supervisor alone, in one rename, and read by everybody.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from daedalus_local.errors import StackError
from daedalus_local.proc import Identity, alive, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a stack runs."""

    job: str = "ysb"
    """Name of the sample job."""

    simulate: int = 0
    """So many simulated jobs take the place of Flink, the sample job, monitor and executor."""

    mode: str = "act"
    """`act` or `advise`, as in a job's policy."""

    planner: str = "horizon"
    """Who decides: `horizon`, `rules`, or the rule of Kubernetes' autoscaler, `hpa`."""

    factor: float = 1.0
    """How many times faster than the job's time the workload is played and the policy works."""

    minutes: float = 80.0
    """Length of a generated workload, in minutes of the job's time."""

    trace: str | None = None
    """File of a trace to play instead of the generated rise and fall."""

    shape: str = "rise-and-fall"
    """Which workload is generated."""

    peak: float = 4600.0
    """Highest records/s: needs five of the six workers at the default cost and quota."""

    seed: int = 1
    """Seed of the generated workload."""

    repeat: bool = False
    """Whether the workload starts again when it ends."""

    services: bool = True
    """Whether the Daedalus services run; without, the job stays as it is."""

    prometheus: bool = False
    """Whether a Prometheus scrapes the services."""

    load: bool = True
    """Whether a workload is played."""

    first_workers: int = 2
    """Workers that the job starts with."""

    max_workers: int = 6
    """Most workers."""

    quota: float = 0.2
    """Cores that a worker may use: six of them and all else fit on two cores."""

    cpu_us: int = 300
    """Microseconds of CPU that a record which the job works on costs (in `ysb` each third one)."""

    @property
    def shown(self) -> str:
        """What runs, for people."""
        return f"{self.simulate} simulated jobs" if self.simulate else self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process of a stack."""

    name: str
    pid: int
    started: int
    """Clock ticks from boot to its start."""

    log: str
    restarts: int = 0
    state: str = "running"
    """`running`, `waiting` for its restart, `ended`, or `failed`."""

    url: str | None = None
    """Where it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What stands in `stack.json`."""

    state: str
    """`starting`, `ready`, `stopping` or `failed`."""

    step: str = ""
    """What is being done, or why it failed."""

    supervisor: Identity
    since: float
    """Unix time of the start, in seconds."""

    bootstrap: str | None = None
    """Address of Kafka; the console looks for it here."""

    flink: str | None = None
    """Address of Flink's REST API and web page."""

    job: str | None = None
    notes: tuple[str, ...] = ()
    """What a person should know, such as that there are no CPU quotas."""

    load_began: float | None = None
    """Unix time at which the workload began, in seconds."""

    options: Options = field(default_factory=Options)
    processes: tuple[Running, ...] = ()

    @property
    def console(self) -> str | None:
        """Return where the web page is; None without services."""
        return next((each.url for each in self.processes if each.name == "console"), None)

    @property
    def supervised(self) -> bool:
        """Return whether the supervisor is alive."""
        return alive(self.supervisor)


class Home:
    """The folder of one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.registry = self.path / "stack.json"
        self.logs = self.path / "logs"
        self.pools = self.path / "pools.json"

    def read(self) -> Stack | None:
        """Return what the last supervisor wrote, or None when there is nothing to be read."""
        try:
            return _stack(json.loads(self.registry.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise StackError(f"{self.registry} is damaged ({error}); remove it") from error

    def workers(self) -> tuple[Running, ...]:
        """Return the workers of all pools, as they have registered themselves; oldest first."""
        found = []
        for stat in sorted(self.path.glob("pools/*/workers/*/stat")):
            folder = stat.parent
            try:
                identity = told(stat.read_text())
            except (OSError, ValueError, IndexError):
                continue  # it ends just now, or begins
            log = folder.parents[1] / "logs" / f"{folder.name}.log"
            found.append(
                Running(
                    name=folder.name,
                    pid=identity.pid,
                    started=identity.started,
                    log=str(log),
                    state="running" if alive(identity) else "dead",
                )
            )
        return tuple(found)

    def write(self, stack: Stack) -> None:
        """Write what runs, so that a reader sees the old or the new, whole."""
        self.path.mkdir(parents=True, exist_ok=True)
        partial = self.registry.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(stack), indent=2) + "\n")
        partial.replace(self.registry)

    def clear(self, *, logs: bool) -> None:
        """Remove what a stack keeps here, its logs too if `logs`; other files stay."""
        if not logs:
            self._collect_logs()
        for name in ("kafka", "flink", "pools", "jobs", "prometheus", *(["logs"] if logs else [])):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for file in (self.registry, self.pools, self.registry.with_suffix(".partial")):
            file.unlink(missing_ok=True)
        if self.path.exists() and not any(self.path.iterdir()):
            self.path.rmdir()

    def _collect_logs(self) -> None:
        """Save the logs that lie in folders which are removed."""
        for log in (*self.path.glob("*/*.log"), *self.path.glob("pools/*/logs/*.log")):
            if log.parent != self.logs:
                self.logs.mkdir(exist_ok=True)
                log.replace(self.logs / log.name)


def default() -> Home:
    """Return the folder that commands use: `DAEDALUS_HOME`, else `.daedalus` in this folder."""
    return Home(Path(os.environ.get("DAEDALUS_HOME") or ".daedalus"))


def _stack(found: dict[str, Any]) -> Stack:
    stack = Stack(**{**found, "notes": tuple(found["notes"])})
    return replace(
        stack,
        supervisor=Identity(**found["supervisor"]),
        options=Options(**found["options"]),
        processes=tuple(Running(**each) for each in found["processes"]),
    )
