"""A planner: the fewest workers that carry the load with a fifth to spare."""

import math
import os
from datetime import timedelta
from typing import Any

from harness.stand_ins.wire import FAULTS, Declared, Wire, event_id, instant, parsed

NAME = os.environ.get("NAME", "standin")
SOURCE = f"planner/{NAME}"

Tick = tuple[str, str]


class Planner:
    """Decides when all is there, or when metrics have passed the tick by the grace.

    It looks at the last outcome for the generation, and commands nothing while one is awaited. It
    keeps no state over a restart but what it reads again.
    """

    def __init__(self) -> None:
        self._wire = Wire(SOURCE, "metrics", "capacity-updates", "forecasts", "scale-outcomes")
        self._declared = Declared()
        self._open: dict[Tick, dict[str, Any]] = {}
        self._decided: dict[str, str] = {}
        self._awaited: dict[str, str] = {}
        self._generation: dict[str, int] = {}

    def run(self) -> None:
        self._wire.serve(self._handle)

    def _handle(self, kind: str, value: dict[str, Any]) -> None:
        self._declared.read()
        job = value["job"]
        spec = self._declared.specs.get(job)
        if kind == "scale-outcomes":
            self._generation[job] = value["generation"]
            if self._awaited.get(job) == value["command"]:
                del self._awaited[job]
        elif spec and value.get("tick"):
            tick = instant(value["tick"])
            if tick <= self._decided.get(job, ""):
                return
            if kind != "forecasts" or value["forecaster"] == spec["policy"]["forecaster"]:
                self._open.setdefault((job, tick), {})[kind] = value
        if spec and kind == "metrics":
            self._decide_late(job, spec, instant(value["at"]))
        if spec:
            self._decide_complete(job, spec)

    def _decide_complete(self, job: str, spec: dict[str, Any]) -> None:
        for place in sorted(place for place in self._open if place[0] == job):
            if len(self._open[place]) < 3:
                return
            self._decide(place, spec)

    def _decide_late(self, job: str, spec: dict[str, Any], now: str) -> None:
        if "waits" in FAULTS:
            return
        limit = parsed(now) - timedelta(seconds=spec["policy"]["forecast_grace"])
        for place in sorted(place for place in self._open if place[0] == job):
            if parsed(place[1]) <= limit and "metrics" in self._open[place]:
                self._decide(place, spec)

    def _decide(self, place: Tick, spec: dict[str, Any]) -> None:
        job, tick = place
        seen = self._open.pop(place)
        self._decided[job] = tick
        update, forecast = seen.get("capacity-updates"), seen.get("forecasts")
        present = update["scale_out"] if update else _last(seen["metrics"])
        wanted = _wanted(update, forecast, spec) or present
        mine = spec["policy"]["planner"] == NAME
        missing = {"analyzer_missing": update, "forecast_missing": forecast}
        event = {
            "job": job,
            "at": tick,
            "tick": tick,
            "source": SOURCE,
            "planner": NAME,
            "scale_out": present,
            "chosen": wanted,
            "reason": "stay" if wanted == present else "load",
            "sentence": f"{wanted} workers carry the load with a fifth to spare.",
            "marks": []
            if "unmarked" in FAULTS
            else [mark for mark in missing if not missing[mark]],
            "shadow": not mine,
            "dry_run": spec["policy"]["mode"] == "advise",
        }
        identity = f"{NAME}|{tick}"
        may = mine or "usurps" in FAULTS
        command = None
        if wanted != present and present is not None and may and job not in self._awaited:
            decision = event_id("decisions", event, identity)
            command = self._command(event, spec, decision)
            event["command"] = event_id("scale-commands", command, tick)
            self._awaited[job] = event["command"]
        self._wire.send("decisions", event, identity)
        if command and "forgetful" not in FAULTS:
            self._wire.send("scale-commands", command, tick)

    def _command(
        self, decision: dict[str, Any], spec: dict[str, Any], decision_id: str
    ) -> dict[str, Any]:
        policy, tick, job = spec["policy"], decision["tick"], decision["job"]
        expiry = timedelta(seconds=policy["command_expiry_loops"] * policy["loop"])
        return {
            "job": job,
            "at": tick,
            "tick": tick,
            "source": SOURCE,
            "from_scale_out": decision["scale_out"],
            "to_scale_out": 99 if "bounds" in FAULTS else decision["chosen"],
            "expected_generation": self._generation.get(job),
            "expires_at": (parsed(tick) + expiry).isoformat(),
            "decision": decision_id,
            "promise": {},
            "dry_run": decision["dry_run"] and "wet" not in FAULTS,
        }


def _wanted(
    update: dict[str, Any] | None, forecast: dict[str, Any] | None, spec: dict[str, Any]
) -> int | None:
    """Return the fewest workers, within the spec's bounds; None when nothing can be said."""
    if not update or not update["capacity"] or not update["workload"] or not update["scale_out"]:
        return None
    expected = max([update["workload"]["maximum"], *(forecast["mean"][:10] if forecast else [])])
    each = update["capacity"] / update["scale_out"]
    needed = math.ceil(1.2 * expected / each)
    return int(min(max(needed, spec["scale"]["min"]), spec["scale"]["max"]))


def _last(report: dict[str, Any]) -> int | None:
    return report["samples"][-1]["scale_out"] if report["samples"] else None


if __name__ == "__main__":
    Planner().run()
