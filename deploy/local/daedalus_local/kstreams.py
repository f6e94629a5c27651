"""The sample job on Kafka Streams: its class, what a worker runs, and where each one answers.

A worker is a JVM of the executor's process pool; those of one group share the work by themselves.
"""

import hashlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from daedalus_local import engines, java
from daedalus_local.errors import StackError
from daedalus_local.jobs import SOURCES, Cost, Job

MAIN = "WordCountStreams"

JVM = (
    "-Xms48m",
    "-Xmx96m",
    "-XX:+UseSerialGC",
    # A worker at a fifth of a core must not spend it on compiling, nor start threads for many.
    "-XX:TieredStopAtLevel=1",
    "-XX:ActiveProcessorCount=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)

READY_TIMEOUT = 180.0
"""Seconds; workers run 3 s after their start on an idle machine."""


def classes(report: engines.Report = engines.silent) -> Path:
    """Return the folder with the job's classes, compiled once."""
    source = SOURCES / "kstreams" / f"{MAIN}.java"
    if not source.exists():
        raise StackError(f"no {source.name} in {source.parent}: run from a clone of the project")
    jars = engines.jars_of("kstreams", report)
    digest = hashlib.sha256(jars.name.encode() + source.read_bytes()).hexdigest()[:12]

    def build(target: Path) -> None:
        report("compiling the sample job")
        command = [java.find("javac"), "-d", str(target), "-cp", engines.classpath(jars)]
        run = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise StackError(f"javac could not compile {source.name}: {run.stderr.strip()[:400]}")

    return engines.made_once(engines.cache_dir() / f"kstreams-job-{digest}", build)


def command(
    job: Job,
    *,
    bootstrap: str,
    directory: Path,
    cost: Cost,
    quota: float | None,
    commit: float = 5.0,
) -> list[str]:
    """Return what a worker runs; `{worker}` stands for its name.

    Args:
        job: What it works on.
        bootstrap: Address of Kafka.
        directory: The pool's own folder, which gets the state and the endpoints.
        cost: What a record costs.
        quota: Cores that the worker may use once it runs; None when nothing holds it back.
        commit: Seconds between two commits.
    """
    settings = {
        "worker": "{worker}",
        "bootstrap": bootstrap,
        "group": job.name,
        "input": job.input,
        "output": job.output,
        # In the worker's folder, which the pool removes: no other worker could use the state.
        "state": directory / "workers" / "{worker}" / "state",
        "endpoints": _endpoints(directory),
        "cpu_us": cost.cpu_us,
        "pace_us": cost.pace_us,
        "commit_ms": round(1000 * commit),
    }
    if quota is not None:
        settings["quota"] = quota
    path = f"{classes()}:{engines.classpath(engines.jars_of('kstreams'))}"
    given = [f"{name}={value}" for name, value in settings.items()]
    return [java.find(), *JVM, "-cp", path, MAIN, *given]


def endpoint_files(directory: Path) -> Path:
    """Return the pattern of the files in which the workers of a pool say where they answer."""
    return _endpoints(directory) / "*.json"


def endpoints(directory: Path) -> dict[str, str]:
    """Return the `host:port` of each worker that says where it answers.

    One that was killed may be among them until the pool clears it away.
    """
    found: dict[str, str] = {}
    for file in sorted(_endpoints(directory).glob("*.json")):
        try:
            [entry] = json.loads(file.read_text())
        except FileNotFoundError:
            continue  # it ended just now
        [found[entry["labels"]["worker"]]] = entry["targets"]
    return found


def scrape(address: str) -> str | None:
    """Return the metrics of a worker, or None when it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5.0) as answer:
            text: str = answer.read().decode()
    except (OSError, urllib.error.URLError):
        return None
    return text


def runs(address: str) -> bool:
    """Return whether a worker says that it runs."""
    return 'kafka_streams_state{state="RUNNING"} 1' in (scrape(address) or "")


def wait_until_running(directory: Path, count: int, timeout: float = READY_TIMEOUT) -> None:
    """Return when `count` workers say that they run; `timeout` in seconds."""
    deadline = time.monotonic() + timeout
    while (running := sum(map(runs, endpoints(directory).values()))) < count:
        if time.monotonic() > deadline:
            raise StackError(
                f"{running} of {count} workers run after {timeout:.0f} s, see {directory / 'logs'}"
            )
        time.sleep(0.1)


def _endpoints(directory: Path) -> Path:
    return directory / "endpoints"
