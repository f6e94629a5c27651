"""An analyzer that takes each worker for able to process the same, told by CPU."""

import os
from typing import Any

from harness.stand_ins.wire import FAULTS, Declared, Wire, instant, parsed

SOURCE = f"analyzer/{os.environ.get('NAME', 'standin')}"


class Analyzer:
    """One capacity update a tick, from the report that closes it: there is no state to keep."""

    def __init__(self) -> None:
        self._wire = Wire(SOURCE, "metrics")
        self._declared = Declared()

    def run(self) -> None:
        self._wire.serve(self._handle)

    def _handle(self, kind: str, value: dict[str, Any]) -> None:
        self._declared.read()
        spec = self._declared.specs.get(value["job"])
        if "chatty" in FAULTS:
            spec = spec or {"scale": {"min": 1, "max": 8}, "policy": {"loop": 6.0}}
        if kind == "metrics" and value.get("tick") and spec:
            self._tick(value, spec, value["samples"])

    def _tick(
        self, report: dict[str, Any], spec: dict[str, Any], samples: list[dict[str, Any]]
    ) -> None:
        known = [each["workload"] for each in samples if each["workload"] is not None]
        last = samples[-1] if samples else {}
        each = _of_one(last)
        now = last.get("scale_out")
        sizes = range(spec["scale"]["min"], spec["scale"]["max"] + 1)
        if "table" in FAULTS:
            sizes = range(spec["scale"]["min"], spec["scale"]["max"])
        table = [{"scale_out": q, "capacity": each * q, "basis": "estimated"} for q in sizes]
        mean = sum(known) / len(known) if known else None
        workload = {
            "mean": mean,
            "minimum": min(known, default=0),
            "maximum": max(known, default=0),
        }
        tick = report["tick"]
        event = {
            "job": report["job"],
            "at": tick,
            "tick": tick,
            "source": SOURCE,
            "loop": _loop(tick, spec["policy"]["loop"]) if "loop" not in FAULTS else 1,
            "scale_out": now,
            "capacity": each * now if each and now else None,
            "table": table if each else [],
            "workload": {**workload, "level": mean, "slope": 0.0} if known else None,
            "lag": -1.0 if "negative" in FAULTS else last.get("lag"),
            "uptime": last.get("uptime"),
            "checkpoint_interval": report.get("checkpoint_interval"),
            "input_partitions": report.get("input_partitions"),
            "max_parallelism": report.get("max_parallelism"),
            "downtime_up": {"mean": 3.0, "spread": 0.0, "seen": 0},
            "downtime_down": {"mean": 2.0, "spread": 0.0, "seen": 0},
            "why_unknown": None if each else "no worker told its CPU",
        }
        self._wire.send("capacity-updates", event, instant(tick))


def _of_one(sample: dict[str, Any]) -> float:
    """Return what one worker would process at full CPU, records/s; 0 when unknown."""
    rates = [
        worker["throughput"] / worker["cpu"]
        for worker in sample.get("workers", [])
        if worker.get("cpu") and worker.get("throughput")
    ]
    return sum(rates) / len(rates) if rates else 0.0


def _loop(tick: str, loop: float) -> int:
    """Return a number that rises by one from tick to tick, and needs no memory."""
    return int(parsed(tick).timestamp() // loop)


if __name__ == "__main__":
    Analyzer().run()
