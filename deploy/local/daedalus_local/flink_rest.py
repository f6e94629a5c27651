"""The part of Flink's REST API that setting up a cluster needs: jars, jobs, workers."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daedalus_local.errors import StackError

TIMEOUT = 20.0
"""Seconds for one request; submitting a job makes the JobManager plan it, which takes the most."""

SUBMIT_TIMEOUT = 60.0
"""Seconds for what makes Flink compile a job, on a busy machine."""


class FlinkRest:
    """A client of one JobManager; it answers with Flink's own JSON."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def answers(self) -> bool:
        """Return whether the API is there."""
        try:
            self.get("/overview", timeout=2.0)
        except StackError:
            return False
        return True

    def get(self, path: str, timeout: float = TIMEOUT) -> Any:
        """Return the JSON of a GET; `timeout` in seconds."""
        return self._request(urllib.request.Request(self.url + path), timeout)  # noqa: S310 - http

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON that answers a request with a JSON body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        url = self.url + path
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - http
        return self._request(request, SUBMIT_TIMEOUT)

    def upload(self, jar: Path) -> str:
        """Upload a jar and return its id."""
        boundary = uuid.uuid4().hex
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="jarfile"; filename="{jar.name}"\r\n'
            "Content-Type: application/x-java-archive\r\n\r\n"
        )
        data = head.encode() + jar.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        request = urllib.request.Request(  # noqa: S310 - http
            self.url + "/jars/upload",
            data,
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
            method="POST",
        )
        return str(self._request(request, TIMEOUT)["filename"]).rsplit("/", 1)[-1]

    def run(self, jar_id: str, arguments: Sequence[str], parallelism: int) -> str:
        """Start a job from an uploaded jar and return the job's id."""
        body = {"programArgsList": list(arguments), "parallelism": parallelism}
        return str(self.send("POST", f"/jars/{jar_id}/run", body)["jobid"])

    def job_id(self, name: str) -> str | None:
        """Return the id of the job of this name that is not over, if there is one."""
        over = {"FAILED", "CANCELED", "FINISHED"}
        jobs = self.get("/jobs/overview")["jobs"]
        return next((j["jid"] for j in jobs if j["name"] == name and j["state"] not in over), None)

    def workers(self) -> list[str]:
        """Return the ids of the TaskManagers that have registered."""
        return [manager["id"] for manager in self.get("/taskmanagers")["taskmanagers"]]

    def running_tasks(self, job_id: str) -> tuple[int, int]:
        """Return the job's parallelism and how many of its tasks are not running yet."""
        job = self.get(f"/jobs/{job_id}")
        vertices = job["vertices"]
        parallelism = max(vertex["parallelism"] for vertex in vertices)
        missing = sum(v["parallelism"] - v["tasks"]["RUNNING"] for v in vertices)
        return parallelism, missing

    def rescale(self, job_id: str, parallelism: int) -> None:
        """Ask for exactly this parallelism of all operators, in place."""
        current = self.get(f"/jobs/{job_id}/resource-requirements")
        bounds = {"lowerBound": parallelism, "upperBound": parallelism}
        body = {vertex: {"parallelism": bounds} for vertex in current}
        self.send("PUT", f"/jobs/{job_id}/resource-requirements", body)

    def wait_for_workers(self, count: int, timeout: float = 180.0) -> None:
        """Return when `count` TaskManagers have registered; `timeout` in seconds."""
        deadline = time.monotonic() + timeout
        while len(found := self.workers()) < count:
            if time.monotonic() > deadline:
                raise StackError(f"{len(found)} of {count} TaskManagers came in {timeout:.0f} s")
            time.sleep(0.5)

    def wait_until_running(self, job_id: str, timeout: float = 180.0) -> None:
        """Return when all tasks of the job run; `timeout` in seconds."""
        deadline = time.monotonic() + timeout
        while (state := self.running_tasks(job_id))[1] > 0:
            if time.monotonic() > deadline:
                raise StackError(f"{state[1]} tasks of the job do not run after {timeout:.0f} s")
            time.sleep(0.5)

    def _request(self, request: urllib.request.Request, timeout: float) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - http
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise StackError(f"Flink refused {request.full_url}: {_cause(said)}") from error
        except OSError as error:
            raise StackError(f"Flink does not answer at {request.full_url}: {error}") from error
        try:
            return json.loads(text) if text else {}
        except ValueError as error:
            raise StackError(f"{request.full_url} answered something else than JSON") from error


def _cause(said: str) -> str:
    """Return the innermost cause of a Java stack trace, where there is one."""
    causes = [part for part in said.replace("\\n", "\n").splitlines() if "Caused by: " in part]
    return (causes[-1] if causes else said).strip()[:400]
