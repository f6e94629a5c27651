"""The sample jobs: their topics, and the jar of those on Flink and how one is started there."""

import hashlib
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from daedalus_local import engines, java
from daedalus_local.errors import StackError
from daedalus_local.flink_rest import FlinkRest

SOURCES = Path(__file__).resolve().parents[2] / "jobs"

INPUT_PARTITIONS = 24
"""Divides well by 1 to 6 workers, so that whole partitions hardly skew the load."""

OUTPUT_PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Job:
    """A sample job: Kafka topic in, Kafka topic out; on Flink by SQL."""

    name: str
    input: str
    output: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """What its SQL needs beyond the settings that all jobs have."""

    upserts: bool = False
    """Whether the output topic holds the newest row per key rather than every row."""

    engine: Literal["flink", "kafka-streams"] = "flink"
    """What runs it."""

    reads: str = ""
    """Kind of the records that it reads, where that is not its own name."""

    peak: float = 2000.0
    """Highest records/s of its workload, unless asked otherwise: five of the six workers can follow
    there, at the default cost and quota."""

    @property
    def records(self) -> str:
        """Return the kind of records that the load generator sends."""
        return self.reads or self.name


JOBS = {
    job.name: job
    for job in (
        # Every third record costs: the two others are not views.
        Job("ysb", "ad-events", "campaign-counts", {"window_seconds": "10"}, peak=4600.0),
        Job("wordcount", "lines", "word-counts", upserts=True),
        Job(
            "traffic",
            "vehicle-reports",
            "slow-segments",
            {"window_seconds": "10", "slide_seconds": "2"},
        ),
        Job(
            "wordcount-kstreams",
            "lines",
            "word-counts",
            upserts=True,
            engine="kafka-streams",
            reads="wordcount",
            peak=1600.0,  # it commits once a second in a compressed run, which costs too
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a record costs a worker, so that a small machine shows the scaling of a large one."""

    cpu_us: int = 0
    """Microseconds of processor time burnt per record that the job works on."""

    pace_us: int = 0
    """Microseconds slept instead, where the machine grants no CPU quotas."""


def jar(report: engines.Report = engines.silent) -> Path:
    """Return the jar with the runner, the functions and the SQL of all Flink jobs, built once."""
    sources = sorted((SOURCES / "java").glob("*.java"))
    scripts = sorted((SOURCES / "sql").glob("*.sql"))
    if not sources or not scripts:
        raise StackError(f"no jobs found in {SOURCES}: run from a clone of the project")
    flink = engines.jars_of("flink", report)
    digest = hashlib.sha256(flink.name.encode())
    for file in (*sources, *scripts):
        digest.update(file.name.encode() + file.read_bytes())
    folder = engines.cache_dir() / f"jobs-{digest.hexdigest()[:12]}"

    def build(target: Path) -> None:
        report("compiling the sample jobs")
        _compile(sources, scripts, engines.classpath(flink), target)

    return engines.made_once(folder, build) / "daedalus-jobs.jar"


def start(
    rest: FlinkRest,
    job: Job,
    *,
    bootstrap: str,
    parallelism: int,
    cost: Cost,
    settings: Mapping[str, str] | None = None,
) -> str:
    """Upload the jar and start the job with this many workers; return its id."""
    values = {
        "input": job.input,
        "output": job.output,
        "group": job.name,
        "bootstrap": bootstrap,
        "fetch_min_bytes": "262144",
        "fetch_max_wait_ms": "250",
        "cpu_us": str(cost.cpu_us),
        "pace_us": str(cost.pace_us),
        **job.settings,
        **(settings or {}),
    }
    arguments = [job.name, *(f"{name}={value}" for name, value in values.items())]
    return rest.run(rest.upload(jar()), arguments, parallelism)


def _compile(sources: list[Path], scripts: list[Path], classpath: str, target: Path) -> None:
    classes = target / "classes"
    command = [java.find("javac"), "-d", str(classes), "-cp", classpath, *map(str, sources)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise StackError(f"javac could not compile the sample jobs: {run.stderr.strip()[:400]}")
    with zipfile.ZipFile(target / "daedalus-jobs.jar", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: SqlRunner\n")
        for file in (*sorted(classes.glob("*.class")), *scripts):
            archive.write(file, file.name)
