"""A pool: the workers of one job as plain processes of this machine, with CPU quotas.

What runs is written in the pool's folder and nowhere else, so an executor that was killed finds
all workers again. A pool serves one job.
"""

import asyncio
import json
import logging
import os
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from daedalus_executor.adapters import worker_process
from daedalus_executor.adapters.cgroups import Quotas, read_hierarchies
from daedalus_executor.ports import TargetError
from daedalus_shared.events.codec import explain

log = logging.getLogger(__name__)

_LOGS_KEPT = 20
"""Logs of workers that have ended, the newest of which are kept."""


_LOOK = 0.05
"""Seconds between two looks at a worker that starts or ends."""

_LOOKS = 20
"""Attempts to remove a group whose processes have just been killed."""


class PoolsError(ValueError):
    """The file of pools is wrong; the message says where."""


class PoolSettings(BaseModel):
    """One pool, as the operator declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    command: tuple[str, ...] = Field(min_length=1)
    """What a worker runs; `{worker}` stands for its name."""

    env: dict[str, str] = Field(default_factory=dict)
    """Added to the executor's environment."""

    cwd: Path = Path("/")
    """Where a worker runs."""

    directory: Path
    """The pool's own folder: who runs (`workers/`), the logs (`logs/`), and, where workers say so,
    where each answers (`endpoints/<worker>.json`, in the form of Prometheus' file_sd)."""

    max_workers: int = Field(ge=1)
    """Most workers at a time."""

    cpu_quota: float = Field(default=1.0, gt=0)
    """Cores that a worker may use."""

    start_quota: float = Field(default=1.0, gt=0)
    """Cores that it may use until it runs: a JVM takes 16 s to start at a quarter of a core, 3 s
    with a whole one."""

    stop_timeout: float = Field(default=15.0, gt=0)
    """Seconds between SIGTERM and SIGKILL."""

    @model_validator(mode="after")
    def _names_the_worker(self) -> Self:
        if not any("{worker}" in part for part in self.command):
            raise ValueError("command: one argument must contain {worker}")
        return self


def read_pools(path: Path) -> dict[str, PoolSettings]:
    """Read the file of pools, a JSON object of name → pool.

    Raises:
        PoolsError: It cannot be read, or is wrong; one line.
    """
    try:
        return TypeAdapter(dict[str, PoolSettings]).validate_json(path.read_bytes())
    except OSError as error:
        raise PoolsError(f"cannot read the pools of {path}: {error.strerror}") from error
    except ValidationError as error:
        raise PoolsError(f"{path}: {explain(error)}") from error


class Pool:
    """The workers of one pool; it keeps nothing in memory that a restart would lose."""

    def __init__(self, name: str, settings: PoolSettings, quotas: Quotas) -> None:
        self.name = name
        self._settings = settings
        self._quotas = quotas
        self._workers = settings.directory / "workers"
        self._logs = settings.directory / "logs"
        self._endpoints = settings.directory / "endpoints"

    @property
    def most(self) -> int:
        """The most workers at a time."""
        return self._settings.max_workers

    @property
    def why_no_quotas(self) -> str:
        """Why workers run without CPU quotas; empty when they have them."""
        return self._quotas.why_none

    def workers(self) -> tuple[str, ...]:
        """Return the names of the workers that run, oldest first; what died is cleared away."""
        if not self._workers.is_dir():
            return ()
        running = []
        for folder in sorted(self._workers.iterdir()):
            if worker_process.runs(folder):
                running.append(folder.name)
            else:
                log.info("worker %s has ended: %s", folder.name, self.last_line(folder.name))
                self._clear(folder)
        return tuple(running)

    def start(self) -> str:
        """Start one worker with the wide quota and return its name.

        Raises:
            TargetError: The pool is full, or the machine refuses.
        """
        count = len(self.workers())
        if count >= self.most:
            raise TargetError(f"pool {self.name} is full: {count} workers run")
        try:
            return self._start()
        except OSError as error:
            raise TargetError(f"pool {self.name} cannot start a worker: {error}") from error

    def narrow(self, worker: str) -> None:
        """Give a worker its quota, now that it has started."""
        try:
            self._quotas.set(worker, self._settings.cpu_quota)
        except OSError as error:
            raise TargetError(f"cannot set the quota of {worker}: {error}") from error

    async def stop(self, workers: Sequence[str]) -> None:
        """End these workers and clear them away; one that has ended already is no error."""
        await asyncio.gather(*(self._stop(worker) for worker in workers))

    def last_line(self, worker: str) -> str:
        """Return the last line that a worker wrote, to say why it ended."""
        try:
            with (self._logs / f"{worker}.log").open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - 4096))
                lines = log.read().decode(errors="replace").split("\n")
        except FileNotFoundError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def endpoints(self) -> dict[str, str]:
        """Return the `host:port` of each worker that runs and says where it answers."""
        found = {}
        for worker in self.workers():
            try:
                [entry] = json.loads((self._endpoints / f"{worker}.json").read_bytes())
                [found[worker]] = entry["targets"]
            except (OSError, ValueError, TypeError, KeyError):
                continue  # it does not say, or not yet
        return found

    async def down(self) -> tuple[str, ...]:
        """End all workers, remove the pool's groups, and return who was ended."""
        ended = self.workers()
        await self.stop(ended)
        for _ in range(_LOOKS):
            if self._quotas.remove_pool():
                break
            await asyncio.sleep(_LOOK)
        return ended

    def _start(self) -> str:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._workers.mkdir(exist_ok=True)
        folder = self._new_folder()
        worker = folder.name
        self._prune_logs()
        worker_process.launch(
            folder,
            [part.replace("{worker}", worker) for part in self._settings.command],
            log=self._logs / f"{worker}.log",
            cwd=self._settings.cwd,
            env={**os.environ, **self._settings.env},
            join=self._quotas.create(worker, self._settings.start_quota),
        )
        return worker

    def _new_folder(self) -> Path:
        """Make the folder of a name never used: an engine may still remember the dead one's."""
        used = [*self._workers.iterdir(), *self._logs.iterdir()]
        numbers = [int(found[1]) for path in used if (found := re.search(r"-(\d+)$", path.stem))]
        number = max(numbers, default=0) + 1
        while True:
            folder = self._workers / f"{self.name}-{number:04d}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1  # another executor was quicker
            else:
                return folder

    async def _stop(self, worker: str) -> None:
        folder = self._workers / worker
        while (identity := worker_process.registered(folder)) is None:
            if not worker_process.runs(folder):
                break
            await asyncio.sleep(_LOOK)
        if identity is not None:
            await worker_process.end(identity, self._settings.stop_timeout)
        for _ in range(_LOOKS):
            self._clear(folder)
            if not self._quotas.exists(worker):
                break
            await asyncio.sleep(_LOOK)

    def _clear(self, folder: Path) -> None:
        worker_process.kill_all(self._quotas.members(folder.name))
        self._quotas.remove(folder.name)
        # A killed worker cannot take back where it answered.
        (self._endpoints / f"{folder.name}.json").unlink(missing_ok=True)
        worker_process.forget(folder)

    def _prune_logs(self) -> None:
        running = {path.name for path in self._workers.iterdir()}
        ended = [log for log in sorted(self._logs.iterdir()) if log.stem not in running]
        for log in ended[:-_LOGS_KEPT]:
            log.unlink(missing_ok=True)


def open_pool(name: str, settings: PoolSettings) -> Pool:
    """Return a pool with quotas where this machine grants them."""
    digest = sha256(str(settings.directory.resolve()).encode()).hexdigest()[:8]
    return Pool(name, settings, Quotas(read_hierarchies(f"daedalus-{name}-{digest}")))
