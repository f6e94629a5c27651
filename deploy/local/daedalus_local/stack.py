"""What a stack consists of, and in which order it comes up."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daedalus_local import (
    engines,
    job_file,
    jobs,
    kstreams,
    prometheus,
    services,
    topics,
    workers,
)
from daedalus_local.child import Child
from daedalus_local.errors import StackError
from daedalus_local.flink import ClusterSettings, JobManager
from daedalus_local.home import Options
from daedalus_local.kafka import KafkaServer
from daedalus_local.ports import HOST, free_port
from daedalus_local.proc import MARK
from daedalus_local.services import Addresses, ServicePlan
from daedalus_local.supervisor import Supervisor

KAFKA_PORT = 9092
FLINK_PORT = 8081
PROMETHEUS_PORT = 9090

READY_WITHIN = 180.0
"""Seconds for all services to be ready: each takes 5 s, all at once on two cores several times
that."""

CHECKPOINTS = 10.0
"""Seconds of the job's time between checkpoints, never less than one of ours."""


def bring_up(supervisor: Supervisor, options: Options) -> None:
    """Start everything; return when all of it is ready."""
    if options.simulate:
        _bring_up_simulated(supervisor, options)
    elif jobs.JOBS[options.job].engine == "kafka-streams":
        _bring_up_streams(supervisor, options)
    else:
        _bring_up_engine(supervisor, options)


def _bring_up_simulated(supervisor: Supervisor, options: Options) -> None:
    """Start Kafka and the services; the simulator is monitor, executor and jobs at once."""
    engines.jars_of("kafka", supervisor.step)
    supervisor.step("starting Kafka")
    kafka = _start_kafka(supervisor)
    kafka.wait_until_ready()
    _events(supervisor, kafka)
    addresses = Addresses(bootstrap=kafka.bootstrap, flink=None, pools=supervisor.home.pools)
    _start_services(supervisor, options, addresses)


def _bring_up_engine(supervisor: Supervisor, options: Options) -> None:
    home = supervisor.home
    job = jobs.JOBS[options.job]
    engines.jars_of("kafka", supervisor.step)
    engines.jars_of("flink", supervisor.step)
    jobs.jar(supervisor.step)

    supervisor.step("starting Kafka and Flink")
    flink = JobManager(
        home.path / "flink",
        FLINK_PORT,
        settings=ClusterSettings(checkpoint_interval=max(1.0, CHECKPOINTS / options.factor)),
    )
    kafka = _start_kafka(supervisor)
    supervisor.adopt(flink.prepare(), restart=False, url=flink.url)
    kafka.wait_until_ready()
    topics.create(kafka.bootstrap, [job])
    _events(supervisor, kafka)
    flink.wait_until_ready()
    supervisor.record(flink=flink.url)

    _start_job(supervisor, options, kafka, flink)
    if options.load:
        # Before the services, as in life; a worker's first records cost it several times as much.
        _start_load(supervisor, options, kafka.bootstrap)
    if options.services:
        addresses = Addresses(bootstrap=kafka.bootstrap, flink=flink.url, pools=home.pools)
        _start_services(supervisor, options, addresses)
    # Not before: compiling its code takes a new worker more CPU than its first records do.
    workers.narrow(home.pools, options.job)
    if options.services:
        _declare(supervisor, options, kafka.bootstrap, {"rest": flink.url})


def _bring_up_streams(supervisor: Supervisor, options: Options) -> None:
    """Start Kafka, the workers, which need nobody to run them, and the services."""
    home = supervisor.home
    job = jobs.JOBS[options.job]
    engines.jars_of("kafka", supervisor.step)
    kstreams.classes(supervisor.step)

    supervisor.step("starting Kafka")
    kafka = _start_kafka(supervisor)
    kafka.wait_until_ready()
    topics.create(kafka.bootstrap, [job])
    _events(supervisor, kafka)

    supervisor.step(f"starting {options.first_workers} workers")
    directory = _streams_pool(supervisor, options, job, kafka)
    workers.start(home.pools, job.name, options.first_workers)
    kstreams.wait_until_running(directory, options.first_workers)
    if options.load:
        _start_load(supervisor, options, kafka.bootstrap)
    if options.services:
        addresses = Addresses(bootstrap=kafka.bootstrap, flink=None, pools=home.pools)
        _start_services(supervisor, options, addresses)
    workers.narrow(home.pools, job.name)
    if options.services:
        metrics = [f"file://{kstreams.endpoint_files(directory)}"]
        _declare(supervisor, options, kafka.bootstrap, {"metrics": metrics})


def _streams_pool(
    supervisor: Supervisor, options: Options, job: jobs.Job, kafka: KafkaServer
) -> Path:
    """Declare the pool of the workers, and return its folder."""
    home = supervisor.home
    directory = home.path / "pools" / job.name

    def declare(cost: jobs.Cost, quota: float | None) -> None:
        workers.write_pools(
            home.pools,
            job.name,
            kstreams.command(
                job,
                bootstrap=kafka.bootstrap,
                directory=directory,
                cost=cost,
                quota=quota,
                commit=job_file.commit_interval(options),
            ),
            directory=directory,
            env={MARK: str(home.path)},
            limits=workers.Limits(max_workers=options.max_workers, quota=options.quota),
        )

    declare(jobs.Cost(cpu_us=options.cpu_us), options.quota)
    if without := workers.why_no_quotas(home.pools, job.name):
        declare(jobs.Cost(pace_us=round(options.cpu_us / options.quota)), None)
        _note_no_quotas(supervisor, without)
    return directory


def _note_no_quotas(supervisor: Supervisor, why: str) -> None:
    supervisor.note(
        f"no CPU quotas here ({why}): workers pace themselves by sleeping, so their CPU "
        "says little and capacities are learned under full load only"
    )


def _start_kafka(supervisor: Supervisor) -> KafkaServer:
    kafka = KafkaServer(supervisor.home.path / "kafka", KAFKA_PORT)
    supervisor.adopt(kafka.prepare(), url=kafka.bootstrap)
    return kafka


def _events(supervisor: Supervisor, kafka: KafkaServer) -> None:
    """Create the topics of the events, and tell where they are."""
    topics.create_for_events(kafka.bootstrap)
    supervisor.record(bootstrap=kafka.bootstrap)


def _start_job(
    supervisor: Supervisor, options: Options, kafka: KafkaServer, flink: JobManager
) -> None:
    home, pool = supervisor.home, options.job
    workers.write_pools(
        home.pools,
        pool,
        flink.taskmanager_command(),
        directory=home.path / "pools" / pool,
        env={MARK: str(home.path)},
        limits=workers.Limits(max_workers=options.max_workers, quota=options.quota),
    )
    supervisor.step(f"starting {options.first_workers} workers")
    without = workers.start(home.pools, pool, options.first_workers)
    flink.rest.wait_for_workers(options.first_workers)
    supervisor.step(f"starting the job {options.job}")
    cost = jobs.Cost(cpu_us=options.cpu_us)
    if without:
        cost = jobs.Cost(pace_us=round(options.cpu_us / options.quota))
        _note_no_quotas(supervisor, without)
    window = {"window_seconds": "1"} if options.factor > 1 and options.job == "ysb" else {}
    job_id = jobs.start(
        flink.rest,
        jobs.JOBS[options.job],
        bootstrap=kafka.bootstrap,
        parallelism=options.first_workers,
        cost=cost,
        settings=window,
    )
    flink.rest.wait_until_running(job_id)


def _start_services(supervisor: Supervisor, options: Options, addresses: Addresses) -> None:
    supervisor.step("starting the services")
    ports: list[int] = []
    for offset, name in enumerate(services.names(options)):
        wanted = services.FIRST_PORT + offset
        ports.append(free_port(services.CONSOLE_PORT if name == "console" else wanted, avoid=ports))
    plans = services.plans(options, ports, addresses)
    for plan in plans:
        child = Child(plan.name, plan.command, log=supervisor.log(plan.name), env=plan.env)
        supervisor.adopt(child, url=plan.url)
    deadline = time.monotonic() + READY_WITHIN
    for plan in plans:
        while (why := services.why_not_ready(plan.url)) is not None:
            if time.monotonic() > deadline:
                log = supervisor.log(plan.name)
                raise StackError(f"the {plan.name} is not ready: {why}; see {log}")
            supervisor.look()
            time.sleep(0.25)
    if options.prometheus:
        _start_prometheus(supervisor, plans)


def _start_prometheus(supervisor: Supervisor, plans: Sequence[ServicePlan]) -> None:
    address = f"{HOST}:{free_port(PROMETHEUS_PORT)}"
    scraped = {plan.name: f"{HOST}:{plan.port}" for plan in plans}
    command = prometheus.command(supervisor.home.path / "prometheus", address, scraped)
    child = Child("prometheus", command, log=supervisor.log("prometheus"))
    supervisor.adopt(child, url=f"http://{address}")


def _declare(
    supervisor: Supervisor, options: Options, bootstrap: str, engine: Mapping[str, Any]
) -> None:
    """Publish the job file as a person would."""
    supervisor.step(f"declaring the job {options.job}")
    path = supervisor.home.path / "jobs" / f"{options.job}.yaml"
    job_file.write(path, options, bootstrap=bootstrap, engine=engine)
    command = [sys.executable, "-m", "daedalus_console", "apply", "-f", str(path)]
    run = subprocess.run(
        [*command, "--bootstrap", bootstrap], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise StackError(f"the job file was refused: {(run.stderr or run.stdout).strip()[-300:]}")


def _start_load(supervisor: Supervisor, options: Options, bootstrap: str) -> None:
    supervisor.step("starting the load")
    job = jobs.JOBS[options.job]
    command = [sys.executable, "-m", "daedalus_local.load"]
    settings = {
        "bootstrap": bootstrap,
        "topic": job.input,
        "kind": job.records,
        "shape": options.shape,
        "minutes": options.minutes,
        "seed": options.seed,
        "speed": options.factor,
        "peak": options.peak,
    }
    command += [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    if options.trace is not None:
        command += ["--trace", str(Path(options.trace))]
    if options.repeat:
        command += ["--repeat"]
    supervisor.adopt(Child("load", command, log=supervisor.log("load")), restart=False)
    supervisor.record(load_began=time.time())
