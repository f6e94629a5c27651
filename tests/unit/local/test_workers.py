"""The first and the last workers, by the executor's own code, on commands that only wait."""

import json
import sys
from pathlib import Path

import pytest

from daedalus_local import proc, workers
from daedalus_local.errors import StackError


def pools(tmp_path: Path) -> Path:
    path = tmp_path / "pools.json"
    workers.write_pools(
        path,
        "waiting",
        [sys.executable, "-c", "import signal; signal.pause()", "{worker}"],
        directory=tmp_path / "pool",
        env={proc.MARK: str(tmp_path)},
        limits=workers.Limits(max_workers=2, quota=0.5),
    )
    return path


def test_workers_are_started_and_ended_by_the_pool(tmp_path: Path) -> None:
    path = pools(tmp_path)
    try:
        workers.start(path, "waiting", 2)
        workers.narrow(path, "waiting")

        assert len(proc.members(tmp_path)) == 2
    finally:
        workers.down(path)
    assert proc.members(tmp_path) == []


def test_what_the_pool_refuses_is_one_error(tmp_path: Path) -> None:
    path = pools(tmp_path)
    declared = json.loads(path.read_text())
    declared["waiting"]["max_workers"] = 0
    path.write_text(json.dumps(declared))

    with pytest.raises(StackError, match="max_workers"):
        workers.down(path)
    with pytest.raises(StackError, match="cannot start workers"):
        workers.start(path, "waiting", 1)


def test_one_worker_of_several_is_ended(tmp_path: Path) -> None:
    path = pools(tmp_path)
    try:
        without = workers.start(path, "waiting", 2)
        assert workers.why_no_quotas(path, "waiting") == without
        first, second = workers.running(path, "waiting")

        workers.stop(path, "waiting", first)

        assert workers.running(path, "waiting") == [second]
    finally:
        workers.down(path)
