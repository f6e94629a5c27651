"""A single Kafka broker (KRaft, no ZooKeeper) as a plain process, for the stack and for tests."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from daedalus_local import engines, java
from daedalus_local.child import Child
from daedalus_local.errors import StackError
from daedalus_local.ports import HOST, free_port

CLUSTER_ID = "ZGFlZGFsdXMtbG9jYWwtMA"
"""Any 16 bytes in base64; constant, so that a formatted folder can be used again."""

JVM = (
    "-Xms128m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    # The first compiler only: a broker of this size is busiest while it starts.
    "-XX:TieredStopAtLevel=1",
)

READY_TIMEOUT = 240.0
"""Seconds; ready takes 3 s on an idle machine, many times that when its cores are busy."""

LONGEST_ASK = 4.0
"""Seconds for one answer at most: a cold broker takes some to let a client in by TLS and SCRAM."""

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # One node: whatever is replicated elsewhere has one copy here.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.num.partitions": "5",
    # Consumer groups settle at once, and a killed member is noticed in seconds.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "2000",
    # The same for workers of Kafka Streams, whose work is assigned by the broker.
    "group.streams.initial.rebalance.delay.ms": "0",
    "group.streams.assignment.interval.ms": "0",
    "group.streams.min.session.timeout.ms": "6000",
    "group.streams.session.timeout.ms": "10000",
    "group.streams.min.heartbeat.interval.ms": "500",
    "group.streams.heartbeat.interval.ms": "1000",
    # The broker's own session: restart after a kill took 13 s with these, 24 s with the defaults.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A misspelt topic is an error, not a new topic.
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "1048576",
}

_LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
"""


def properties(directory: Path, port: int, controller_port: int) -> dict[str, str]:
    """Return the broker's whole configuration."""
    return {
        **_SETTINGS,
        "log.dirs": str(directory / "data"),
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
    }


@dataclass(frozen=True, slots=True)
class Access:
    """Who may talk to a broker; anybody who reaches its port, unless told otherwise."""

    users: Mapping[str, str] = field(default_factory=dict)
    """SCRAM users that the broker begins with, and their passwords."""

    client: Mapping[str, str] = field(default_factory=dict)
    """What a client needs to be let in (librdkafka's names), to see whether the broker answers."""


OPEN = Access()


class KafkaServer:
    """A broker with its data in a folder; can be killed and started again on the same port."""

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        report: engines.Report = engines.silent,
        extra: Mapping[str, str] | None = None,
        access: Access = OPEN,
    ) -> None:
        self._access = access
        self._directory = directory.resolve()
        self._extra = dict(extra or {})
        self._report = report
        self.port = free_port(port)
        self._controller_port = free_port(avoid=[self.port])
        self.child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """Return the address that clients connect to first."""
        return f"{HOST}:{self.port}"

    def prepare(self) -> Child:
        """Fetch the jars and format the folder if needed; return the process, not started."""
        if self.child is None:
            self.child = self._prepared(engines.jars_of("kafka", self._report))
        return self.child

    def start(self) -> None:
        """Start the broker and return when it answers."""
        child = self.prepare()
        child.start()
        self.wait_until_ready()

    def wait_until_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Return when the broker answers; `timeout` in seconds."""
        child = self.prepare()
        deadline = time.monotonic() + timeout
        patience = 1.0
        while not answers(self.bootstrap, patience, client=self._access.client):
            patience = min(2 * patience, LONGEST_ASK)
            if not child.running:
                raise StackError(
                    f"Kafka ended with code {child.exit_code}, see {child.log}: "
                    f"{child.last_lines(1)}"
                )
            if time.monotonic() > deadline:
                raise StackError(f"Kafka did not answer within {timeout:.0f} s, see {child.log}")

    def stop(self) -> None:
        """Shut the broker down in order."""
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        """SIGKILL the broker; `start` brings it back with what it had written."""
        if self.child is not None:
            self.child.kill()

    def _prepared(self, jars: Path) -> Child:
        directory = self._directory
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "server.properties"
        settings = properties(directory, self.port, self._controller_port) | self._extra
        config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        logging = directory / "log4j2.properties"
        logging.write_text(_LOGGING)
        base = [
            java.find(),
            "-cp",
            engines.classpath(jars),
            f"-Dlog4j2.configurationFile={logging}",
        ]
        if not (directory / "data" / "meta.properties").exists():
            users = [
                part
                for name, password in self._access.users.items()
                for part in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")
            ]
            tool = ["-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool"]
            run = subprocess.run(
                [*base, *tool, "format", "-t", CLUSTER_ID, "-c", str(config), *users],
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode != 0:
                raise StackError(f"Kafka could not format {directory}: {run.stderr.strip()[-300:]}")
        command = [*base, *JVM, "kafka.Kafka", str(config)]
        return Child("kafka", command, log=directory / "kafka.log")


def answers(
    bootstrap: str, timeout: float = 1.0, *, client: Mapping[str, str] = OPEN.client
) -> bool:
    """Return whether a broker answers at the address within `timeout` seconds."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - slow to import
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    # Its own complaints about an address where nobody listens yet would fill the terminal.
    quiet = {"log_level": 0, "reconnect.backoff.max.ms": 250}
    admin = AdminClient({**client, "bootstrap.servers": bootstrap, **quiet})
    with suppress(KafkaException):
        return bool(admin.list_topics(timeout=timeout).brokers)
    return False


@contextmanager
def running_kafka(
    directory: Path,
    port: int | None = None,
    *,
    report: engines.Report = engines.silent,
    extra: Mapping[str, str] | None = None,
    access: Access = OPEN,
) -> Iterator[KafkaServer]:
    """Run a broker for the length of the block; its data and log stay in `directory`.

    `port` is used if it is free, else another is chosen: use the server's `bootstrap`.
    `extra` are settings of the broker that take the place of the usual ones, and `access` says who
    may talk to it.
    """
    server = KafkaServer(directory, port, report=report, extra=extra, access=access)
    try:
        server.start()
        yield server
    finally:
        server.stop()
