"""Processes are told apart, restarted and ended: on real ones that do nothing."""

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from daedalus_local import proc
from daedalus_local.child import Child
from daedalus_local.errors import StackError
from daedalus_local.home import Home, Options, Running, Stack
from daedalus_local.proc import Identity
from daedalus_local.supervisor import BACK_OFF, Kept, Supervisor

IDLE = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys; signal.signal(15, signal.SIG_IGN); print('on', flush=True); "
    "signal.pause(); signal.pause()",
]


def test_a_process_is_itself_only_with_its_start_time() -> None:
    me = proc.identify(os.getpid())

    assert me is not None
    assert proc.alive(me)
    assert not proc.alive(Identity(me.pid, me.started + 1))
    assert proc.identify(2**22 + 1) is None


def test_finds_and_ends_the_processes_of_a_home_and_no_others(tmp_path: Path) -> None:
    ours, other = tmp_path / "a", tmp_path / "a-too"
    mine = Child("mine", IDLE, log=tmp_path / "mine.log", env={proc.MARK: str(ours)})
    theirs = Child("theirs", IDLE, log=tmp_path / "theirs.log", env={proc.MARK: str(other)})
    mine.start()
    theirs.start()
    try:
        found = proc.members(ours)
        assert [each.pid for each in found] == [mine.pid]

        proc.end(found, patience=60.0)
        assert not proc.alive(found[0])
        assert theirs.running
    finally:
        mine.kill()
        theirs.kill()


def test_a_second_request_to_stop_does_not_cut_the_ending_short() -> None:
    code = """if True:
        import signal
        from daedalus_local import supervisor
        supervisor.heed_stops()
        try:
            signal.raise_signal(signal.SIGTERM)
        except supervisor.StopRequested:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            print("all ended")
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "all ended\n"


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = Child("stubborn", STUBBORN, log=tmp_path / "log")
    child.start()
    while "on" not in child.last_lines():
        assert child.running

    child.stop(timeout=0.05)

    assert child.exit_code == -9


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from daedalus_local.child import Child\n"
        f"c = Child('c', {STUBBORN!r}, log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
        "c.start()\n"
        "while 'on' not in c.last_lines(): pass\n"
        "print(c.pid, flush=True); import signal; signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = proc.identify(int(parent.stdout.readline()))
        parent.kill()
    assert child is not None
    deadline = time.monotonic() + 60
    while proc.alive(child):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.01)


def test_a_command_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    child = Child("x", ["/no/such/command"], log=tmp_path / "log", leash=None)

    with pytest.raises(StackError, match="cannot start x"):
        child.start()


class FakeChild:
    """A child that ends when told."""

    name, pid, log, exit_code = "fake", 1, Path("log"), 1

    def __init__(self) -> None:
        self.running = False
        self.starts = 0

    def start(self) -> None:
        self.running = True
        self.starts += 1


def test_restarts_wait_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    child = FakeChild()
    kept = Kept(child)  # type: ignore[arg-type] # a child as far as is needed
    kept.start()

    for wait in BACK_OFF:
        child.running = False
        assert kept.look()
        assert kept.running.state == "waiting"
        now[0] += wait - 0.01
        assert not kept.look()
        now[0] += 0.02
        assert kept.look()
        assert child.running

    assert kept.running.restarts == len(BACK_OFF)
    assert child.starts == len(BACK_OFF) + 1


def test_what_is_not_restarted_says_how_it_ended() -> None:
    child = FakeChild()
    kept = Kept(child, restart=False)  # type: ignore[arg-type] # a child as far as is needed
    kept.start()
    child.running = False

    assert not kept.look()
    assert kept.running.state == "failed"
    child.exit_code = 0
    assert kept.running.state == "ended"


@pytest.mark.parametrize("fails", [False, True], ids=["ended", "not to be ended"])
def test_workers_end_after_who_starts_them_and_before_the_servers(
    fails: bool, tmp_path: Path
) -> None:
    supervisor = Supervisor(Home(tmp_path), Options())
    executor = Child("executor", IDLE, log=tmp_path / "executor.log")
    kafka = Child("kafka", IDLE, log=tmp_path / "kafka.log")
    for child in (kafka, executor):
        supervisor.adopt(child)
    seen: list[tuple[bool, bool]] = []

    def end_workers() -> None:
        seen.append((executor.running, kafka.running))
        if fails:
            raise StackError("no pools")

    with pytest.raises(StackError) if fails else nullcontext():
        supervisor.stop(end_workers)

    assert seen == [(False, True)]
    assert not kafka.running


def stack(**changes: object) -> Stack:
    plain: dict[str, object] = {
        "state": "ready",
        "supervisor": Identity(2**22 + 1, 1),
        "since": 0.0,
        "bootstrap": "127.0.0.1:9092",
        "notes": ("a", "b"),
        "options": Options(job="traffic"),
        "processes": (Running(name="kafka", pid=2**22 + 1, started=2, log="x"),),
    }
    return Stack(**(plain | changes))  # type: ignore[arg-type] # a table of fields


def test_the_registry_is_read_as_it_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert home.read() is None

    home.write(stack())

    assert home.read() == stack()
    assert not stack().supervised


def test_a_damaged_registry_is_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.registry.write_text('{"state": "ready"}')

    with pytest.raises(StackError, match="damaged"):
        home.read()


def test_clearing_saves_the_logs_and_leaves_what_is_not_ours(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for name in ("kafka/kafka.log", "pools/ysb/logs/ysb-0001.log", "kafka/data/x", "mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    home.write(stack())

    home.clear(logs=False)

    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["logs/kafka.log", "logs/ysb-0001.log", "mine.txt"]

    home.clear(logs=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
