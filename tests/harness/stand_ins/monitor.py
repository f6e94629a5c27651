"""A monitor of Flink jobs whose workload is what their input topics grow by."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any
from zlib import crc32

from confluent_kafka import Consumer, KafkaException, TopicPartition

from harness.stand_ins import flink
from harness.stand_ins.wire import FAULTS, Declared, Wire, clock, pause

AT_ONCE = 16
"""Jobs that are looked at side by side: one whose engine or input is gone keeps the others up."""

SOURCE = f"monitor/{os.environ.get('NAME', 'standin')}"


class Monitor:
    """Looks at each job once a `sample`, and reports on the grid of its ticks."""

    def __init__(self) -> None:
        self._wire = Wire(SOURCE, "dead-letters")  # nothing that it reads
        self._declared = Declared()
        self._jobs: dict[str, Watched] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def run(self) -> None:
        while True:
            self._declared.read()
            for job, spec in self._declared.specs.items():
                if job not in self._jobs:
                    self._jobs[job] = Watched(spec)
            if "remembers" not in FAULTS:
                self._jobs = {job: self._jobs[job] for job in self._declared.specs}
            looks = self._pool.map(Watched.look, self._jobs.values(), repeat(clock()))
            for found in looks:
                for report in found:
                    self._wire.send("metrics", report, _isoformat(report["at"]))
            list(self._wire.messages(0.0))
            pause(0.02)


class Watched:
    """One job."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._input = Input(spec["input"])
        self._samples: list[dict[str, Any]] = []
        self._due = self._next("sample", clock())

    def look(self, now: datetime) -> list[dict[str, Any]]:
        """Return the report that is due, if one is."""
        if now < self._due:
            return []
        at, policy = self._due, self._spec["policy"]
        self._due = self._next("sample", at)
        self._samples.append(self._sample(at))
        tick = self._next("loop", at - timedelta(milliseconds=500)) == at
        if not tick and self._next("report", at - timedelta(milliseconds=500)) != at:
            return []
        samples, self._samples = self._samples, []
        closes = tick or ("eager" in FAULTS and policy["loop"] > 0)
        return [
            {
                "job": self._spec["job"],
                "at": at.isoformat(),
                "source": SOURCE,
                "samples": samples,
                "input_partitions": self._input.partitions,
                "max_parallelism": 128,
                "checkpoint_interval": 1.0,
                "tick": at.isoformat() if closes else None,
            }
        ]

    def _sample(self, at: datetime) -> dict[str, Any]:
        found = flink.parallelism(self._spec["engine"]["rest"], self._spec["job"])
        workload = self._input.rate(at)
        if "zero" in FAULTS and found is None:
            found = 0
        known = {"scale_out": found, "workload": workload, "lag": 0.0, "latency": None}
        known |= {"uptime": 600.0}
        why = (
            {} if "unsaid" in FAULTS else {name: "unseen" for name in known if known[name] is None}
        )
        share = (workload or 0.0) / (found or 1)
        workers = [
            {"id": f"w{number}", "cpu": min(1.0, 0.05 + share / 100), "throughput": share}
            for number in range(found or 0)
        ]
        return {"at": at.isoformat(), **known, "workers": workers, "unknown": why}

    def _next(self, interval: str, after: datetime) -> datetime:
        """Return the next instant of a grid that is shifted by the job's name."""
        length = self._spec["policy"][interval]
        shift = crc32(self._spec["job"].encode()) % max(1, round(length * 1000)) / 1000
        passed = after.timestamp() - shift
        count = math.floor((passed + 0.001) / length) + 1
        begin = datetime(1970, 1, 1, tzinfo=after.tzinfo)
        return begin + timedelta(seconds=round(count * length + shift, 3))


class Input:
    """The end offsets of a job's input topics, at two instants."""

    def __init__(self, told: dict[str, Any]) -> None:
        own = {"bootstrap.servers": told["bootstrap"], "group.id": "looker"}
        self._consumer = Consumer(own)
        self._topic = told["topics"][0]
        self._last: tuple[datetime, int] | None = None
        self.partitions: int | None = None

    def rate(self, at: datetime) -> float | None:
        """Return the records/s since the last look; None at the first."""
        try:
            found = self._consumer.list_topics(self._topic, 2).topics[self._topic].partitions
            places = [TopicPartition(self._topic, each) for each in found]
            ends = [self._consumer.get_watermark_offsets(place, 2)[1] for place in places]
        except KafkaException:
            return None
        self.partitions = len(places)
        before, self._last = self._last, (at, sum(ends))
        if before is None:
            return None
        return max(0.0, (sum(ends) - before[1]) / (at - before[0]).total_seconds())


def _isoformat(text: str) -> str:
    return datetime.fromisoformat(text).isoformat()


if __name__ == "__main__":
    Monitor().run()
