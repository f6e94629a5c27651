"""The shell loses nothing and repeats nothing visibly, on a real broker, whenever it is killed."""

import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daedalus_shared.events import Decision, JobMetrics
from harness.broker import Broker, Tap, running_broker
from harness.counting import Count, count
from harness.replicas import Replica, running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

JOBS = [f"job-{number}" for number in range(20)]
START = datetime(2026, 1, 1, tzinfo=UTC)
TESTS = Path(__file__).parents[1]


def counting(name: str, broker: Broker, directory: Path, **env: str) -> Replica:
    environment = {
        "COUNTING_BOOTSTRAP": broker.bootstrap,
        "COUNTING_INSTANCE": "counter",
        "COUNTING_SESSION_TIMEOUT": "3",
        "PYTHONPATH": str(TESTS),
        **env,
    }
    return Replica(name, ["-m", "harness.counting"], environment, directory)


class Feed:
    """Sends numbered reports, and knows what must come of them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._counts: dict[str, Count] = defaultdict(Count)
        self.expected: dict[tuple[str, str], str] = {}

    def send(self, rng: random.Random) -> None:
        job = rng.choice(JOBS)
        at = START + timedelta(seconds=self._counts[job].count + 1)
        report = JobMetrics(job=job, at=at, source="monitor/feed", samples=())
        self._counts[job] = count(self._counts[job], report)
        self.expected[job, at.isoformat()] = f"{self._counts[job].count} {self._counts[job].digest}"
        self._broker.send(report)


def verdicts(tap: Tap) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in tap.found:
        if isinstance(each.event, Decision):
            found[each.event.job, each.event.tick.isoformat()].add(each.event.sentence)
    return found


def assert_nothing_lost_and_nothing_wrong(feed: Feed, tap: Tap, replicas: list[Replica]) -> None:
    tails = "\n".join(f"--- {each.name}\n{each.tail()}" for each in replicas)
    tap.until(lambda: len(verdicts(tap)) >= len(feed.expected), timeout=300)
    found = verdicts(tap)
    lost = feed.expected.keys() - found.keys()
    wrong = {
        at: (found[at], wanted) for at, wanted in feed.expected.items() if found[at] - {wanted}
    }
    again = len(tap.found) - len(found)
    print(f"{len(feed.expected)} messages, {len(lost)} lost, {len(wrong)} wrong, {again} repeated")
    assert not lost, f"lost: {sorted(lost)[:5]}\n{tails}"
    assert not wrong, f"wrong: {dict(list(wrong.items())[:5])}\n{tails}"


@pytest.mark.parametrize("replica_count", [1, 2])
def test_sigkill_at_random_instants(
    replica_count: int, broker: Broker, tmp_path: Path, kills: int, rng: random.Random
) -> None:
    replicas = [counting(f"counting-{each}", broker, tmp_path) for each in range(replica_count)]
    feed, tap = Feed(broker), broker.tap(Decision)
    with running(*replicas):
        for _ in range(kills // 2):  # half of them with each number of replicas
            next_kill = time.monotonic() + rng.uniform(0.5, 6.0)
            while time.monotonic() < next_kill:
                feed.send(rng)
                time.sleep(0.005)
                tap.poll()
                for replica in replicas:
                    replica.tend()
            victim = rng.choice(replicas)
            if rng.random() < 0.15:
                assert victim.terminate() < 10, "SIGTERM must be obeyed within 10 s"
            else:
                victim.kill()
            victim.start()
        broker.flush()
        assert_nothing_lost_and_nothing_wrong(feed, tap, replicas)
    tap.close()


def test_sigkill_with_a_message_in_hand(
    broker: Broker, tmp_path: Path, kills: int, rng: random.Random
) -> None:
    """Each message takes longer than half the time between two commits: an acknowledgement ahead
    of its results would be committed, and the message lost."""
    replica = counting("slow", broker, tmp_path, SECONDS_A_MESSAGE="0.3")
    feed, tap = Feed(broker), broker.tap(Decision)
    with running(replica):
        for number in range(1, kills // 2 + 1):
            assert replica.until_logged("restored", times=number), replica.tail()
            for _ in range(8):
                feed.send(rng)
            broker.flush()
            time.sleep(rng.uniform(0.6, 2.0))
            replica.kill()
            replica.start()
        assert_nothing_lost_and_nothing_wrong(feed, tap, [replica])
    tap.close()


def test_a_second_replica_joins_while_the_first_messages_arrive(
    tmp_path: Path, rounds: int, rng: random.Random
) -> None:
    """A loss that needs no kill: without commits, the seek left stale fetch positions."""
    for number in range(rounds):
        directory = tmp_path / str(number)
        with running_broker(directory / "kafka") as fresh:
            feed, tap = Feed(fresh), fresh.tap(Decision)
            first, second = (counting(name, fresh, directory) for name in ("first", "second"))
            with running(first):
                assert first.until_logged("restored"), first.tail()
                with running(second):
                    time.sleep(rng.uniform(1.2, 3.0))
                    for _ in range(400):
                        feed.send(rng)
                        time.sleep(0.005)
                    fresh.flush()
                    assert_nothing_lost_and_nothing_wrong(feed, tap, [first, second])
            tap.close()


def test_the_broker_is_killed_and_comes_back(
    broker: Broker, tmp_path: Path, rng: random.Random
) -> None:
    replica = counting("counting", broker, tmp_path)
    feed, tap = Feed(broker), broker.tap(Decision)
    with running(replica):
        for second in range(12):
            for _ in range(40):
                feed.send(rng)
                replica.tend()
            if second == 4:
                broker.flush()
                broker.server.kill()
                broker.server.start()
            time.sleep(0.5)
        broker.flush()
        assert_nothing_lost_and_nothing_wrong(feed, tap, [replica])
    tap.close()


def test_a_bug_ends_the_worker_and_keeps_its_message(
    broker: Broker, tmp_path: Path, rng: random.Random
) -> None:
    """The worker exits 1 with the message unacknowledged; mended, it handles that very message."""
    broken = counting("broken", broker, tmp_path, FAIL_ON="job-3")
    feed, tap = Feed(broker), broker.tap(Decision)
    with running(broken):
        for _ in range(200):
            feed.send(rng)
        broker.flush()
        deadline = time.monotonic() + 300
        while broken.crashes == 0 and time.monotonic() < deadline:
            broken.tend()
            time.sleep(0.1)
        assert broken.crashes, broken.tail()
    mended = counting("mended", broker, tmp_path)
    with running(mended):
        assert_nothing_lost_and_nothing_wrong(feed, tap, [mended])
    tap.close()
