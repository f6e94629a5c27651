"""What a running service says of itself: ready or why not, metrics, logs; and how it ends."""

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from daedalus_shared.events import Decision, JobMetrics
from daedalus_shared.topics import create_topics
from harness.broker import PARTITIONS, running_broker
from harness.fixtures import need_tools
from harness.http import address, get, until
from harness.replicas import Replica, running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

TESTS = Path(__file__).parents[1]


def counting(bootstrap: str, directory: Path) -> Replica:
    env = {
        "COUNTING_BOOTSTRAP": bootstrap,
        "COUNTING_INSTANCE": "counter",
        "COUNTING_SESSION_TIMEOUT": "3",
        "PYTHONPATH": str(TESTS),
    }
    return Replica("counting", ["-m", "harness.counting"], env, directory)


def shut_out(replica: Replica, where: str) -> bool:
    """Whether a service says which topic it may not read, or has ended."""
    if replica.code is not None:
        return True
    try:
        return "daedalus.metrics" in get(f"{where}/readyz")[1]
    except OSError:  # it is busy, or ends
        return False


def test_from_no_topics_to_ready_to_the_end(tmp_path: Path) -> None:
    need_tools("java", "mvn")
    with running_broker(tmp_path / "kafka", topics=False) as broker:
        replica = counting(broker.bootstrap, tmp_path)
        with running(replica):
            where = address(replica)
            until(f"{where}/readyz", 503, "missing: daedalus.")
            assert get(f"{where}/healthz") == (200, "ok\n"), "it waits, and is not to be restarted"
            assert replica.until_logged("`daedalus topics create` makes them"), replica.tail()
            create_topics(broker.admin, partitions=PARTITIONS)
            until(f"{where}/readyz", 200)
            assert get(f"{where}/healthz") == (200, "ok\n")

            at = datetime(2026, 1, 1, tzinfo=UTC)
            tap = broker.tap(Decision)
            broker.send(JobMetrics(job="ysb", at=at, source="m/m", samples=(), tick=at))
            broker.send_raw("daedalus.metrics", "ysb", b"garbage", {"ce_type": b"?"})
            broker.flush()
            assert tap.until(lambda: bool(tap.found), 300)
            tap.close()
            assert replica.until_logged("dead letter"), replica.tail()
            metrics = get(f"{where}/metrics")[1]
            assert 'daedalus_events_handled_total{topic="daedalus.metrics"} 1.0' in metrics
            assert 'daedalus_dead_letters_total{topic="daedalus.metrics"} 1.0' in metrics

            assert replica.terminate() < 10
            assert replica.code == 0, replica.tail()
    for line in replica.log.read_text().splitlines():
        if line.startswith("{"):
            assert {"at", "level", "service", "logger", "message"} <= json.loads(line).keys()


def test_sigterm_ends_a_service_that_waits_for_kafka(tmp_path: Path) -> None:
    replica = counting("127.0.0.1:1", tmp_path)
    with running(replica):
        assert replica.until_logged("waiting for Kafka at 127.0.0.1:1"), replica.tail()
        replica.signal(signal.SIGTERM)
        assert replica.terminate() < 10
        assert replica.code == 0


def test_a_service_that_may_not_read_is_not_ready_and_says_so(tmp_path: Path) -> None:
    """A principal without the right keeps running in Faust. Ours is not ready, or ends; started
    again it waits, and names the topic."""
    need_tools("java", "mvn")
    authorizer = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
    }
    with running_broker(tmp_path / "kafka", extra=authorizer) as broker:
        replica = counting(broker.bootstrap, tmp_path)
        with running(replica):
            where = address(replica)
            until(f"{where}/readyz", 200)
            someone_else = AclBinding(
                ResourceType.TOPIC,
                "daedalus.metrics",
                ResourcePatternType.LITERAL,
                "User:somebody-else",
                "*",
                AclOperation.READ,
                AclPermissionType.ALLOW,
            )
            for future in broker.admin.create_acls([someone_else]).values():
                future.result(60)
            deadline = time.monotonic() + 300
            while not shut_out(replica, where):
                assert time.monotonic() < deadline, replica.tail()
                time.sleep(0.2)
            replica.kill()
            replica.start()
            told = "waiting for Kafka at {}: not authorised to see daedalus.metrics"
            assert replica.until_logged(told.format(broker.bootstrap)), replica.tail()
