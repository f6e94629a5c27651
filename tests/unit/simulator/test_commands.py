"""`daedalus backtest | compare`: what they refuse, print and write; what their help costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from daedalus_simulator.commands import register

RUN = CliRunner()

SHORT = ["--minutes", "10"]


def app() -> typer.Typer:
    found = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    register(found)
    return found


def trace(folder: Path, name: str = "calm", *, rows: int = 900) -> str:
    path = folder / f"{name}.csv"
    path.write_text("second|count\n" + "".join(f"{at}|{1000 + at % 7}\n" for at in range(rows)))
    return str(path)


@pytest.mark.parametrize("command", ["backtest", "compare", "replay", "whatif"])
def test_each_command_has_help_with_examples(command: str) -> None:
    found = RUN.invoke(app(), [command, "--help"])

    assert found.exit_code == 0
    assert f"  daedalus {command} " in found.output.partition("Examples:")[2]


def test_registering_the_commands_imports_nothing_slow() -> None:
    script = (
        "import sys, typer, daedalus_simulator.commands as c; c.register(typer.Typer()); "
        "print(*sys.modules)"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"numpy", "numba", "plotly", "pydantic", "rich.table", "yaml"} & set(loaded)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(["backtest", "nowhere.csv"], 4, "nowhere.csv: no such file", id="no file"),
        pytest.param(["backtest", "shape:none"], 2, "'none' is no shape; there are", id="no shape"),
        pytest.param(
            ["backtest", "shape:sine@x"], 2, "the seed 'x' is no whole number", id="no seed"
        ),
        pytest.param(
            ["backtest", "shape:sine", "--planner", "hpa80"], 2, "did you mean hpa-80?", id="policy"
        ),
        pytest.param(
            ["backtest", "shape:sine", "--prices", "low"], 2, "thrift, balanced, steady", id="dial"
        ),
        pytest.param(
            ["backtest", "shape:sine", "--planner", "rules", "--prices", "steady"],
            2, "are horizon's alone", id="dial of another",
        ),
        pytest.param(
            ["backtest", "shape:sine", "--engine", "storm"], 2, "there are flink,", id="engine"
        ),
        pytest.param(
            ["backtest", "shape:sine", "--forecaster", "oracle"], 2, "ensemble, arima",
            id="forecaster",
        ),
        pytest.param(
            ["backtest", "shape:sine", "--from", "90"], 2, "--from '90' is not a duration",
            id="from",
        ),
        pytest.param(
            ["backtest", "shape:sine", "--from", "2h", "--to", "1h"], 2, "too short", id="part"
        ),
        pytest.param(
            ["backtest", "shape:sine", "--to", "1h", "--minutes", "9"], 2, "one of the two",
            id="two ends",
        ),
        pytest.param(
            ["backtest", "shape:sine", "--set", "policy.recovry_target=3m"],
            2, "did you mean policy.recovery_target?", id="setting",
        ),
        pytest.param(
            ["compare", "shape:sine", "shape:sine"], 2, "two workloads are named", id="twice"
        ),
        pytest.param(
            ["compare", "shape:sine", "--policies", "rules,x"], 2, "no policy 'x'", id="no policy"
        ),
        pytest.param(
            ["compare", "shape:sine", "--engines", "flink,x"], 2, "no engine 'x'", id="no engine"
        ),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused_in_one_line(
    arguments: list[str], code: int, told: str
) -> None:
    found = RUN.invoke(app(), arguments)

    assert (found.exit_code, found.stdout) == (code, "")
    assert told in found.stderr
    assert found.stderr.startswith("daedalus: ")
    assert found.stderr.count("\n") == 1


def test_a_bad_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("second|count\n0|10\n1|many\n2|10\n")

    found = RUN.invoke(app(), ["compare", str(path)])

    assert found.exit_code == 1
    assert "bad: line 3: the rate 'many' is not a number" in found.stderr


def test_a_backtest_prints_its_score_beside_the_oracle(tmp_path: Path) -> None:
    found = RUN.invoke(app(), ["backtest", trace(tmp_path), *SHORT, "--planner", "static-12"])

    assert found.exit_code == 0, found.stderr
    assert "static-12 on calm, flink" in found.stdout
    assert " 12.00" in found.stdout
    assert "/ oracle-J" in found.stdout


def test_a_backtest_as_json_holds_each_run_their_mean_and_the_oracle(tmp_path: Path) -> None:
    arguments = ["backtest", trace(tmp_path), *SHORT, "--planner", "static-12", "--json"]

    found = json.loads(
        RUN.invoke(app(), [*arguments, "--seed", "3", "--seeds", "2", "-j", "1"]).stdout
    )

    assert [run["seed"] for run in found["runs"]] == [3, 4]
    assert found["mean"]["workers"] == 12
    assert found["runs"][0]["scale_outs"] == [[0, 12]]
    assert [run["policy"] for run in found["oracle"]] == ["oracle-J", "oracle-J"]
    assert found["runs"][0]["price_of_oracle"] > 1


def test_the_same_backtest_says_the_same(tmp_path: Path) -> None:
    arguments = ["backtest", trace(tmp_path), *SHORT, "--planner", "hpa-80", "--json"]

    first, second = (json.loads(RUN.invoke(app(), arguments).stdout) for _ in range(2))

    for run in (*first["runs"], *first["oracle"], *second["runs"], *second["oracle"]):
        del run["elapsed"]
    assert first == second


def test_a_comparison_tables_each_workload_and_all_together(tmp_path: Path) -> None:
    arguments = ["compare", trace(tmp_path), "shape:ramp", *SHORT, "--seeds", "2", "-j", "1"]

    found = RUN.invoke(app(), [*arguments, "--policies", "static-12,hpa-80"])

    assert found.exit_code == 0, found.stderr
    for title in ("calm, flink", "shape:ramp, flink", "all 2 workloads, flink, 2 seeds"):
        assert title in found.stdout
    assert found.stdout.count("hpa-80") == 3


def test_a_comparison_in_markdown_is_tables_alone(tmp_path: Path) -> None:
    arguments = ["compare", trace(tmp_path), *SHORT, "--seeds", "1", "--policies", "static-12"]

    lines = RUN.invoke(app(), [*arguments, "--markdown", "-j", "1"]).stdout.splitlines()

    assert lines[0] == "### calm, flink"
    assert lines[2].startswith("| policy | workers |")
    assert lines[4].startswith("| **static-12** | **12.00** | **1.00** | **12.00** |")
    assert lines[5].startswith("| oracle-J | ")


def test_a_table_fits_a_narrow_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["compare", trace(tmp_path), *SHORT, "--seeds", "1"]

    found = RUN.invoke(
        app(), [*arguments, "--policies", "flink-operator-tuned,keda-lag", "-j", "1"]
    )

    assert max(len(line) for line in found.stdout.splitlines()) <= 80
    assert "…" not in found.stdout


def test_a_job_file_gives_policy_and_scale(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        """
job: mine
engine: {kind: flink, rest: "http://nowhere:1"}
input: {bootstrap: "nowhere:1", topics: [in], group: mine}
workers: {kind: none}
scale: {min: 3, max: 5}
policy: {planner: rules}
"""
    )
    arguments = ["backtest", trace(tmp_path), *SHORT, "--planner", "rules", "--job", str(job)]

    found = json.loads(RUN.invoke(app(), [*arguments, "--json"]).stdout)

    assert {3 <= workers <= 5 for _, workers in found["runs"][0]["scale_outs"][1:]} <= {True}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param("compare --report no/a.html", "No such file or directory", id="no folder"),
        pytest.param("backtest --report no/a.html", "No such file or directory", id="of a run"),
        pytest.param("compare --report .", "is a folder; give a file's name", id="a folder"),
        pytest.param("compare --plots file", "file is no folder", id="no folder for plots"),
        pytest.param("compare --plots file/deeper", "file is no folder", id="nor one above"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line_before_anything_is_played(
    tmp_path: Path, arguments: str, told: str
) -> None:
    command, option, place = arguments.split()
    (tmp_path / "file").touch()

    found = RUN.invoke(app(), [command, trace(tmp_path), option, str(tmp_path / place)])

    assert found.exit_code == 1
    assert told in found.stderr
    assert found.stderr.count("\n") == 1
