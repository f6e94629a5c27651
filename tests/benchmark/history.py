"""The commands on a history of a year, on a real broker: time and highest memory of each.

    python tests/benchmark/history.py --days 365 --metric-days 30

A simulated day of one job is copied to many; reports, which are four times as many as decisions,
lie there for the last days only. A command line beside replaces the usual ones:

    python tests/benchmark/history.py --days 90 --only "history year --since 90d"
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.broker import PARTITIONS, running_broker
from harness.copies import Filler, copied, keep_for_ever, simulated

JOB = "year"


def main() -> None:
    """Fill the topics, run the commands, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=365, help="days of decisions (365)")
    parser.add_argument("--metric-days", type=int, default=30, help="days of reports (30)")
    parser.add_argument("--only", action="append", metavar="COMMAND", help="run these instead")
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print("· simulating a day, starting Kafka", flush=True)
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day = simulated(86_400, midnight - timedelta(days=1))
        broker = stack.enter_context(running_broker(directory / "kafka"))
        keep_for_ever(broker.admin)
        fill = Filler(broker.bootstrap, PARTITIONS)
        began, counts = time.monotonic(), Counter[str]()
        for ago in range(given.days - 1, -1, -1):
            wanted = [
                event
                for event in day
                if (event.NAME != "metrics" or ago < given.metric_days)
                and (event.NAME != "control" or ago == given.days - 1)
            ]
            fill.write(copied(wanted, JOB, timedelta(days=-ago)))
            counts.update(event.NAME for event in wanted)
        fill.flush()
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        print(f"· {counts.total()} records in {time.monotonic() - began:.0f} s: {told}", flush=True)
        middle = (midnight - timedelta(days=given.days // 2)).isoformat()
        print(f"\n{'command':<58}{'seconds':>9}{'peak MB':>9}", flush=True)
        for line in given.only or usual(given.days, given.metric_days, middle):
            run(line, broker.bootstrap, directory)


def usual(days: int, metric_days: int, middle: str) -> list[str]:
    """Return the command lines that are timed."""
    return [
        f"history {JOB} --since {days}d",
        f"history {JOB} --since 30d",
        f"tap decisions --job {JOB} --since {days}d",
        f"tap scale-outcomes --job {JOB} --since {days}d --json",
        f"explain {JOB}",
        f"explain {JOB} --at {middle}",
        f"cost {JOB} --since {days}d",
        f"calibration {JOB} --since {days}d",
        f"standings {JOB} --since {days}d",
        f"export decisions.parquet --job {JOB} --topic decisions",
        f"export month.jsonl.gz --job {JOB} --since {metric_days}d",
        f"replay topics --job {JOB} --since 1d",
    ]


def run(line: str, bootstrap: str, directory: Path) -> None:
    """Run a command to its end, and print what it took."""
    began = time.monotonic()
    with (directory / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "daedalus_console", *shlex.split(line)],
            env={**os.environ, "DAEDALUS_BOOTSTRAP": bootstrap},
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=directory,
        )
        peak = 0
        while process.poll() is None:
            # Not what `wait4` tells: that counts what this process had when it forked.
            peak = max(peak, highest(process.pid))
            time.sleep(0.05)
    code = process.returncode
    last = (directory / "said").read_text(errors="replace").strip().splitlines()[-1:]
    how = "" if code == 0 else f"  exit code {code}: {' '.join(last)[:120]}"
    seconds = time.monotonic() - began
    print(f"{line:<58}{seconds:>9.1f}{peak / 1024:>9.0f}{how}", flush=True)


def highest(pid: int) -> int:
    """Return the most kilobytes that a process has had; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if "VmHWM:" in line), 0)


if __name__ == "__main__":
    main()
