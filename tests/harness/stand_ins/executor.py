"""An executor of Flink jobs: one command at a time, each to its end."""

import json
import os
from datetime import datetime, timedelta
from typing import Any

from harness.stand_ins import flink
from harness.stand_ins.wire import FAULTS, Declared, Wire, clock, event_id, instant, parsed, pause

SOURCE = f"executor/{os.environ.get('NAME', 'standin')}"
ALLOWED = json.loads(os.environ["EXECUTOR_ALLOWED_REST"])
NEVER = "1970-01-01T00:00:00+00:00"


class Executor:
    """What it knows of a job is the newest tick, the generation and the scale-out last seen.

    After a restart it begins at generation 0; a command that had begun is there already, and is
    then told as applied.
    """

    def __init__(self) -> None:
        self._wire = Wire(SOURCE, "scale-commands")
        self._declared = Declared()
        self._tick: dict[str, str] = {}
        self._generation: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def run(self) -> None:
        self._wire.serve(self._handle)

    def _handle(self, kind: str, command: dict[str, Any]) -> None:
        self._declared.read()
        job = command["job"]
        if kind != "scale-commands":
            return
        tick = instant(command["tick"])
        if parsed(tick) <= parsed(self._tick.get(job, NEVER)) and "again" not in FAULTS:
            return
        self._tick[job] = tick
        status, why, times = self._carry_out(command, self._declared.specs.get(job))
        event = {
            "job": job,
            "at": clock().isoformat(),
            "tick": command["tick"],
            "source": SOURCE,
            "command": _id(command),
            "from_scale_out": command["from_scale_out"],
            "to_scale_out": command["to_scale_out"],
            "scale_out": self._seen.get(job),
            "generation": 0 if "generation" in FAULTS else self._generation.get(job, 0),
            "status": status,
            "why": why,
            "promise": None if "promise" in FAULTS else command["promise"],
            "dry_run": command["dry_run"],
            **times,
        }
        self._wire.send("scale-outcomes", event, f"{event['command']}|{status}")

    def _carry_out(
        self, command: dict[str, Any], spec: dict[str, Any] | None
    ) -> tuple[str, str, dict[str, Any]]:
        if spec is None or command["source"] != f"planner/{spec['policy']['planner']}":
            return "refused", "it is not declared, or names another planner", {}
        if spec["engine"]["rest"] not in ALLOWED:
            return "refused", "this executor may not change that engine", {}
        wanted, job, rest = command["to_scale_out"], spec["job"], spec["engine"]["rest"]
        refused = spec["policy"]["mode"] == "advise" and not command["dry_run"]
        if not spec["scale"]["min"] <= wanted <= spec["scale"]["max"] and "bounds" not in FAULTS:
            refused = True
        if refused:
            return "refused", "it is out of bounds, or the mode is advise", {}
        if clock() >= parsed(command["expires_at"]) and "expired" not in FAULTS:
            return "expired", "", {}
        return self._on_target(command, rest, job, spec["policy"]["converge_within"])

    def _on_target(
        self, command: dict[str, Any], rest: str, job: str, within: float
    ) -> tuple[str, str, dict[str, Any]]:
        found, wanted = flink.parallelism(rest, job), command["to_scale_out"]
        expected = command["expected_generation"]
        if found is None:
            return "failed", "the job cannot be told to run", {}
        self._look(job, found)
        if found == wanted:
            return "already_there", "", {}
        stale = expected not in (None, self._generation.get(job, 0))
        if (stale or found != command["from_scale_out"]) and "stale" not in FAULTS:
            return "refused", f"it expects generation {expected}, and {found} workers run", {}
        if command["dry_run"] and "wet" not in FAULTS:
            return "would_apply", "", {}
        begun = clock()
        flink.require(rest, job, wanted)
        if not _until(rest, job, wanted, begun + timedelta(seconds=within)):
            return "did_not_converge", "", {"started_at": begun.isoformat()}
        self._look(job, wanted)
        ended = clock()
        times = {"started_at": begun.isoformat(), "converged_at": ended.isoformat()}
        status = "would_apply" if command["dry_run"] else "applied"
        return status, "", {**times, "downtime": (ended - begun).total_seconds()}

    def _look(self, job: str, found: int) -> None:
        if job in self._seen and self._seen[job] != found:
            self._generation[job] = self._generation.get(job, 0) + 1
        self._seen[job] = found


def _id(command: dict[str, Any]) -> str:
    return event_id("scale-commands", command, instant(command["tick"]))


def _until(rest: str, job: str, wanted: int, deadline: datetime) -> bool:
    while clock() < deadline:
        if flink.parallelism(rest, job) == wanted:
            return True
        pause(0.1)
    return False


if __name__ == "__main__":
    Executor().run()
