"""What is played, what is kept of it, and how far two records may differ.

A decision may hang on a float's last digit, and processors round differently: so a run is held to
most of its ticks and to about its price, not to each bit.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from daedalus_simulator.policies.daedalus import declared
from daedalus_simulator.runs.matrix import Outcome, Task, execute_all
from daedalus_simulator.runs.workloads import cut, load

GOLDEN = Path(__file__).with_name("golden.json")

SHAPES = ("shape:sine", "shape:noisy", "shape:steps", "shape:flash-crowd", "shape:days")
SHAPE_SECONDS = 3 * 3600.0

OURS = ("rules", "horizon-balanced", "horizon-steady")
OTHERS = ("hpa-80", "flink-operator-tuned", "keda-lag", "phoebe", "oracle-J")

TICK = 60
"""Seconds between two scale-outs that are compared."""

SAME_TICKS = 0.97
"""Part of the ticks at which the scale-out must be that of the record."""

SAME_PRICE = 0.03
"""Part by which J may differ from the record's."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a run."""

    seconds: int
    price: float
    """J."""

    least: float
    """J of the oracle."""

    steps: tuple[tuple[int, int], ...]
    """(second, scale-out): the begin and each rescale."""

    @property
    def ratio(self) -> float:
        """J / oracle-J."""
        return self.price / self.least

    def scale_outs(self) -> list[int]:
        """Return the scale-out at each tick."""
        found, place = [], 0
        for second in range(0, self.seconds, TICK):
            while place + 1 < len(self.steps) and self.steps[place + 1][0] <= second:
                place += 1
            found.append(self.steps[place][1])
        return found


def folder() -> Path | None:
    """Return where the recorded traces are; None where there are none."""
    name = os.environ.get("DAEDALUS_TRACES")
    return Path(name) if name else None


def tasks(traces: Path | None) -> list[Task]:
    """Return the runs of the generated workloads, and those of the traces of a folder."""
    spec = declared()
    found = [
        Task(cut(load(shape), None, SHAPE_SECONDS), "flink", 0, policy, spec)
        for shape in SHAPES
        for policy in (*OURS, *OTHERS)
    ]
    for path in sorted(traces.glob("*.csv")) if traces else ():
        found += [
            Task(load(str(path)), "flink", 0, policy, spec)
            for policy in ("rules", "horizon-balanced", "oracle-J")
        ]
    return found


def play(traces: Path | None) -> dict[str, Record]:
    """Play all on both cores of a small machine; return the records by name."""
    wanted = tasks(traces)
    outcomes = execute_all(wanted, None, lambda _: None)
    return {
        name(task): _record(len(task.trace.rates), outcome)
        for task, outcome in zip(wanted, outcomes, strict=True)
    }


def name(task: Task) -> str:
    """Return what a run is called in the record."""
    return f"{task.policy} on {task.trace.name}"


def differences(now: Record, golden: Record) -> list[str]:
    """Return what is not as it was, a line each; nothing where a run is the same."""
    ours, theirs = now.scale_outs(), golden.scale_outs()
    if len(ours) != len(theirs):
        return [f"the workload had {len(theirs)} ticks, now {len(ours)}"]
    found = []
    differ = [tick for tick, (one, two) in enumerate(zip(ours, theirs, strict=True)) if one != two]
    if len(differ) > (1 - SAME_TICKS) * len(ours):
        first = differ[0]
        found.append(
            f"{len(differ)} of {len(ours)} ticks have another scale-out, first at second "
            f"{first * TICK}: {ours[first]}, not {theirs[first]}"
        )
    if abs(now.price / golden.price - 1) > SAME_PRICE:
        found.append(f"J is {now.price:.3f}, not {golden.price:.3f}")
    return found


def read() -> dict[str, Record]:
    """Return the golden record; an empty one before there is any."""
    if not GOLDEN.exists():
        return {}
    text = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return {
        key: Record(
            value["seconds"],
            value["price"],
            value["least"],
            tuple((second, scale_out) for second, scale_out in value["steps"]),
        )
        for key, value in text.items()
    }


def write(records: Mapping[str, Record]) -> None:
    """Write the golden record, a line a run, so that a change shows which runs it touched."""
    lines = [
        f"{json.dumps(key)}: {json.dumps(_rounded(record))}"
        for key, record in sorted(records.items())
    ]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _rounded(record: Record) -> dict[str, object]:
    return {**asdict(record), "price": round(record.price, 3), "least": round(record.least, 3)}


def _record(seconds: int, outcome: Outcome) -> Record:
    result = outcome.result
    assert result.least is not None, f"the oracle was not played for {result.trace}"
    return Record(seconds, result.card.price, result.least, result.steps)


def mean_ratio(records: Mapping[str, Record], policy: str, workloads: Sequence[str]) -> float:
    """Return a policy's mean J / oracle-J over workloads."""
    ratios = [records[f"{policy} on {workload}"].ratio for workload in workloads]
    return sum(ratios) / len(ratios)
