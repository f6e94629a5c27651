"""The Kafka Streams job as far as it goes without a JVM: its command, and where workers answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from daedalus_local import engines, java, jobs, kstreams
from daedalus_local.errors import StackError

JOB = jobs.JOBS["wordcount-kstreams"]


def announce(directory: Path, worker: str, address: str) -> None:
    """Say where a worker answers, as it does itself."""
    entry = {"targets": [address], "labels": {"worker": worker}}
    (directory / "endpoints").mkdir(exist_ok=True)
    (directory / "endpoints" / f"{worker}.json").write_text(json.dumps([entry]))


@contextmanager
def worker(state: str) -> Iterator[str]:
    """Answer as a worker in a state does; tells where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'kafka_streams_state{{state="{state}"}} 1\n'.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("quota", "told"),
    [pytest.param(0.2, ["quota=0.2"], id="with"), pytest.param(None, [], id="without")],
)
def test_a_worker_tells_its_quota_where_it_has_one(
    quota: float | None, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kstreams, "classes", lambda: tmp_path / "classes")
    monkeypatch.setattr(engines, "jars_of", lambda _engine: tmp_path / "jars")
    monkeypatch.setattr(java, "find", lambda: "java")

    command = kstreams.command(
        JOB, bootstrap="b:1", directory=tmp_path, cost=jobs.Cost(cpu_us=7), quota=quota
    )

    given = command[command.index(kstreams.MAIN) + 1 :]
    assert [each for each in given if each.startswith("quota")] == told
    assert {"worker={worker}", "bootstrap=b:1", "input=lines", "cpu_us=7", "pace_us=0"} <= {*given}
    assert f"state={tmp_path}/workers/{{worker}}/state" in given


def test_nobody_answers_before_the_first_start(tmp_path: Path) -> None:
    assert kstreams.endpoints(tmp_path) == {}


def test_workers_are_found_where_they_say(tmp_path: Path) -> None:
    announce(tmp_path, "w-0002", "127.0.0.1:2")
    announce(tmp_path, "w-0001", "127.0.0.1:1")

    assert kstreams.endpoints(tmp_path) == {"w-0001": "127.0.0.1:1", "w-0002": "127.0.0.1:2"}


def test_waits_for_workers_that_run_and_not_for_those_that_start(tmp_path: Path) -> None:
    with worker("RUNNING") as first, worker("REBALANCING") as second:
        announce(tmp_path, "w-0001", first)
        announce(tmp_path, "w-0002", second)
        announce(tmp_path, "w-0003", "127.0.0.1:1")  # killed: nobody answers there

        kstreams.wait_until_running(tmp_path, 1)
        with pytest.raises(StackError, match=r"1 of 2 workers run after 0 s, see .*logs"):
            kstreams.wait_until_running(tmp_path, 2, timeout=0)
