"""A forecaster that breaks in every way: by `FAULTS`, or by `FAULTS_OF` as JSON, job by job."""

import json
import os
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from harness.stand_ins.wire import FAULTS, Declared, Wire, clock, instant, parsed

NAME = os.environ.get("NAME", "standin")
FAULTS_OF: dict[str, str] = json.loads(os.environ.get("FAULTS_OF", "{}"))
ENDS = int(os.environ.get("ENDS", "3"))
"""Ticks of a job after which the fault `stops` is silent."""
LATE = float(os.environ.get("LATE", "8"))
"""Seconds that the fault `late` takes."""


GARBLED = ("nan", "negative", "huge")
"""What the fault `garbled` says in turn."""


class Forecaster:
    """Says that all stays as it is; `broken` says something else."""

    def __init__(self) -> None:
        self._wire = Wire(f"forecaster/{NAME}", "metrics")
        self._declared = Declared()
        self._ticks: dict[str, int] = {}
        self._waiting: list[tuple[Any, dict[str, Any]]] = []

    def run(self) -> None:
        while True:
            for kind, value in self._wire.messages():
                if kind == "metrics" and value.get("tick"):
                    self._tick(value)
            now = clock()
            for due, event in [each for each in self._waiting if each[0] <= now]:
                self._waiting.remove((due, event))
                self._send(event)

    def _tick(self, report: dict[str, Any]) -> None:
        job, tick = report["job"], report["tick"]
        faults = _faults(job)
        rates = [each["workload"] for each in report["samples"] if each["workload"] is not None]
        count = self._ticks[job] = self._ticks.get(job, 0) + 1
        if not rates or "silent" in faults or ("stops" in faults and count > ENDS):
            return
        event = {
            "job": job,
            "at": tick,
            "tick": tick,
            "source": f"forecaster/{NAME}",
            "forecaster": NAME,
            "model": "last",
            "step": 6.0,
            "horizon": 240.0,
            "mean": [rates[-1]] * 40,
        }
        for fault in faults:
            event |= self._broken(fault, event, count)
        if "garbled" in faults:
            event |= self._broken(GARBLED[count % len(GARBLED)], event, count)
        if "late" in faults:
            self._waiting.append((clock() + timedelta(seconds=LATE), event))
        else:
            self._send(event)
        if "twice" in faults:
            self._send({**event, "forecaster": f"{NAME}-2"})
        if "chatty" in faults:
            self._declared.read()
            for other in self._declared.specs:
                self._send({**event, "job": other})

    def _broken(self, fault: str, event: dict[str, Any], count: int) -> dict[str, Any]:
        mean = event["mean"]
        ahead = (parsed(event["tick"]) + timedelta(days=365)).isoformat()
        return {
            "nan": {"mean": [float("nan")] * 40},
            "negative": {"mean": [-1.0] * 40},
            "length": {"mean": mean[:-7]},
            "huge": {"mean": [1e300] * 40},
            "future": {"tick": ahead, "at": event["tick"]},
            "clock": {"tick": clock().isoformat(), "at": clock().isoformat()},
            "drifts": {"mean": [rate + count for rate in mean]},
            "name": {"forecaster": "somebody"},
            "short": {"mean": mean[:2], "horizon": 12.0},
        }.get(fault, {})

    def _send(self, event: dict[str, Any]) -> None:
        identity = f"{event['forecaster']}|{instant(event['tick'])}"
        self._wire.send("forecasts", event, identity, _faults(event["job"]))


def _faults(job: str) -> Collection[str]:
    return FAULTS_OF[job].split() if job in FAULTS_OF else FAULTS


if __name__ == "__main__":
    Forecaster().run()
