"""Sends records to a Kafka topic at the rate of a trace or a shape, until it ends or SIGTERM."""

import itertools
import json
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from confluent_kafka import KafkaException, Producer

from daedalus_local.errors import StackError
from daedalus_local.load import records, shapes, traces
from daedalus_local.load.player import Player, Score, shares

TICK = 0.05
"""Seconds between two batches, and so the resolution of event times."""

REPORT = 10.0
"""Seconds between two lines of progress."""


class Sender:
    """Sends records of one kind evenly over the partitions of a topic."""

    def __init__(self, bootstrap: str, topic: str, kind: str, seed: int) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "linger.ms": 20,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 262_144,
                "acks": 1,
            }
        )
        self._topic = topic
        self._partitions = _partitions(self._producer, topic)
        self._records = itertools.cycle(records.prefixes(kind, seed))
        self._first = 0
        self.refused = 0
        """Records that found the queue full: the broker has been away for long."""

    def send(self, count: int, milliseconds: int) -> None:
        """Send `count` records that happened at this Unix time in milliseconds."""
        end = records.stamp(milliseconds)
        for partition, size in shares(count, self._partitions, self._first):
            for prefix in itertools.islice(self._records, size):
                try:
                    self._producer.produce(self._topic, prefix + end, partition=partition)
                except BufferError:
                    self.refused += 1
        self._first = (self._first + count) % self._partitions
        self._producer.poll(0)

    def flush(self, timeout: float) -> int:
        """Wait up to `timeout` seconds for the broker; return how many records it lacks."""
        return self._producer.flush(timeout)


def play(score: Score, sender: Sender, stopped: threading.Event) -> None:
    """Send until the score ends or `stopped` is set."""
    player = Player(score)
    start = time.monotonic()
    sent, next_report = 0, REPORT
    while not stopped.is_set():
        elapsed = time.monotonic() - start
        count = player.due(elapsed)
        sender.send(count, time.time_ns() // 1_000_000)
        sent += count
        if elapsed >= next_report or elapsed >= score.length:
            _say(elapsed, sent, score.rate(elapsed), player.skipped + sender.refused)
            next_report += REPORT
        if elapsed >= score.length:
            break
        stopped.wait(max(0.0, TICK - (time.monotonic() - start - elapsed)))


def main(
    bootstrap: Annotated[str, typer.Option(help="Kafka broker.")] = "localhost:9092",
    topic: Annotated[str, typer.Option(help="Topic to send to; it must exist.")] = "ad-events",
    kind: Annotated[str, typer.Option(help=f"Records of: {', '.join(records.KINDS)}.")] = "ysb",
    trace: Annotated[Path | None, typer.Option(help="CSV with rows second|count.")] = None,
    shape: Annotated[
        str, typer.Option(help=f"Without a trace: {', '.join(shapes.SHAPES)}.")
    ] = "rise-and-fall",
    minutes: Annotated[float, typer.Option(help="Length of the shape, job's time.")] = 80.0,
    low: Annotated[float, typer.Option(help="Lowest rate of the shape / peak.")] = 0.15,
    noise: Annotated[float, typer.Option(help="Noise of the shape / rate.")] = 0.03,
    seed: Annotated[int, typer.Option(help="Seed of the noise and the records.")] = 1,
    speed: Annotated[float, typer.Option(help="Job's seconds per second.")] = 1.0,
    peak: Annotated[float | None, typer.Option(help="Highest records/s; scales all.")] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Start again at the end.")] = False,
) -> None:
    """Play a workload to a Kafka topic.

    Example: python -m daedalus_local.load --trace rates.csv --speed 10 --peak 6000
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        _known("--kind", kind, records.KINDS)
        form = shapes.Shape(minutes=minutes, seed=seed, noise=noise, low=low)
        score = Score(_rates(trace, shape, form, peak), _positive("--speed", speed))
        sender = Sender(bootstrap, topic, kind, seed)
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    play(score, sender, stopped)
    while repeat and not stopped.is_set():
        play(score, sender, stopped)
    missing = sender.flush(5.0)
    if missing:
        typer.echo(f"{missing} records were not taken by {bootstrap} within 5 s", err=True)
        raise typer.Exit(1)


def _rates(
    trace: Path | None, shape: str, form: shapes.Shape, peak: float | None
) -> Sequence[float]:
    highest = None if peak is None else _positive("--peak", peak)
    if trace is not None:
        return traces.scaled(traces.read(trace), highest)
    _known("--shape", shape, shapes.SHAPES)
    if highest is None:
        raise StackError("--peak is needed with --shape: the highest records/s")
    _positive("--minutes", form.minutes)
    return [share * highest for share in shapes.SHAPES[shape](form)]


def _known(name: str, value: str, values: Iterable[str]) -> None:
    if value not in values:
        raise StackError(f"{name} {value}: must be one of {', '.join(values)}")


def _positive(name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise StackError(f"{name} {value}: must be more than 0")
    return value


def _partitions(producer: Producer, topic: str) -> int:
    try:
        found = producer.list_topics(topic, timeout=30.0).topics[topic]
    except KafkaException as error:
        raise StackError(f"Kafka does not answer: {error.args[0].str()}") from error
    if found.error is not None:
        raise StackError(f"topic {topic}: {found.error.str()}")
    return len(found.partitions)


def _say(elapsed: float, sent: int, rate: float, lost: float) -> None:
    line = {"elapsed": round(elapsed, 1), "sent": sent, "rate": round(rate), "lost": round(lost)}
    typer.echo(json.dumps(line))


if __name__ == "__main__":
    typer.run(main)
