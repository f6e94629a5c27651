"""What a stack starts with: configurations, job files, pools; no process is started."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from daedalus_executor.adapters.processes import read_pools
from daedalus_local import flink, job_file, jobs, kafka, services, topics, workers
from daedalus_local.errors import StackError
from daedalus_local.flink_rest import FlinkRest
from daedalus_local.home import Options
from daedalus_local.load import records
from daedalus_shared.job_spec import read_spec

BROKER, FLINK = "127.0.0.1:1234", "http://127.0.0.1:5678"
PLACES: dict[str, Any] = {"bootstrap": BROKER, "engine": {"rest": FLINK}}


@pytest.mark.parametrize("name", jobs.JOBS)
def test_the_sample_jobs_are_declared_rightly(name: str) -> None:
    spec = read_spec((jobs.SOURCES / f"{name}.yaml").read_text())

    assert spec.job == spec.engine_name == name == spec.workers.pool
    assert spec.input.topics == (jobs.JOBS[name].input,)
    assert spec.input.group == name
    assert spec.engine.kind == jobs.JOBS[name].engine


@pytest.mark.parametrize("job", jobs.JOBS.values(), ids=jobs.JOBS)
def test_the_load_generator_has_the_records_that_a_job_reads(job: jobs.Job) -> None:
    assert job.records in records.KINDS


ON_FLINK = [job.name for job in jobs.JOBS.values() if job.engine == "flink"]


@pytest.mark.parametrize("name", ON_FLINK)
def test_all_that_the_sql_leaves_open_is_filled_in(name: str) -> None:
    sql = (jobs.SOURCES / "sql" / f"{name}.sql").read_text()
    job = jobs.JOBS[name]

    given = {argument.split("=")[0] for argument in Recorder().arguments_of(job)}

    assert set(re.findall(r"\$\{(\w+)}", sql)) <= given
    assert "newest" in sql


class Recorder(FlinkRest):
    """Takes a job's arguments instead of sending them."""

    def __init__(self) -> None:
        super().__init__("http://nowhere")
        self.given: list[str] = []

    def upload(self, jar: Path) -> str:
        return "jar"

    def run(self, jar_id: str, arguments: object, parallelism: int) -> str:
        assert isinstance(arguments, list)
        self.given = arguments
        return "id"

    def arguments_of(self, job: jobs.Job) -> list[str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jobs, "jar", lambda: Path("x.jar"))
            jobs.start(self, job, bootstrap="b", parallelism=1, cost=jobs.Cost(cpu_us=7))
        assert self.given[0] == job.name
        assert "cpu_us=7" in self.given
        return self.given[1:]


def test_a_job_file_at_natural_speed_keeps_the_policys_defaults() -> None:
    spec = read_spec(job_file.text(Options(max_workers=4), **PLACES))

    assert spec.engine.rest == "http://127.0.0.1:5678"
    assert spec.input.bootstrap == "127.0.0.1:1234"
    assert spec.scale.max == 4
    assert spec.policy.mode == "act"
    assert spec.policy.loop == 60


@pytest.mark.parametrize("factor", [2.0, 5.0, 10.0, 16.0, 40.0])
def test_a_compressed_job_file_divides_durations_but_not_what_machines_bound(
    factor: float,
) -> None:
    spec = read_spec(job_file.text(Options(factor=factor), **PLACES))

    assert spec.policy.recovery_target == pytest.approx(600 / factor)
    assert spec.policy.horizon == pytest.approx(2400 / factor, abs=0.001)
    assert spec.policy.rules_horizon == pytest.approx(900 / factor, abs=0.001)
    assert spec.policy.prices.tolerated >= 1
    assert spec.policy.sample >= 1
    assert spec.policy.report % spec.policy.sample == 0
    assert spec.policy.loop % spec.policy.report == 0
    assert spec.policy.loop >= 4 * spec.policy.sample
    assert spec.policy.loop == pytest.approx(max(60 / factor, 6), abs=1)
    assert spec.policy.converge_within >= 60
    assert spec.policy.loop * spec.policy.command_expiry_loops >= 29
    assert spec.policy.warm_up >= 15
    assert spec.policy.half_life <= 120
    assert spec.policy.downtime_up >= 10


@pytest.mark.parametrize(("factor", "commits"), [(1.0, 5.0), (10.0, 1.0)])
def test_a_kafka_streams_job_is_asked_by_the_files_of_its_workers(
    factor: float, commits: float
) -> None:
    options = Options(job="wordcount-kstreams", factor=factor)
    engine = {"metrics": ["file:///run/words/*.json"]}

    spec = read_spec(job_file.text(options, bootstrap=BROKER, engine=engine))

    assert spec.engine.metrics == ("file:///run/words/*.json",)
    assert spec.engine.rest is None
    assert spec.policy.checkpoint_interval == commits


def test_the_pool_file_is_one_that_the_executor_reads(tmp_path: Path) -> None:
    path = tmp_path / "pools.json"
    workers.write_pools(
        path,
        "ysb",
        ["run", "{worker}"],
        directory=tmp_path / "pools" / "ysb",
        env={"A": "b"},
        limits=workers.Limits(max_workers=3, quota=0.2),
    )

    pool = read_pools(path)["ysb"]

    assert pool.command == ("run", "{worker}")
    assert (pool.max_workers, pool.cpu_quota, pool.start_quota) == (3, 0.2, 1.0)
    assert pool.env == {"A": "b"}


def ports(options: Options) -> range:
    return range(9101, 9101 + len(services.names(options)))


def plans(options: Options, tmp_path: Path) -> dict[str, services.ServicePlan]:
    addresses = services.Addresses(bootstrap=BROKER, flink=FLINK, pools=tmp_path / "pools.json")
    return {each.name: each for each in services.plans(options, ports(options), addresses)}


def test_the_executor_may_change_this_cluster_and_no_other(tmp_path: Path) -> None:
    found = plans(Options(), tmp_path)

    assert tuple(found) == services.NAMES
    executor, monitor = found["executor"], found["monitor"]
    assert json.loads(executor.env["EXECUTOR_ALLOWED_REST"]) == ["http://127.0.0.1:5678"]
    assert executor.env["EXECUTOR_BOOTSTRAP"] == "127.0.0.1:1234"
    assert executor.command[1:] == ["-m", "daedalus_executor"]
    assert monitor.env == {
        "MONITOR_BOOTSTRAP": "127.0.0.1:1234",
        "MONITOR_HTTP_PORT": "9101",
    }


def test_the_console_is_this_machines_who_may_steer_their_own_stack(tmp_path: Path) -> None:
    console = plans(Options(factor=10.0), tmp_path)["console"]

    assert console.command[1:] == ["-m", "daedalus_console", "serve"]
    assert console.env == {
        "DAEDALUS_BOOTSTRAP": "127.0.0.1:1234",
        "CONSOLE_PORT": "9106",
        "CONSOLE_LOCAL": "steer",
        "CONSOLE_SPEED": "10",
    }


def test_without_flink_the_executor_may_change_no_cluster(tmp_path: Path) -> None:
    addresses = services.Addresses(bootstrap=BROKER, flink=None, pools=tmp_path / "pools.json")
    options = Options(job="wordcount-kstreams")

    found = services.plans(options, ports(options), addresses)

    executor = next(each for each in found if each.name == "executor")
    assert "EXECUTOR_ALLOWED_REST" not in executor.env
    assert executor.env["EXECUTOR_POOLS"] == str(tmp_path / "pools.json")


@pytest.mark.parametrize("planner", ["horizon", "rules"])
def test_who_decides_is_named_to_the_planner_and_to_the_job(planner: str, tmp_path: Path) -> None:
    options = Options(planner=planner)

    assert plans(options, tmp_path)["planner"].env["PLANNER_INSTANCE"] == planner
    assert read_spec(job_file.text(options, **PLACES)).policy.planner == planner


def test_the_rule_of_kubernetes_stands_in_the_planners_place(tmp_path: Path) -> None:
    plan = plans(Options(planner="hpa", factor=10.0), tmp_path)["planner"]

    assert plan.command[1:] == ["-m", "daedalus_simulator.hpa"]
    assert plan.env["HPA_SPEED"] == "10.0"
    assert "PLANNER_INSTANCE" not in plan.env


def test_simulated_jobs_need_neither_monitor_nor_executor(tmp_path: Path) -> None:
    found = plans(Options(simulate=50, factor=10.0, trace="/t.csv"), tmp_path)

    assert tuple(found) == services.SIMULATED
    settings = found["simulator"].env
    assert (settings["SIMULATOR_JOBS"], settings["SIMULATOR_SPEED"]) == ("50", "10.0")
    assert settings["SIMULATOR_TRACE"] == "/t.csv"


def test_a_service_that_is_not_there_is_not_ready() -> None:
    assert services.why_not_ready("http://127.0.0.1:1") == "it does not answer yet"


def test_everything_listens_on_this_machine_only(tmp_path: Path) -> None:
    broker = kafka.properties(tmp_path, 1, 2)
    cluster = flink.configuration(
        tmp_path, flink.ClusterSettings(), rest_port=3, rpc_port=4, blob_port=5
    )

    assert broker["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert broker["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1"
    assert {cluster[key] for key in cluster if key.endswith(("bind-host", "bind-address"))} == {
        "127.0.0.1"
    }


def test_flinks_configuration_is_yaml_of_texts(tmp_path: Path) -> None:
    keys = flink.configuration(
        tmp_path,
        flink.ClusterSettings(checkpoint_interval=2.5),
        rest_port=3,
        rpc_port=4,
        blob_port=5,
    )

    assert keys["execution.checkpointing.interval"] == "2500ms"
    assert yaml.safe_load(flink._yaml(keys)) == keys


def test_no_topics_are_asked_for_without_jobs() -> None:
    topics.create("127.0.0.1:1", [])


def test_flink_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(StackError, match="does not answer"):
        FlinkRest("http://127.0.0.1:1").get("/overview")
