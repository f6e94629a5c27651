"""The whole loop on a broker that lets nobody in without a name: a principal a service.

One broker for all of it, with SCRAM over TLS, Kafka's own authorizer, and the ACLs that
`daedalus topics acls` makes.
"""

import json
import re
import signal
import stat
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not all in its __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic
from typer.testing import CliRunner, Result

from daedalus_console.brokers import Address
from daedalus_console.cli import build
from daedalus_console.live.live import Live
from daedalus_console.live.reader import Reader, sources
from daedalus_local.ports import free_port
from daedalus_monitor.adapters.kafka import Brokers, KafkaOffsets
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.ports import SourceError
from daedalus_shared import roles
from daedalus_shared.credentials import read_credentials
from daedalus_shared.events import Decision, Forecast, Knowledge
from daedalus_shared.job_spec import read_spec
from daedalus_shared.roles import Role
from daedalus_shared.topics import CATALOGUE, partition_of, topic_of
from harness.broker import PARTITIONS
from harness.certificates import Authority
from harness.fixtures import need_tools
from harness.http import address, get, until
from harness.replicas import Replica, running
from harness.secured import Secured, secured_broker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

TOPICS = tuple(topic.name for topic in CATALOGUE)
USERS = (*(role.name for role in roles.ROLES), "my-forecaster", "nobody", "certified")
SECRET = "hush-4711-{}"
"""The passwords: any of them in an output is found."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    need_tools("java", "mvn", "openssl")
    passwords = {user: SECRET.format(user) for user in USERS}
    with secured_broker(tmp_path_factory.mktemp("secured"), passwords) as found:
        granted = daedalus(found, "admin", "topics", "acls", "--apply", "--json")
        assert len(json.loads(granted.stdout)["granted"]) > 60
        yield found


def daedalus(kafka: Secured, user: str, *arguments: str, code: int = 0) -> Result:
    """Run the command as a user."""
    return run(kafka.settings("DAEDALUS", user), *arguments, code=code)


def run(settings: Mapping[str, str], *arguments: str, code: int) -> Result:
    done = CliRunner().invoke(build(), arguments, env={"COLUMNS": "200", **settings})
    assert done.exit_code == code, done.output
    assert "hush-" not in done.output
    return done


def service(kafka: Secured, stage: str, user: str, folder: Path, **env: str) -> Replica:
    prefix = stage.upper()
    named = {f"{prefix}_{name}": value for name, value in env.items()}
    settings = {f"{prefix}_SESSION_TIMEOUT": "6", **kafka.settings(prefix, user), **named}
    return Replica(f"{stage}-{user}", ["-m", f"daedalus_{stage}"], settings, folder)


# -- who may do what ----------------------------------------------------------------------------


def attempt_write(kafka: Secured, user: str) -> dict[str, str]:
    """Write to each topic, and return what was refused: topic → the broker's word."""
    refused: dict[str, str] = {}
    producer = Producer({**kafka.client(user), "log_level": 0, "message.timeout.ms": 20_000})

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            refused[message.topic() or ""] = error.name()

    for topic in TOPICS:
        producer.produce(topic, b"no event", b"nobody", 0, on_delivery=delivered)
    assert producer.flush(30) == 0
    return refused


def attempt_read(kafka: Secured, user: str, group: str) -> tuple[set[str], set[str]]:
    """Read each topic; return those that gave something, and those that were refused."""
    consumer = Consumer(
        {**kafka.client(user), "group.id": group, "log_level": 0, "fetch.wait.max.ms": 20}
    )
    admin = AdminClient({**kafka.client(user), "log_level": 0})
    seen = admin.describe_topics(TopicCollection(list(TOPICS)), request_timeout=10)
    told = {topic: refusal(future) for topic, future in seen.items()}
    assert set(told.values()) <= {"allowed", "TOPIC_AUTHORIZATION_FAILED"}
    refused = {topic for topic in TOPICS if told[topic] != "allowed"}
    consumer.assign([TopicPartition(topic, 0, 0) for topic in TOPICS if topic not in refused])
    read: set[str] = set()
    deadline = time.monotonic() + 30
    while read | refused < set(TOPICS):
        assert time.monotonic() < deadline, f"{user}: neither {set(TOPICS) - read - refused}"
        for message in consumer.consume(100, 0.2):
            error = message.error()
            if error is None:
                read.add(message.topic() or "")
            elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                refused.add(message.topic() or "")
    consumer.close()
    return read, refused


@pytest.fixture(scope="module")
def something_everywhere(kafka: Secured) -> None:
    """A record on partition 0 of each topic, so that who may read finds one."""
    producer = Producer(kafka.client("admin"))
    for topic in TOPICS:
        producer.produce(topic, b"no event", key=b"nobody", partition=0)
    assert producer.flush(30) == 0


@pytest.mark.usefixtures("something_everywhere")
@pytest.mark.parametrize(
    "role", [*roles.SERVICES, roles.CONSOLE, roles.AUDITOR], ids=lambda role: role.name
)
def test_each_may_read_and_write_what_is_its_and_is_refused_all_else(
    kafka: Secured, role: Role
) -> None:
    writes = set(map(topic_of, role.writes))
    reads = set(map(topic_of, role.reads))

    refused = attempt_write(kafka, role.name)
    assert refused == dict.fromkeys(set(TOPICS) - writes, "TOPIC_AUTHORIZATION_FAILED")

    group = role.group() or "daedalus-console"
    assert attempt_read(kafka, role.name, group) == (reads, set(TOPICS) - reads)
    assert may_not_administer(kafka, role.name) == [
        "create: TOPIC_AUTHORIZATION_FAILED",
        "delete: TOPIC_AUTHORIZATION_FAILED",
        "grant: CLUSTER_AUTHORIZATION_FAILED",
    ]
    for other in roles.SERVICES:
        if other is not role:
            assert joining(kafka, role.name, other.group() or "") == "GROUP_AUTHORIZATION_FAILED"


@pytest.mark.usefixtures("something_everywhere")
@pytest.mark.parametrize("user", ["console", "auditor"])
def test_the_page_reads_all_that_it_shows_without_a_group(
    kafka: Secured, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The auditor's, too: a page that can only show."""
    for name, value in kafka.settings("DAEDALUS", user).items():
        monkeypatch.setenv(name, value)
    live, back = Live(), timedelta(hours=1)
    reader = Reader(live, Address(kafka.bootstrap, "a test"), sources(back, 1_000))

    reader.start()
    try:
        deadline = time.monotonic() + 30
        while live.standing().reading:  # until the end of each partition
            assert time.monotonic() < deadline, live.standing()
            time.sleep(0.1)
    finally:
        reader.stop()

    assert live.standing().kafka.connected
    assert live.standing().unreadable >= len(sources(back, 1_000))


def may_not_administer(kafka: Secured, user: str) -> list[str]:
    admin = AdminClient({**kafka.client(user), "log_level": 0})
    all_mine = AclBinding(
        ResourceType.TOPIC,
        "daedalus.",
        ResourcePatternType.PREFIXED,
        f"User:{user}",
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )
    attempts: dict[str, Any] = {
        "create": admin.create_topics([NewTopic("daedalus.more", 1, 1)])["daedalus.more"],
        "delete": admin.delete_topics(["daedalus.control"])["daedalus.control"],
        "grant": admin.create_acls([all_mine])[all_mine],
    }
    return [f"{what}: {refusal(future)}" for what, future in attempts.items()]


def joining(kafka: Secured, user: str, group: str) -> str:
    admin = AdminClient({**kafka.client(user), "log_level": 0})
    return refusal(admin.describe_consumer_groups([group], request_timeout=10)[group])


def refusal(future: Any) -> str:
    try:
        future.result(20)
    except KafkaException as error:
        return str(error.args[0].name())
    return "allowed"


# -- the loop, with a principal a service --------------------------------------------------------


def test_the_loop_runs_with_a_principal_a_service_and_no_secret_shows(
    kafka: Secured, tmp_path: Path
) -> None:
    daedalus(kafka, "admin", "topics", "acls", "--apply", "--only", "simulator")
    stages = [role.name for role in roles.SERVICES]
    services = [service(kafka, stage, stage, tmp_path) for stage in stages]
    played = service(kafka, "simulator", "simulator", tmp_path, JOBS="1", SPEED="20")
    tap = kafka.broker.tap(Decision, Forecast, Knowledge, strict=False)
    kinds = {"AnalyzerState", "ForecasterState", "PlannerState"}

    def all_came() -> bool:
        found = [each.event for each in tap.found]
        known = {event.kind for event in found if isinstance(event, Knowledge)}
        capable = any(isinstance(event, Decision) and event.candidates for event in found)
        return capable and kinds <= known and any(isinstance(event, Forecast) for event in found)

    with running(*services, played):
        where = {each.name: address(each) for each in [*services, played]}
        for place in where.values():
            until(f"{place}/readyz", 200)
        assert tap.until(all_came, 300), "\n".join(each.tail(5) for each in [*services, played])

        daedalus(kafka, "console", "pause", "sim-0000", "--until", "1h", "--why", "a test")
        assert "sim-0000" in daedalus(kafka, "auditor", "jobs").stdout
        tapped = daedalus(kafka, "auditor", "tap", "decisions", "--json").stdout
        refused = daedalus(
            *(kafka, "auditor", "pause", "sim-0000", "--until", "1h", "--why", "x"), code=1
        )
        assert "Topic authorization failed" in refused.stderr
        snapshots = tmp_path / "knowledge.jsonl"
        daedalus(kafka, "auditor", "knowledge", "export", str(snapshots))
        busy = daedalus(kafka, "admin", "knowledge", "import", str(snapshots), code=1).stderr
        assert "services are running (daedalus-analyzer-analyzer, daedalus-executor-exec" in busy
        told = [
            get(f"{place}/{page}")[1] for place in where.values() for page in ("metrics", "readyz")
        ]
        for each in services:
            each.signal(signal.SIGTERM)
        assert all(each.terminate() < 20 for each in services)
    tap.close()

    logs = [each.log.read_text() for each in [*services, played]]
    for text in [*logs, *told, tapped, everything_on(kafka)]:
        assert "hush-" not in text, "a password shows"
    for each in [*services, played]:
        assert "not authorised" not in each.log.read_text(), each.tail()
    restored_is_what_was_exported(kafka, snapshots, tmp_path)


def restored_is_what_was_exported(kafka: Secured, snapshots: Path, folder: Path) -> None:
    """Lose all knowledge, import it, and have a service take it up."""
    exported = {
        known.key: known
        for known in map(Knowledge.model_validate_json, snapshots.read_text().splitlines())
    }
    assert {known.kind for known in exported.values()} >= {"AnalyzerState", "PlannerState"}
    assert stat.S_IMODE(snapshots.stat().st_mode) == 0o600
    until_nobody_runs(kafka, snapshots)
    told = daedalus(kafka, "admin", "knowledge", "import", str(snapshots)).stdout
    assert "wrote 0 snapshots" in told, "what is known stays"
    assert "--overwrite replaces them" in told

    lost = Producer(kafka.client("admin"))
    for key in exported:
        lost.produce(topic_of(Knowledge), None, key.encode(), partition_of(key, PARTITIONS))
    assert lost.flush(20) == 0
    for _ in range(2):  # the second time above what is there
        daedalus(kafka, "admin", "knowledge", "import", str(snapshots), "--overwrite")
    tap = kafka.broker.tap(Knowledge, strict=False)
    written = len(exported) * 2
    assert tap.read_all()
    assert len(tap.found) > written
    last = {each.event.key: each.event for each in tap.found}
    tap.close()
    for key, known in exported.items():
        found = last[key]
        assert isinstance(found, Knowledge)
        assert (found.state, found.covers) == (known.state, {})
        assert found.epoch > known.epoch

    refused = daedalus(
        *(kafka, "console", "knowledge", "import", str(snapshots), "--overwrite"), code=1
    )
    assert "Topic authorization failed" in refused.stderr

    again = service(kafka, "analyzer", "analyzer", folder)
    before = again.log.read_text().count("restored 1 jobs")
    with running(again):
        assert again.until_logged("restored 1 jobs", times=before + 1), again.tail()


def until_nobody_runs(kafka: Secured, snapshots: Path) -> None:
    """Wait for the sessions of killed services to end."""
    deadline = time.monotonic() + 300
    settings = kafka.settings("DAEDALUS", "admin")
    arguments = ["knowledge", "import", str(snapshots)]
    while CliRunner().invoke(build(), arguments, env=settings).exit_code != 0:
        assert time.monotonic() < deadline, "they still count as running"
        time.sleep(1)


def everything_on(kafka: Secured) -> str:
    """Return all keys, values and headers of all topics."""
    consumer = Consumer({**kafka.client("admin"), "group.id": "grep", "enable.partition.eof": True})
    places = [TopicPartition(topic, each, 0) for topic in TOPICS for each in range(PARTITIONS)]
    consumer.assign(places)
    found: list[str] = []
    ended = 0
    while ended < len(places):
        for message in consumer.consume(500, 0.5):
            if message.error() is not None:
                ended += 1
                continue
            parts = (message.key(), message.value(), message.headers())
            found.append(" ".join(str(part) for part in parts if part))
    consumer.close()
    assert len(found) > 30, "there is something to look through"
    return "\n".join(found)


# -- the brokers of a job's input ------------------------------------------------------------------

JOB = """
job: shop
engine: {{kind: flink, rest: "http://jm:8081"}}
input: {{bootstrap: "{bootstrap}", topics: [orders], group: shop}}
workers: {{kind: none}}
scale: {{max: 4}}
"""


async def test_the_monitor_sees_a_jobs_offsets_by_credentials_of_its_own_and_no_records(
    kafka: Secured, tmp_path: Path
) -> None:
    admin = kafka.admin()
    admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result(20)
    job = tmp_path / "shop.yaml"
    job.write_text(JOB.format(bootstrap=kafka.bootstrap))
    (tmp_path / "secrets").mkdir()
    lines = [f"{name}={value}" for name, value in kafka.client("monitor").items()]
    (tmp_path / "secrets" / "kafka").write_text("\n".join([f"at={kafka.bootstrap}", *lines[1:]]))
    brokers = Brokers(read_credentials(tmp_path / "secrets", "MONITOR_CREDENTIALS"))
    offsets = KafkaOffsets(brokers, read_spec(job.read_text()).input, patience=30.0)

    with pytest.raises(SourceError, match=r"topic orders: .*Topic authorization failed"):
        await offsets.look()

    daedalus(kafka, "admin", "topics", "acls", "--apply", "--only", "monitor", "-f", str(job))
    producer = Producer(kafka.client("admin"))
    producer.produce("orders", b"one")
    assert producer.flush(20) == 0
    found = await offsets.look()
    assert found.ends == {("orders", 0): 1}
    assert found.committed == {("orders", 0): None}

    somebody = read_spec(job.read_text().replace("group: shop", "group: else")).input
    found = await KafkaOffsets(brokers, somebody, patience=30.0).look()
    assert isinstance(found.committed, Unknown)
    assert "group else: Broker: Group authorization failed" in found.committed.why

    consumer = Consumer({**kafka.client("monitor"), "group.id": "daedalus-monitor-monitor"})
    consumer.assign([TopicPartition("orders", 0, 0)])
    message = consumer.poll(60)
    consumer.close()
    assert message is not None
    error = message.error()
    assert error is not None
    assert error.name() == "TOPIC_AUTHORIZATION_FAILED"


# -- who is not let in, and is told why ------------------------------------------------------------


def test_a_service_without_rights_says_which_and_is_ready_once_it_has_them(
    kafka: Secured, tmp_path: Path
) -> None:
    port = str(free_port())  # the same after a restart
    mine = service(
        *(kafka, "forecaster", "my-forecaster", tmp_path), INSTANCE="mine", HTTP_PORT=port
    )
    rights = (
        *("topics", "acls", "--apply", "--only", "forecaster"),
        *("--principal", "forecaster=User:my-forecaster", "--instance", "forecaster=mine"),
    )
    with running(mine):
        where = address(mine)
        told = until(f"{where}/readyz", 503, "not authorised to see ")
        for topic in ("control", "dead-letters", "forecasts", "knowledge", "metrics"):
            assert f"daedalus.{topic}" in told
        assert "(as the user my-forecaster)" in told
        assert get(f"{where}/healthz")[0] == 200

        daedalus(kafka, "admin", *rights)
        until(f"{where}/readyz", 200)
        again = json.loads(daedalus(kafka, "admin", *rights, "--json").stdout)
        assert (again["granted"], again["foreign"], again["unchanged"]) == ([], [], 7)

        take_away(kafka, "my-forecaster", "daedalus.forecasts")
        # It is not ready, or ends at a forecast that is refused; started again it waits.
        lost = "not authorised to see daedalus.forecasts (as the user my-forecaster)"
        deadline = time.monotonic() + 300
        while (found := answer(f"{where}/readyz")) != (503, f"{lost}\n"):
            assert time.monotonic() < deadline, f"{found}: {mine.tail()}"
            mine.tend()
            time.sleep(0.5)
        if mine.crashes:
            assert "not authorised to write daedalus.forecasts" in mine.log.read_text()
    shown = daedalus(kafka, "admin", *rights[:3], "--only", "monitor", *rights[5:7], code=2)
    assert "forecaster: named, and not among --only" in shown.stderr


def answer(url: str) -> tuple[int, str] | None:
    try:
        return get(url)
    except OSError:
        return None


def take_away(kafka: Secured, user: str, topic: str) -> None:
    rights = AclBindingFilter(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        f"User:{user}",
        None,  # type: ignore[arg-type]  # from anywhere
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    admin = kafka.admin()
    [future] = admin.delete_acls([rights]).values()
    assert future.result(20)


def test_more_rights_than_needed_are_told_and_pruned(kafka: Secured) -> None:
    only = ("topics", "acls", "--apply", "--principal", "planner=User:nobody", "--only", "planner")
    daedalus(kafka, "admin", *only, "--instance", "planner=one", "--instance", "planner=two")

    told = daedalus(kafka, "admin", *only, "--instance", "planner=one").stdout
    assert "beyond  User:nobody: read group daedalus-planner-two" in told
    assert "0 granted" in told
    told = daedalus(kafka, "admin", *only, "--instance", "planner=one", "--prune").stdout
    assert "removed User:nobody: read group daedalus-planner-two" in told
    assert "beyond" not in daedalus(kafka, "admin", *only, "--instance", "planner=one").stdout

    refused = daedalus(kafka, "nobody", *only, code=1).stderr
    assert "may not see or change ACLs" in refused


def test_a_service_with_a_wrong_password_waits_says_so_and_takes_the_right_one(
    kafka: Secured, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("hush-wrong")
    waiting = service(kafka, "monitor", "monitor", tmp_path, PASSWORD_FILE=str(file))
    with running(waiting):
        where = address(waiting)
        told = until(f"{where}/readyz", 503, "MONITOR_PASSWORD_FILE")
        assert told == (
            "Kafka refuses the user 'monitor': MONITOR_USERNAME or the content of "
            "MONITOR_PASSWORD_FILE is wrong, or there is no such user\n"
        )
        file.write_text(kafka.passwords["monitor"])
        until(f"{where}/readyz", 200)
    assert "hush-" not in waiting.log.read_text()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"PASSWORD_FILE": "wrong.password"},
            "Kafka refuses the user 'auditor': DAEDALUS_USERNAME or the content of "
            "DAEDALUS_PASSWORD_FILE is wrong",
            id="wrong password",
        ),
        pytest.param(
            {"CA_FILE": "other/ca.pem"},
            "Kafka's certificate is refused: .* \\(DAEDALUS_CA_FILE: .*/other/ca.pem\\)",
            id="wrong authority",
        ),
        pytest.param(
            {"CA_FILE": ""},
            "Kafka's certificate is refused: self-signed certificate in certificate chain|"
            "Kafka's certificate is refused: unable to get local issuer certificate",
            id="an authority that the system does not know",
        ),
        pytest.param(
            {"BOOTSTRAP": "EXPIRED"},
            "Kafka's certificate is refused: certificate has expired",
            id="expired",
        ),
        pytest.param(
            {"BOOTSTRAP": "localhost"},
            "Kafka's certificate is refused: Hostname mismatch",
            id="another host's",
        ),
        pytest.param(
            {"BOOTSTRAP": "CLEAR"},
            "Kafka speaks no TLS there: DAEDALUS_SECURITY is sasl_ssl",
            id="no TLS there",
        ),
        pytest.param(
            {"SECURITY": "sasl_plaintext", "CA_FILE": ""},
            "Kafka speaks TLS there: DAEDALUS_SECURITY is sasl_plaintext",
            id="TLS there",
        ),
        pytest.param(
            {"SECURITY": "ssl", "BOOTSTRAP": "MUTUAL", "USERNAME": "", "PASSWORD_FILE": ""},
            "Kafka does not accept the certificate in DAEDALUS_CERTIFICATE_FILE",
            id="no certificate of ours",
        ),
    ],
)
def test_who_is_not_let_in_is_told_which_setting_is_wrong(
    kafka: Secured, tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    Authority(tmp_path / "other")
    (tmp_path / "wrong.password").write_text("hush-wrong")
    places = {
        f"{tmp_path.name}": "",
        **kafka.addresses,
        "localhost": kafka.bootstrap.replace("127.0.0.1", "localhost"),
    }
    settings = kafka.settings("DAEDALUS", "auditor")
    for name, value in changes.items():
        variable = f"DAEDALUS_{name}"
        if not value:
            del settings[variable]
        elif name == "BOOTSTRAP":
            settings[variable] = places[value]
        else:
            settings[variable] = str(tmp_path / value) if name.endswith("FILE") else value
    done = run(settings, "jobs", code=3)

    assert re.search(told, done.stderr), done.stderr
    assert done.stderr.count("\n") == 1


def test_the_command_and_a_service_are_let_in_by_a_certificate_and_in_the_clear_by_scram(
    kafka: Secured, tmp_path: Path
) -> None:
    certificate = str(kafka.authority.issue("certified"))
    by_certificate = {
        "BOOTSTRAP": kafka.addresses["MUTUAL"],
        "SECURITY": "ssl",
        "CA_FILE": str(kafka.authority.file),
        "CERTIFICATE_FILE": certificate,
        "KEY_FILE": certificate,
        "INSTANCE": "one",
    }
    only = ("topics", "acls", "--apply", "--only", "executor", "--instance", "executor=one")
    daedalus(kafka, "admin", *only, "--principal", "executor=User:certified")
    certified = Replica(
        "executor",
        ["-m", "daedalus_executor"],
        {
            f"EXECUTOR_{name}": value
            for name, value in {**by_certificate, "INSTANCE": "one"}.items()
        },
        tmp_path,
    )
    clear = service(
        *(kafka, "monitor", "monitor", tmp_path),
        BOOTSTRAP=kafka.addresses["CLEAR"],
        SECURITY="sasl_plaintext",
    )
    clear._env.pop("MONITOR_CA_FILE")
    with running(certified, clear):
        until(f"{address(certified)}/readyz", 200)
        until(f"{address(clear)}/readyz", 200)
