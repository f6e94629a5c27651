"""A forecaster that breaks in every way: `FAULT`, or `FAULTS` as JSON from job to fault."""

import json
import os
from datetime import timedelta
from typing import Any

from harness.stand_ins.wire import FAULT, Declared, Wire, clock, instant, parsed, pause

NAME = os.environ.get("NAME", "standin")
FAULTS: dict[str, str] = json.loads(os.environ.get("FAULTS", "{}"))
ENDS = int(os.environ.get("ENDS", "3"))
"""Ticks of a job after which the fault `stops` is silent."""
LATE = float(os.environ.get("LATE", "8"))
"""Seconds that the fault `late` takes."""


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
        fault = FAULTS.get(job, FAULT)
        rates = [each["workload"] for each in report["samples"] if each["workload"] is not None]
        count = self._ticks[job] = self._ticks.get(job, 0) + 1
        if not rates or fault == "silent" or (fault == "stops" and count > ENDS):
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
        event |= self._broken(fault, event, count)
        if fault == "late":
            self._waiting.append((clock() + timedelta(seconds=LATE), event))
        else:
            self._send(event)
        if fault == "twice":
            self._send({**event, "forecaster": f"{NAME}-2"})
        if fault == "chatty":
            self._declared.read()
            for other in self._declared.specs:
                self._send({**event, "job": other})
        if fault == "blocks":
            pause(LATE)

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
        self._wire.send("forecasts", event, identity, fault=FAULTS.get(event["job"]))


if __name__ == "__main__":
    Forecaster().run()
