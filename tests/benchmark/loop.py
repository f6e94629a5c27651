"""Latency, throughput and memory of the loop, on a real broker with simulated metrics.

    python tests/benchmark/loop.py --jobs 50 --duration 180

A job's loop is 6 s here, so N jobs make the events of 10 N jobs with the usual loop of 60 s.
Latency is the broker's time of a decision (or command) minus that of the metrics that closed its
tick: all of analyzer, forecaster and planner lie between.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    ScaleCommand,
)
from harness.broker import running_broker
from harness.closed_loop import ClosedLoop, Played
from harness.replicas import Replica
from harness.services import STAGES, service


def main() -> None:
    """Run the loop and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=50, help="simulated jobs, loop 6 s (50)")
    parser.add_argument("--duration", type=float, default=180, help="seconds (180)")
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print("· starting Kafka and the services", flush=True)
        broker = stack.enter_context(running_broker(directory / "kafka"))
        services = [service(stage, 0, broker, directory) for stage in STAGES]
        for each in services:
            each.start()
            stack.callback(each.kill)
        peak = Memory(services)
        print(f"· playing {given.jobs} jobs for {given.duration:.0f} s", flush=True)
        loop = ClosedLoop(broker, given.jobs, grace=30.0)
        played = loop.play(given.duration, 1.0, peak, spread=0.8)  # as many monitors would
        report(played, given.jobs, given.duration)
        peak.report(given.jobs)


class Memory:
    """The highest resident memory of each service, its child processes apart."""

    def __init__(self, services: Sequence[Replica]) -> None:
        self._services = services
        self._own: dict[str, int] = {}
        self._children: dict[str, int] = {}
        self._at = 0.0

    def __call__(self, played: float) -> None:
        """Look once a second of event time."""
        if played < self._at + 1:
            return
        self._at = played
        for each in self._services:
            own = resident(each.pid)
            children = sum(map(resident, children_of(each.pid)))
            self._own[each.name] = max(own, self._own.get(each.name, 0))
            self._children[each.name] = max(children, self._children.get(each.name, 0))

    def report(self, jobs: int) -> None:
        """Print a row a service."""
        print(f"\n{'service':<14}{'memory MB':>10}{'its training MB':>17}   ({jobs} jobs)")
        for name, own in self._own.items():
            print(f"{name:<14}{own / 2**20:>10.0f}{self._children[name] / 2**20:>17.0f}")


def resident(pid: int) -> int:
    """Return a process's resident bytes; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0]) * 1024 if found else 0


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        children = ""
        with suppress(OSError):  # a thread that ended since it was listed
            children = path.read_text()
        for child in map(int, children.split()):
            found += [child, *children_of(child)]
    return found


def report(played: Played, jobs: int, duration: float) -> None:
    """Print latencies and rates."""
    closed = {
        (each.event.job, each.event.tick): each.written_at
        for each in played.found
        if isinstance(each.event, JobMetrics) and each.event.tick is not None
    }
    print(f"\n{'metrics →':<18}{'count':>7}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    kinds: tuple[type[Event], ...] = (CapacityUpdate, Forecast, Decision, ScaleCommand)
    for kind in kinds:
        late = sorted(
            (each.written_at - closed[each.event.job, each.event.tick]) * 1000
            for each in played.found
            if isinstance(each.event, (CapacityUpdate, Forecast, Decision, ScaleCommand))
            and isinstance(each.event, kind)
            and (each.event.job, each.event.tick) in closed
        )
        if late:
            figures = [late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]]
            told = "".join(f"{figure:>9.0f}" for figure in figures)
            print(f"{kind.NAME:<18}{len(late):>7}{told}")
    events = len(played.found)
    print(
        f"\n{events} events of {jobs} jobs in {duration:.0f} s of event time: "
        f"{events / duration:.0f} events/s"
    )


if __name__ == "__main__":
    main()
