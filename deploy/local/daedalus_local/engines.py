"""Fetches the jars of Kafka and Flink by Maven, once, into a cache that all runs share.

The folder of an engine is named by the hash of its pom, so a changed pin is a new folder, and it
appears in one rename, so a fetch that was interrupted leaves nothing that looks complete.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daedalus_local.errors import StackError

POMS = Path(__file__).resolve().parents[1]
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

Report = Callable[[str], None]
"""Takes one line of progress."""


def silent(_line: str) -> None:
    """Report nothing."""


def cache_dir() -> Path:
    """Return where downloads are kept between runs: `DAEDALUS_CACHE`, else `~/.cache/daedalus`."""
    return Path(os.environ.get("DAEDALUS_CACHE") or Path.home() / ".cache" / "daedalus")


def jars_of(engine: str, report: Report = silent) -> Path:
    """Return the folder with all jars of `kafka` or `flink`, fetching them the first time."""
    pom = POMS / f"{engine}-pom.xml"
    digest = hashlib.sha256(pom.read_bytes() + COPY.encode()).hexdigest()[:12]
    folder = cache_dir() / f"{engine}-{digest}"
    return made_once(folder, lambda target: _fetch(engine, pom, target, report))


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, having `make` fill it if it does not exist; other processes wait."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(folder.name + ".lock")):
        if not folder.exists():
            partial = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
            try:
                make(partial)
                partial.chmod(0o755)
                partial.rename(folder)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    return folder


def classpath(folder: Path) -> str:
    """Return the Java class path of all jars in the folder, as a wildcard."""
    return f"{folder}{os.sep}*"


def _fetch(engine: str, pom: Path, target: Path, report: Report) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            f"mvn not found: install Maven, which fetches {engine} (Debian: apt-get install maven)"
        )
    report(f"fetching {engine} with Maven (once)")
    command = [maven, "-B", "-f", str(pom), COPY, f"-DoutputDirectory={target}"]
    said: list[str] = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as run:
        for line in run.stdout or ():
            said.append(line)
            if match := re.search(r"Downloaded from \S+ \S*/([^/\s]+\.jar)", line):
                report(f"fetching {engine}: {match.group(1)}")
    if run.returncode != 0:
        raise StackError(f"Maven could not fetch {engine}: {_reason(said)}")
    count = len(list(target.glob("*.jar")))
    if count == 0:
        raise StackError(f"Maven fetched no jar for {engine}")
    report(f"fetched {engine}: {count} jars")


def _reason(said: list[str]) -> str:
    """Return Maven's first error, cut to the sentence that matters."""
    errors = [line[len("[ERROR] ") :].strip() for line in said if line.startswith("[ERROR] ")]
    first = next((line for line in errors if line), "no reason given")
    return first.split(" -> [Help")[0][:400]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
