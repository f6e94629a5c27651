"""A Flink cluster's REST API in this process, for services that are killed and stopped around it.

It holds jobs of one vertex. A change of the parallelism restarts the job for a moment, as Flink's
adaptive scheduler does; asking for what was asked for already changes nothing. Each request to
change is recorded with its time and the process that it came from.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STATIC = "static"
"""The worker that all jobs share where the cluster has slots of its own."""

SLOTS = 1000
"""Slots of that worker."""

VERTEX = "v1"

WORKER = """\
import socket, sys
server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
server.sendall(f"GET /register/{sys.argv[3]} HTTP/1.0\\r\\n\\r\\n".encode())
while server.recv(1024):
    pass
"""
"""A worker: it is registered for as long as its connection lasts."""


@dataclass(frozen=True, slots=True)
class Put:
    """One request to change a job's parallelism."""

    at: float
    """Monotonic seconds of its arrival."""

    begun: float
    """Monotonic seconds at which its connection was made; each request has its own."""

    job: str
    wanted: int
    changed: bool
    """Whether it asked for something else than what was asked for before."""

    pid: int | None
    """Who sent it; None when the sender was gone before it could be found."""


@dataclass
class Job:
    """A job; `wanted` takes the place of `parallelism` once the restart is over."""

    parallelism: int
    wanted: int
    restarts_until: float = 0.0
    used: set[str] = field(default_factory=set)


class FakeFlink:
    """The cluster. Its own slots never run out; without them, workers must register."""

    def __init__(self, rng: random.Random, *, slots: int = SLOTS, slow: float = 0.3) -> None:
        self._rng = rng
        self._slots = slots
        self._slow = slow
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._workers: set[str] = set()
        self._freed_at: dict[str, float] = {}
        self._server = _Server(self)
        self.puts: list[Put] = []
        self.registered: list[str] = []
        """All workers that ever did, in order."""
        self.lost: list[str] = []
        """Workers that ended while a job used them."""
        self.callers: Callable[[], list[int]] = list
        """The processes that requests may come from."""
        self.asked: Callable[[int | None, str], None] = lambda _pid, _method: None
        """Told of each request's sender and method before it is answered."""

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def add(self, job: str, parallelism: int) -> None:
        with self._lock:
            used = set(sorted(self._workers)[:parallelism])
            self._jobs[job] = Job(parallelism, parallelism, used=used)

    def workers(self) -> set[str]:
        with self._lock:
            return set(self._workers)

    def changes(self, job: str) -> list[int]:
        """Return the parallelisms that a job was changed to, in order."""
        return [put.wanted for put in self.puts if put.job == job and put.changed]

    @contextmanager
    def running(self) -> Iterator["FakeFlink"]:
        serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            serving.join()

    # -- requests -------------------------------------------------------------------------------

    def put(self, job: str, body: Any, port: int, begun: float) -> bool:
        """Take a change; the answer is late by up to `slow` seconds before and after it."""
        pid = self._told(port, "PUT")
        arrived = time.monotonic()
        self._dawdle()
        wanted = int(body[VERTEX]["parallelism"]["upperBound"])
        with self._lock:
            found = self._jobs.get(job)
            if found is None:
                return False
            self._advance(found)
            changed = found.wanted != wanted
            self.puts.append(Put(arrived, begun, job, wanted, changed, pid))
            if changed:
                found.wanted = wanted
                found.restarts_until = time.monotonic() + self._rng.uniform(0.2, 0.8)
        self._dawdle()
        return True

    def get(self, path: str, port: int) -> Any:
        """Return the answer to a question, or None where Flink says 404."""
        self._told(port, "GET")
        with self._lock:
            for job in self._jobs.values():
                self._advance(job)
            if path == "/jobs/overview":
                return {"jobs": [{**self._summary(job), "jid": job} for job in self._jobs]}
            if path == "/taskmanagers":
                return {"taskmanagers": self._managers()}
            if path.endswith("/metrics"):
                return []
            parts = re.fullmatch(r"/jobs/([^/]+)(/.*)?", path)
            if parts is None or parts[1] not in self._jobs:
                return None
            return self._of_job(parts[1], parts[2] or "")

    def _told(self, port: int, method: str) -> int | None:
        pid = _sender(port, self.callers())
        self.asked(pid, method)
        return pid

    def serve_worker(self, worker: str, wait: Callable[[], object]) -> None:
        """Keep a worker registered until its connection ends."""
        with self._lock:
            self._workers.add(worker)
            self.registered.append(worker)
        wait()
        with self._lock:
            self._workers.discard(worker)
            self.lost += [worker for job in self._jobs.values() if worker in job.used]

    # -- state, under the lock --------------------------------------------------------------------

    def _dawdle(self) -> None:
        time.sleep(self._rng.uniform(0, self._slow))

    def _advance(self, job: Job) -> None:
        if job.parallelism == job.wanted or time.monotonic() < job.restarts_until:
            return
        if not self._slots:
            if len(self._workers) < job.wanted:
                return  # it waits for workers
            used = set(self._rng.sample(sorted(self._workers), job.wanted))
            for worker in job.used - used:  # Flink frees a slot some time after its last use
                self._freed_at[worker] = time.monotonic() + self._rng.uniform(0.2, 1.5)
            job.used = used
        job.parallelism = job.wanted

    def _summary(self, name: str) -> dict[str, Any]:
        job = self._jobs[name]
        state = "RUNNING" if job.parallelism == job.wanted else "RESTARTING"
        return {"jid": name, "name": name, "state": state}

    def _of_job(self, name: str, rest: str) -> Any:
        job, summary = self._jobs[name], self._summary(name)
        if rest == "/status":
            return {"status": summary["state"]}
        if rest == "/checkpoints/config":
            return {"interval": 10_000}
        if rest == f"/vertices/{VERTEX}":
            return {"id": VERTEX, "subtasks": self._subtasks(job)}
        tasks = {summary["state"]: job.parallelism}
        vertex = {"id": VERTEX, "name": "source", "parallelism": job.parallelism}
        vertices = [{**vertex, "maxParallelism": 128, "tasks": tasks}]
        plan = {"nodes": [{"id": VERTEX, "inputs": []}]}
        return {**summary, "vertices": vertices, "plan": plan, "timestamps": {"RUNNING": 0}}

    def _subtasks(self, job: Job) -> list[dict[str, Any]]:
        """Tasks that take no time to start, so that the downtime is the restart alone."""
        workers = sorted(job.used) or [STATIC] * job.parallelism
        return [
            {
                "subtask": number,
                "attempt": 0,
                "taskmanager-id": worker,
                "status": "RUNNING",
                "start-time": 0,
                "status-duration": {"RUNNING": 60_000},
            }
            for number, worker in enumerate(workers)
        ]

    def _managers(self) -> list[dict[str, Any]]:
        if self._slots:
            free = self._slots - sum(job.wanted for job in self._jobs.values())
            return [{"id": STATIC, "slotsNumber": self._slots, "freeSlots": free}]
        now = time.monotonic()
        busy = {worker for worker, at in self._freed_at.items() if now < at}
        busy = busy.union(*(job.used for job in self._jobs.values()))
        return [
            {"id": worker, "slotsNumber": 1, "freeSlots": 0 if worker in busy else 1}
            for worker in sorted(self._workers)
        ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, cluster: FakeFlink) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cluster = cluster


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def setup(self) -> None:
        self.begun = time.monotonic()
        super().setup()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/register/"):
            self.server.cluster.serve_worker(path.removeprefix("/register/"), self._wait)
        else:
            self._answer(self.server.cluster.get(path, self.client_address[1]))

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        job = self.path.split("/")[2]
        taken = self.server.cluster.put(job, body, self.client_address[1], self.begun)
        self._answer({} if taken else None)

    def log_message(self, *_: object) -> None:
        """Say nothing: there are thousands."""

    def _wait(self) -> None:
        with suppress(ConnectionError):  # it was killed
            self.rfile.read(1)

    def _answer(self, answer: Any) -> None:
        text = json.dumps({"errors": ["not found"]} if answer is None else answer).encode()
        with suppress(ConnectionError):  # whoever asked was killed
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)


def _sender(port: int, pids: list[int]) -> int | None:
    """Return which of the processes has a connection from this local port."""
    if not pids:
        return None
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}")}
    return next((pid for pid in pids if not sockets.isdisjoint(_open_files(pid))), None)


def _open_files(pid: int) -> set[str]:
    found = set()
    with suppress(FileNotFoundError, ProcessLookupError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                found.add(str(each.readlink()))
    return found
