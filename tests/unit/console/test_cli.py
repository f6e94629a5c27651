"""The command line: usage, validation, exit codes, help, and commands of other packages."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from daedalus_console import options
from daedalus_console.adapters.files import job_files
from daedalus_console.brokers import address
from daedalus_console.cli import build, end, extend, names, wants_extensions
from daedalus_console.errors import NotFoundError
from daedalus_console.runs import common

RUN = CliRunner()
NOWHERE = "127.0.0.1:1"

GROUPS = ["topics", "schemas", "knowledge"]

COMMANDS = [
    ["apply"],
    ["validate"],
    ["forget"],
    ["jobs"],
    ["history"],
    ["explain"],
    ["watch"],
    ["tap"],
    ["export"],
    ["pause"],
    ["resume"],
    ["floor"],
    ["ceiling"],
    ["pin"],
    ["approve"],
    ["reject"],
    ["overrides"],
    ["promote"],
    ["standings"],
    ["calibration"],
    ["cost"],
    ["topics", "create"],
    ["topics", "list"],
    ["topics", "acls"],
    ["knowledge", "export"],
    ["knowledge", "import"],
    ["schemas", "export"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_has_help_with_an_example(command: list[str]) -> None:
    found = RUN.invoke(build(), [*command, "--help"])

    assert found.exit_code == 0
    _, _, examples = found.output.partition("Examples:")
    assert f"  daedalus {' '.join(command)} " in examples.replace("\n", " \n")


@pytest.mark.parametrize("group", GROUPS)
def test_the_help_of_a_group_has_an_example_and_cuts_nothing(group: str) -> None:
    found = RUN.invoke(build(), [group, "--help"]).output

    assert f"  daedalus {group} " in found.partition("Examples:")[2]
    assert "..." not in found.partition("Examples:")[0].partition("Commands:")[2]


def test_the_help_tells_the_exit_codes() -> None:
    told = " ".join(RUN.invoke(build(), ["--help"]).output.split())

    assert "3 Kafka does not answer; 4 no such job" in told
    assert "daedalus --install-completion" in told


def test_shells_complete_the_topics_that_there_are() -> None:
    assert options.TOPICS == common.TOPICS


def test_nothing_slow_is_imported_before_a_command_runs() -> None:
    script = "import sys, daedalus_console.cli as c; c.build(); print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    slow = {"pydantic", "confluent_kafka", "rich.table", "daedalus_shared.events", "aiokafka"}
    assert slow.isdisjoint(loaded)


def test_help_imports_nothing_slow_of_any_package_that_adds_commands() -> None:
    script = (
        "import sys\nfrom daedalus_console.cli import main\nsys.argv = ['daedalus', '--help']\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stderr.split()

    slow = {
        "aiokafka",
        "confluent_kafka",
        "daedalus_shared.events",
        "darts",
        "matplotlib",
        "numba",
        "numpy",
        "plotly",
        "pyarrow",
        "pydantic",
        "rich.table",
    }
    assert slow.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["nonsense"], 2, "No such command", id="no such command"),
        pytest.param(["apply"], 2, "either -f or --watch", id="nothing to apply"),
        pytest.param(["apply", "-f", "none.yaml"], 4, "no such file: none.yaml", id="no such file"),
        pytest.param(["apply", "--watch", "none"], 4, "no such folder", id="no such folder"),
        pytest.param(["pause", "ysb"], 2, "--until", id="no end"),
        pytest.param(["floor", "ysb", "3"], 2, "--until and --why", id="no reason"),
        pytest.param(["floor", "ysb", "0"], 2, "greater than or equal to 1", id="no workers"),
        pytest.param(
            ["pin", "ysb", "3", "--clear"], 2, "--clear takes it back", id="clear a number"
        ),
        pytest.param(["pin", "ysb", "--clear"], 2, "--clear: say with --why", id="clear, no why"),
        pytest.param(["resume", "ysb"], 2, "--why", id="resume, no why"),
        pytest.param(
            ["pause", "ysb", "--until", "soon", "--why", "x"], 2, "'soon' is no time", id="no time"
        ),
        pytest.param(["tap", "nonsense"], 2, "no topic 'nonsense'", id="no topic"),
        pytest.param(["history", "ysb", "--since", "10"], 2, "'10' is no time", id="no unit"),
        pytest.param(
            ["history", "ysb", "--since", "1h", "--until", "2h"],
            2,
            "--until 2h is not after --since 1h",
            id="an end before its beginning",
        ),
        pytest.param(["tap", "metrics", "--where", "x=1"], 2, "no event on metrics", id="no field"),
        pytest.param(
            ["tap", "metrics", "--follow", "--until", "1m"], 2, "with no --until", id="both"
        ),
    ],
)
def test_wrong_usage_is_told_in_a_line(arguments: list[str], code: int, said: str) -> None:
    found = RUN.invoke(build(), arguments)

    assert found.exit_code == code
    assert said in found.stderr


@pytest.fixture
def folder(tmp_path: Path, ysb_file: str) -> Path:
    (tmp_path / "ysb.yaml").write_text(ysb_file)
    (tmp_path / "bad.yaml").write_text(ysb_file.replace("max: 8", "mx: 8"))
    (tmp_path / "notes.txt").write_text("no job file")
    return tmp_path


def test_validate_names_field_value_and_fix(folder: Path) -> None:
    found = RUN.invoke(build(), ["validate", "-f", str(folder)])

    assert found.exit_code == 1
    assert "ysb: flink, 1 to 8 workers, mode act, planner horizon" in found.output
    assert "bad.yaml: scale.mx: is not a field of a job file; did you mean 'max'?" in found.output
    assert "notes.txt" not in found.output


def test_validate_speaks_json(folder: Path) -> None:
    found = RUN.invoke(build(), ["validate", "-f", str(folder), "--json"])

    results = {Path(each["file"]).name: each["result"] for each in json.loads(found.output)}
    assert results == {"ysb.yaml": "ok", "bad.yaml": "refused"}


def test_validate_reads_standard_input(ysb_file: str) -> None:
    found = RUN.invoke(build(), ["validate", "-f", "-"], input=ysb_file)

    assert found.exit_code == 0
    assert "standard input: ysb" in found.output


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.yaml").write_bytes(b"x" * 1_000_001)

    assert [file.why is not None for file in job_files([str(tmp_path)])] == [True, True]


def test_a_folder_without_job_files_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="holds no job file"):
        job_files([str(tmp_path)])


def test_the_address_is_given_else_the_stacks_else_the_default(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    assert address("k:1", inside).bootstrap == "k:1"
    assert address(None, inside).bootstrap == "localhost:9092"

    (tmp_path / ".daedalus").mkdir()
    stack = tmp_path / ".daedalus" / "stack.json"
    stack.write_text('{"bootstrap": "127.0.0.1:29092"}')
    assert address(None, inside).bootstrap == "127.0.0.1:29092"
    assert str(stack) in str(address(None, inside))

    for broken in ("", "[]", '{"bootstrap": 1}'):
        stack.write_text(broken)
        assert address(None, inside).bootstrap == "localhost:9092"


def test_other_packages_commands_are_loaded_when_they_matter() -> None:
    app = build()

    assert {"apply", "topics", "watch"} <= names(app)
    assert wants_extensions(app, [])
    assert wants_extensions(app, ["--help"])
    assert wants_extensions(app, ["up"])
    assert not wants_extensions(app, ["jobs", "--json"])


def register(app: typer.Typer) -> None:
    @app.command("hello")
    def hello() -> None:
        typer.echo("hello")


def test_other_packages_register_commands_and_a_broken_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = type(sys)("elsewhere")
    module.register = register  # type: ignore[attr-defined]  # a made-up module
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    app = build()
    said: list[str] = []
    points = [
        EntryPoint("b", "elsewhere:register", "daedalus.commands"),
        EntryPoint("a", "nowhere:register", "daedalus.commands"),
    ]

    extend(app, points, said.append)

    assert RUN.invoke(app, ["hello"]).output == "hello\n"
    assert len(said) == 1
    assert "nowhere" in said[0]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        pytest.param(">/dev/full", "the output cannot be written: No space left", id="full disk"),
        pytest.param("| true", "", id="a reader that has gone"),
        pytest.param(">&-", "", id="closed"),
    ],
)
def test_an_output_that_cannot_be_written_is_a_line_at_most(output: str, said: str) -> None:
    command = f"{sys.executable} -m daedalus_console validate -f /dev/null {output}"

    found = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )

    assert said in found.stderr
    assert len(found.stderr.splitlines()) == (1 if said else 0)


def test_a_locale_that_knows_ascii_alone_shows_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "売.yaml").write_text("job: {")

    found = subprocess.run(
        [sys.executable, "-m", "daedalus_console", "validate", "-f", str(tmp_path)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.returncode, found.stderr) == (1, "")
    assert "?.yaml: no YAML" in found.stdout


def test_a_terminated_command_unwinds_so_that_nothing_half_written_stays() -> None:
    with pytest.raises(SystemExit) as ended:
        end(signal.SIGTERM, None)

    assert ended.value.code == 143


def test_an_endless_input_is_no_job_file() -> None:
    (found,) = job_files(["/dev/zero"])

    assert "larger than 200000 bytes" in (found.why or "")
