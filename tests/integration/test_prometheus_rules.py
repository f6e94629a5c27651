"""What is shipped for Prometheus, judged by its own promtool."""

import subprocess
from collections.abc import Sequence

import pytest
from prometheus_client import generate_latest

import daedalus_monitor.watch  # noqa: F401 -- these make the metrics that are checked
from harness.fixtures import need_tools
from harness.prometheus import ROOT

HERE = ROOT / "deploy" / "prometheus"


def promtool(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    need_tools("promtool")
    return subprocess.run(
        ["promtool", *arguments], input=stdin, capture_output=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check", "config", str(HERE / "prometheus.yml")], id="config"),
        pytest.param(["check", "rules", *map(str, (HERE / "rules").glob("*.yml"))], id="rules"),
        pytest.param(["test", "rules", *map(str, (HERE / "tests").glob("*.yml"))], id="alerts"),
    ],
)
def test_promtool_takes_it(arguments: Sequence[str]) -> None:
    run = promtool(*arguments)

    assert run.returncode == 0, (run.stdout + run.stderr).decode()
    assert b"SUCCESS" in run.stdout + run.stderr


def test_promtool_finds_nothing_to_mend_in_the_metrics() -> None:
    run = promtool("check", "metrics", stdin=generate_latest())

    told = (run.stdout + run.stderr).decode().splitlines()
    assert [line for line in told if line.startswith("daedalus_")] == []
