"""A Flink cluster as plain processes: the JobManager, and the command line of a TaskManager.

TaskManagers are started by whoever owns the workers (the executor, or a test); here is only what
to run. Flink's shell scripts are not needed, so what they would work out is written down here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daedalus_local import engines, java
from daedalus_local.child import Child
from daedalus_local.errors import StackError
from daedalus_local.flink_rest import FlinkRest
from daedalus_local.ports import HOST, free_port

READY_TIMEOUT = 240.0
"""Seconds; a JobManager answers after 4 s on an idle machine."""

_OPENED = (
    "java.base/java.lang",
    "java.base/java.net",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/sun.nio.ch",
    "java.base/java.lang.reflect",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
)
_EXPORTED = (
    "java.rmi/sun.rmi.registry",
    "jdk.compiler/com.sun.tools.javac.api",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.compiler/com.sun.tools.javac.parser",
    "jdk.compiler/com.sun.tools.javac.tree",
    "jdk.compiler/com.sun.tools.javac.util",
    "java.security.jgss/sun.security.krb5",
)
_MODULES = (
    *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED),
    *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTED),
)
"""What Flink's own scripts open of the JDK, for its serializers."""

_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.pekko.name = org.apache.pekko
logger.pekko.level = WARN
"""

_TASKMANAGER_JVM = (
    "-Xms160m",
    "-Xmx160m",
    "-XX:MaxDirectMemorySize=160m",
    "-XX:MaxMetaspaceSize=160m",
    "-XX:+UseSerialGC",
    "-XX:ActiveProcessorCount=1",
    # The second compiler makes a cold worker half as fast as a warm one for minutes.
    "-XX:TieredStopAtLevel=1",
)
_TASKMANAGER_SIZES = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.task.heap.size": "96m",
    "taskmanager.memory.task.off-heap.size": "32m",
    "taskmanager.memory.framework.heap.size": "64m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.network.min": "32m",
    "taskmanager.memory.network.max": "32m",
    "taskmanager.memory.managed.size": "32m",
    "taskmanager.memory.jvm-metaspace.size": "160m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """What differs between clusters; the rest is what makes small clusters quick."""

    checkpoint_interval: float = 1.0
    """Seconds between checkpoints: 1 in a run compressed by ten stands for 10."""

    max_parallelism: int = 12
    """Key groups a job's state is cut into, so the most workers it can use."""

    slot_idle: float = 5.0
    """Seconds until a slot that a job has left is free: bounds how soon a worker may stop."""


def configuration(
    directory: Path, settings: ClusterSettings, *, rest_port: int, rpc_port: int, blob_port: int
) -> dict[str, str]:
    """Return the JobManager's whole configuration, which TaskManagers read too."""
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": str(rpc_port),
        "jobmanager.bind-host": HOST,
        "jobmanager.memory.process.size": "768m",
        "blob.server.port": str(blob_port),
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": str(rest_port),
        "web.submit.enable": "true",
        "web.upload.dir": str(directory / "upload"),
        "io.tmp.dirs": str(directory / "tmp"),
        "taskmanager.bind-host": HOST,
        "taskmanager.host": HOST,
        "taskmanager.numberOfTaskSlots": "1",
        "jobmanager.scheduler": "adaptive",
        "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout": "1s",
        "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling": "0s",
        "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout": "0s",
        "jobmanager.adaptive-scheduler.rescale-trigger.max-delay": "1s",
        "slot.idle.timeout": f"{settings.slot_idle * 1000:.0f}ms",
        "heartbeat.interval": "1s",
        # Long enough for a machine whose two cores are wanted by a dozen processes.
        "heartbeat.timeout": "12s",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1000000",
        "restart-strategy.fixed-delay.delay": "1s",
        "pipeline.max-parallelism": str(settings.max_parallelism),
        "execution.checkpointing.interval": f"{settings.checkpoint_interval * 1000:.0f}ms",
        "execution.checkpointing.dir": (directory / "checkpoints").as_uri(),
        "state.backend.type": "hashmap",
        # Fetched when asked, if older than this: below the monitor's shortest interval of 1 s.
        "metrics.fetcher.update-interval": "500",
        "metrics.reporters": "prom",
        "metrics.reporter.prom.factory.class": (
            "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"
        ),
        # Each process takes the first free port of the range and says in its log which.
        "metrics.reporter.prom.port": "19250-19299",
        "env.java.opts.all": " ".join(_MODULES),
    }


class JobManager:
    """The JobManager with its files in a folder, and the means to start TaskManagers for it."""

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        settings: ClusterSettings | None = None,
        report: engines.Report = engines.silent,
    ) -> None:
        self._directory = directory.resolve()
        self._settings = settings or ClusterSettings()
        self._report = report
        self.port = free_port(port)
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Return the address of the REST API and the web page."""
        return f"http://{HOST}:{self.port}"

    @property
    def rest(self) -> FlinkRest:
        """Return a client of the REST API."""
        return FlinkRest(self.url)

    def prepare(self) -> Child:
        """Fetch the jars and write the configuration; return the process, not started."""
        if self.child is None:
            self.child = self._prepared(engines.jars_of("flink", self._report))
        return self.child

    def start(self) -> None:
        """Start the JobManager and return when its REST API answers."""
        self.prepare().start()
        self.wait_until_ready()

    def wait_until_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Return when the REST API answers; `timeout` in seconds."""
        child = self.prepare()
        deadline = time.monotonic() + timeout
        while not self.rest.answers():
            if not child.running:
                raise StackError(
                    f"Flink's JobManager ended with code {child.exit_code}, see {child.log}: "
                    f"{child.last_lines(1)}"
                )
            if time.monotonic() > deadline:
                raise StackError(f"Flink did not answer within {timeout:.0f} s, see {child.log}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End the JobManager, and with it all jobs."""
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        """SIGKILL the JobManager; its jobs are lost."""
        if self.child is not None:
            self.child.kill()

    def taskmanager_command(self, worker: str = "{worker}") -> list[str]:
        """Return the command of one TaskManager, whose id in the REST API is `worker`."""
        sizes = [part for item in _TASKMANAGER_SIZES.items() for part in ("-D", "=".join(item))]
        return [
            *self._java(),
            *_TASKMANAGER_JVM,
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            *self._config_arguments(),
            "-D",
            f"taskmanager.resource-id={worker}",
            *sizes,
        ]

    def taskmanager(self, worker: str) -> Child:
        """Return a TaskManager to start by hand, without a CPU quota."""
        self.prepare()
        log = self._directory / f"{worker}.log"
        return Child(worker, self.taskmanager_command(worker), log=log)

    def _prepared(self, jars: Path) -> Child:
        self._jars = jars
        conf = self._directory / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "upload", "checkpoints"):
            (self._directory / name).mkdir(exist_ok=True)
        rpc_port = free_port(avoid=[self.port])
        blob_port = free_port(avoid=[self.port, rpc_port])
        keys = configuration(
            self._directory,
            self._settings,
            rest_port=self.port,
            rpc_port=rpc_port,
            blob_port=blob_port,
        )
        (conf / "config.yaml").write_text(_yaml(keys))
        (conf / "log4j.properties").write_text(_LOGGING)
        command = [
            *self._java(),
            "-Xms128m",
            "-Xmx320m",
            "-XX:MaxMetaspaceSize=256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            *self._config_arguments(),
        ]
        return Child("jobmanager", command, log=self._directory / "jobmanager.log")

    def _java(self) -> list[str]:
        logging = self._directory / "conf" / "log4j.properties"
        return [
            java.find(),
            "-cp",
            engines.classpath(self._jars),
            f"-Dlog4j.configurationFile={logging}",
            *_MODULES,
        ]

    def _config_arguments(self) -> list[str]:
        return ["-c", str(self._directory / "conf")]


def _yaml(keys: Mapping[str, str]) -> str:
    """Return flat keys as YAML, each value quoted: Flink reads it with a real YAML parser."""
    return "".join(f"{key}: '{value}'\n" for key, value in keys.items())


@contextmanager
def running_jobmanager(
    directory: Path,
    port: int | None = None,
    *,
    settings: ClusterSettings | None = None,
    report: engines.Report = engines.silent,
) -> Iterator[JobManager]:
    """Run a JobManager for the length of the block; its files and log stay in `directory`.

    `port` is used if it is free, else another is chosen: use the manager's `url` or `rest`.
    """
    manager = JobManager(directory, port, settings=settings, report=report)
    try:
        manager.start()
        yield manager
    finally:
        manager.stop()
