"""Finds the JDK that runs Kafka and Flink, and says in one line what is wrong with it."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from daedalus_local.errors import StackError

OLDEST = 17
"""Kafka 4 and Flink 2 run on nothing older."""


def major_version(banner: str) -> int | None:
    """Read the major version from what `java -version` prints.

    >>> major_version('openjdk version "17.0.15" 2025-04-15')
    17
    >>> major_version('java version "1.8.0_432"')
    8
    """
    match = re.search(r'version "(?:1\.)?(\d+)', banner)
    return int(match.group(1)) if match else None


@cache
def find(tool: str = "java") -> str:
    """Return the path of `java` or `javac`, from `JAVA_HOME` or else from `PATH`."""
    home = os.environ.get("JAVA_HOME")
    candidate = Path(home, "bin", tool) if home else None
    path = str(candidate) if candidate and candidate.exists() else shutil.which(tool)
    if path is None:
        raise StackError(
            f"{tool} not found: install a JDK {OLDEST} or newer "
            "(Debian: apt-get install openjdk-17-jdk-headless) or set JAVA_HOME"
        )
    if tool == "java":
        banner = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
        version = major_version(banner.stderr + banner.stdout)
        if version is None or version < OLDEST:
            raise StackError(
                f"{path} is version {version or 'unknown'}: JDK {OLDEST} or newer is needed; "
                "set JAVA_HOME to one"
            )
    return path
