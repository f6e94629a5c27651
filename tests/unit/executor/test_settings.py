"""Settings, pools and which targets they allow."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from daedalus_executor import pool
from daedalus_executor.__main__ import wire
from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.flink import FlinkTarget
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.processes import PoolsError, read_pools
from daedalus_executor.ports import NotAllowedError
from daedalus_executor.settings import Settings, Waits
from daedalus_executor.targets import Targets
from daedalus_shared.job_spec import JobSpec

FLINK = "http://flink:8081"


def spec(**changes: Any) -> JobSpec:
    fields: dict[str, Any] = {
        "job": "ysb",
        "engine": {"kind": "flink", "rest": FLINK},
        "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
        "workers": {"kind": "none"},
        "scale": {"max": 8},
    }
    return JobSpec.model_validate(fields | changes)


def targets(*addresses: str) -> Targets:
    clock = SystemClock()
    flink = {address: FlinkRest(address, clock, read=1.0, write=1.0) for address in addresses}
    return Targets({}, flink, Waits(), clock)


def test_allows_nothing_by_default() -> None:
    assert Settings().allowed_rest == ()
    assert Settings().pools is None

    with pytest.raises(NotAllowedError, match=f"{FLINK} is not in EXECUTOR_ALLOWED_REST"):
        targets().of(spec())


@pytest.mark.parametrize("rest", [FLINK, FLINK + "/"])
def test_allows_what_is_listed(rest: str) -> None:
    assert isinstance(targets(FLINK).of(spec(engine={"kind": "flink", "rest": rest})), FlinkTarget)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param(
            {"engine": {"kind": "flink", "rest": "http://flink:8082"}}, "ALLOWED_REST", id="port"
        ),
        pytest.param(
            {"engine": {"kind": "flink", "rest": FLINK + ".evil.org"}}, "ALLOWED_REST", id="suffix"
        ),
        pytest.param(
            {"workers": {"kind": "processes", "pool": "x"}}, "no pool 'x' .* only none", id="pool"
        ),
        pytest.param(
            {"workers": {"kind": "compose", "service": "tm"}}, "workers by compose", id="compose"
        ),
        pytest.param({"rescale": "reactive"}, "reactive needs workers", id="reactive"),
        pytest.param(
            {"engine": {"kind": "kafka-streams"}}, "workers.kind is none", id="nobody's workers"
        ),
    ],
)
def test_refuses_other_targets_with_the_reason(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(NotAllowedError, match=why):
        targets(FLINK).of(spec(**changes))


def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXECUTOR_ALLOWED_REST", f'["{FLINK}/"]')
    monkeypatch.setenv("EXECUTOR_WAITS__REGISTER_WITHIN", "2m")

    settings = Settings()
    executor, _ = wire(settings)

    assert settings.waits.register_within == 120
    assert executor.source == "executor/executor"


def test_an_address_without_a_scheme_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECUTOR_ALLOWED_REST", '["flink:8081"]')

    with pytest.raises(ValidationError, match="allowed_rest"):
        Settings()


@pytest.mark.parametrize(
    ("pools", "why"),
    [
        pytest.param({"ysb": {"command": ["java"]}}, "{worker}", id="no worker's name"),
        pytest.param({"ysb": {"max_workers": 0}}, "ysb.max_workers", id="no workers"),
        pytest.param({"ysb": {"cpu": 1}}, "ysb.cpu", id="unknown field"),
        pytest.param([], "should be an object", id="no object"),
    ],
)
def test_a_wrong_file_of_pools_is_refused_with_the_field(
    tmp_path: Path, pools: Any, why: str
) -> None:
    whole = {"command": ["sleep", "{worker}"], "directory": str(tmp_path), "max_workers": 2}
    if isinstance(pools, dict):
        pools = {name: whole | changes for name, changes in pools.items()}
    file = tmp_path / "pools.json"
    file.write_text(json.dumps(pools))

    with pytest.raises(PoolsError) as error:
        read_pools(file)

    assert why in str(error.value)


def test_a_missing_file_of_pools_is_one_line_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "pools.json"

    assert pool.main(["status", "--pools", str(missing)]) == 1

    said = capsys.readouterr().err
    assert said == f"cannot read the pools of {missing}: No such file or directory\n"
