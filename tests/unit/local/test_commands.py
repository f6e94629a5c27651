"""The commands, as far as they go without starting anything."""

import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from daedalus_local import commands
from daedalus_local.errors import StackError
from daedalus_local.home import Home, Options, Running, Stack
from daedalus_local.load.__main__ import main as load
from daedalus_local.proc import identify

RUNNER = CliRunner()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("DAEDALUS_HOME", str(tmp_path / "home"))
    found = typer.Typer()
    commands.register(found)
    return found


def running(home: Path) -> Home:
    me = identify(os.getpid())
    assert me is not None
    process = Running(name="kafka", pid=me.pid, started=me.started, log="x", url="127.0.0.1:1")
    found = Home(home)
    found.write(
        Stack(state="ready", supervisor=me, since=0, options=Options(), processes=(process,))
    )
    return found


def test_status_without_a_stack(app: typer.Typer) -> None:
    told = RUNNER.invoke(app, ["status"])

    assert told.exit_code == 1
    assert "no stack runs here" in told.stdout
    assert json.loads(RUNNER.invoke(app, ["status", "--json"]).stdout) == {"state": "down"}


def test_status_of_a_stack(app: typer.Typer, tmp_path: Path) -> None:
    running(tmp_path / "home")

    told = RUNNER.invoke(app, ["status"])
    assert told.exit_code == 0
    assert "kafka" in told.stdout

    found = json.loads(RUNNER.invoke(app, ["status", "--json"]).stdout)
    assert found["state"] == "ready"
    assert found["processes"][0]["alive"] is True


def test_status_lists_the_workers_of_the_pools(app: typer.Typer, tmp_path: Path) -> None:
    home = running(tmp_path / "home")
    stat = Path(f"/proc/{os.getpid()}/stat").read_text()
    *fields, _started = stat.split(maxsplit=21)
    for name, text in (("words-0001", stat), ("words-0002", " ".join([*fields, "7 0"]))):
        folder = home.path / "pools" / "words" / "workers" / name
        folder.mkdir(parents=True)
        (folder / "stat").write_text(text)
    (home.path / "pools" / "words" / "workers" / "words-0003").mkdir()  # it is being started

    table = RUNNER.invoke(app, ["status"], env={"COLUMNS": "300"}).stdout
    assert [line.split()[:2] for line in table.splitlines() if "words-" in line] == [
        ["words-0001", "running"],
        ["words-0002", "dead"],
    ]

    workers = json.loads(RUNNER.invoke(app, ["status", "--json"]).stdout)["workers"]
    assert [each["alive"] for each in workers] == [True, False]


def test_a_dead_supervisor_shows(app: typer.Typer, tmp_path: Path) -> None:
    home = running(tmp_path / "home")
    text = home.registry.read_text()
    found = json.loads(text)
    found["supervisor"]["started"] += 1
    home.registry.write_text(json.dumps(found))

    told = RUNNER.invoke(app, ["status"])

    assert told.exit_code == 1
    assert "dead" in told.stdout


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_second_stack_in_the_same_folder_is_refused(
    app: typer.Typer, tmp_path: Path, command: str
) -> None:
    running(tmp_path / "home")

    told = RUNNER.invoke(app, [command])

    assert told.exit_code == 1
    assert "runs already" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_down_without_a_stack_is_no_error(app: typer.Typer) -> None:
    told = RUNNER.invoke(app, ["down"])

    assert told.exit_code == 0
    assert "nothing runs" in told.stdout
    assert json.loads(RUNNER.invoke(app, ["down", "--json"]).stdout)["ended"] is False


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_status_fits_the_terminal(app: typer.Typer, tmp_path: Path, columns: int) -> None:
    running(tmp_path / "home")

    told = RUNNER.invoke(app, ["status"], env={"COLUMNS": str(columns)}).stdout

    assert max(len(line) for line in told.splitlines()) <= columns
    assert "…" not in told  # addresses and logs are there to be copied


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["up", "--job", "none"], "must be one of ysb, wordcount, traffic", id="job"),
        pytest.param(["up", "--workers", "7"], "7 first workers: must be 1 to 6", id="workers"),
        pytest.param(["up", "--trace", "/no/file"], "no such file", id="trace"),
        pytest.param(["up", "--speed", "0"], "must be more than 0", id="speed"),
        pytest.param(["up", "--peak", "-1"], "must be more than 0", id="peak"),
        pytest.param(["demo", "--minutes", "1"], "must be 2 to 80", id="minutes"),
        pytest.param(["demo", "--job", "none"], "must be one of ysb, wordcount", id="demo's job"),
        pytest.param(
            ["up", "--simulate", "1", "--no-services"], "leave one out", id="nothing to run"
        ),
        pytest.param(
            ["up", "--prometheus", "--no-services"], "nothing to scrape", id="nothing to scrape"
        ),
        pytest.param(["up", "--prometheus"], "no `prometheus` on the PATH", id="no prometheus"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    app: typer.Typer, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daedalus_local.lifecycle.Child", None)  # nothing may start
    monkeypatch.setenv("PATH", "/nowhere")

    told = RUNNER.invoke(app, arguments)

    code = {"no such file": 4, "no `prometheus` on the PATH": 1}.get(said, 2)
    assert told.exit_code == code
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "peak"),
    [
        pytest.param([], 4600, id="default"),
        pytest.param(["--simulate", "3"], 4600, id="simulated"),
        pytest.param(["--job", "wordcount-kstreams"], 1600, id="of the job"),
        pytest.param(["--job", "wordcount-kstreams", "--peak", "700"], 700, id="asked for"),
    ],
)
def test_the_peak_is_the_jobs_unless_another_is_asked_for(
    app: typer.Typer, arguments: list[str], peak: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Options] = []

    def up(_home: Home, options: Options, *_: object, **__: object) -> Stack:
        asked.append(options)
        raise StackError("enough")

    monkeypatch.setattr("daedalus_local.lifecycle.up", up)

    RUNNER.invoke(app, ["up", *arguments])

    assert [options.peak for options in asked] == [peak]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--kind", "none"], "--kind none: must be one of", id="kind"),
        pytest.param(["--shape", "none"], "--shape none: must be one of", id="shape"),
        pytest.param([], "--peak is needed", id="no peak"),
        pytest.param(["--peak", "0"], "--peak 0.0: must be more than 0", id="peak"),
        pytest.param(["--peak", "1", "--speed", "-1"], "--speed -1.0", id="speed"),
        pytest.param(["--trace", "/no/file"], "cannot read the trace", id="trace"),
    ],
)
def test_the_load_generator_refuses_nonsense_in_one_line(arguments: list[str], said: str) -> None:
    app = typer.Typer()
    app.command()(load)

    told = RUNNER.invoke(app, arguments)

    assert told.exit_code == 2
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
