"""A Flink JobManager's REST API, as far as a monitor asks it and an executor changes it.

It holds jobs of one vertex, on slots of its own. A change restarts the job for half a second. Below
`/broken` it answers every request with what is no JSON.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_RESTART = 0.5
"""Seconds that a rescale stands still."""

_SLOTS = 1000
_VERTEX = "v1"
_WORKER = "contract"


class EngineError(RuntimeError):
    """The engine cannot be played; the message says why."""


@dataclass
class _Job:
    parallelism: int
    wanted: int
    restarts_until: float = 0.0
    changes: list[int] = field(default_factory=list)


class Engine:
    """The cluster."""

    def __init__(self, port: int) -> None:
        """Take a port of this machine; 0 takes a free one.

        Raises:
            EngineError: The port is taken.
        """
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        try:
            self._server = _Server(self, port)
        except OSError as error:
            why = f"port {port} of this machine: {error.strerror}; choose another by --engine-port"
            raise EngineError(why) from error

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Engine"]:
        """Answer requests meanwhile."""
        serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            serving.join()

    def add(self, job: str, parallelism: int) -> None:
        """Run a job."""
        with self._lock:
            self._jobs[job] = _Job(parallelism, parallelism)

    def meddle(self, job: str, parallelism: int) -> None:
        """Change a job as somebody else would, at once."""
        with self._lock:
            found = self._jobs[job]
            found.parallelism = found.wanted = parallelism

    def changes(self, job: str) -> list[int]:
        """Return the parallelisms that were asked for by others, in order, repetitions left out."""
        with self._lock:
            return list(self._jobs[job].changes)

    def parallelism(self, job: str) -> int:
        """Return what was asked for last."""
        with self._lock:
            return self._jobs[job].wanted

    def put(self, job: str, body: Any) -> bool:
        """Take a change."""
        wanted = int(body[_VERTEX]["parallelism"]["upperBound"])
        with self._lock:
            found = self._jobs.get(job)
            if found is None:
                return False
            if found.wanted != wanted:
                found.wanted = wanted
                found.changes.append(wanted)
                found.restarts_until = time.monotonic() + _RESTART
        return True

    def get(self, path: str) -> Any:
        """Return an answer, or None where Flink says 404."""
        with self._lock:
            for job in self._jobs.values():
                if time.monotonic() >= job.restarts_until:
                    job.parallelism = job.wanted
            if path == "/jobs/overview":
                return {"jobs": [_summary(name, job) for name, job in self._jobs.items()]}
            if path == "/taskmanagers":
                free = _SLOTS - sum(job.wanted for job in self._jobs.values())
                worker = {"id": _WORKER, "slotsNumber": _SLOTS, "freeSlots": free}
                return {"taskmanagers": [worker]}
            parts = re.fullmatch(r"/jobs/([^/]+)(/.*)?", path)
            if parts is None or parts[1] not in self._jobs:
                return None
            return _of_job(parts[1], self._jobs[parts[1]], parts[2] or "")


def _summary(name: str, job: _Job) -> dict[str, Any]:
    state = "RUNNING" if job.parallelism == job.wanted else "RESTARTING"
    return {"jid": name, "name": name, "state": state}


def _of_job(name: str, job: _Job, rest: str) -> Any:
    summary = _summary(name, job)
    if rest == "/status":
        return {"status": summary["state"]}
    if rest == "/checkpoints/config":
        return {"interval": 10_000}
    if rest.endswith("/metrics"):
        return []
    if rest == f"/vertices/{_VERTEX}":
        return {"id": _VERTEX, "subtasks": [_subtask(number) for number in range(job.parallelism)]}
    vertex = {"id": _VERTEX, "name": "Source: contract", "parallelism": job.parallelism}
    tasks = {summary["state"]: job.parallelism}
    return {
        **summary,
        "vertices": [{**vertex, "maxParallelism": 128, "tasks": tasks}],
        "plan": {"nodes": [{"id": _VERTEX, "inputs": []}]},
        "timestamps": {"RUNNING": 0},
    }


def _subtask(number: int) -> dict[str, Any]:
    return {
        "subtask": number,
        "attempt": 0,
        "taskmanager-id": _WORKER,
        "status": "RUNNING",
        "start-time": 0,
        "status-duration": {"RUNNING": 60_000},
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, engine: Engine, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.engine = engine


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/broken/"):
            self._send(200, b"<html>not what Flink says</html>")
        else:
            self._answer(self.server.engine.get(path))

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        taken = self.server.engine.put(self.path.split("/")[2], body)
        self._answer({} if taken else None)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, answer: Any) -> None:
        text = json.dumps({"errors": ["not found"]} if answer is None else answer).encode()
        self._send(404 if answer is None else 200, text)

    def _send(self, code: int, text: bytes) -> None:
        with suppress(ConnectionError):  # whoever asked was killed
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
