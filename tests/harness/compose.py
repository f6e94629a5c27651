"""Docker and its compose as commands, for tests on a real engine."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "deploy" / "compose"

ENGINE = "DAEDALUS_ENGINE"
"""Set where there must be an engine, with the images: what is missing fails there."""


def run(*command: str, timeout: float = 300.0, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it wrote; a failure tells what."""
    whole = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, env=whole, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()[-2000:]}"
    return done.stdout


def need_engine(images: Sequence[str]) -> None:
    """Skip the test where no Docker engine answers, or an image is missing."""
    why = _missing(images)
    if why and os.environ.get(ENGINE):
        pytest.fail(why)
    if why:
        pytest.skip(why)


def _missing(images: Sequence[str]) -> str:
    if shutil.which("docker") is None:
        return "needs docker on the PATH"
    try:
        run("docker", "version", timeout=10.0)
        run("docker", "compose", "version", timeout=10.0)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return f"needs a Docker engine with compose: {error}"
    there = run("docker", "images", "--format", "{{.Repository}} {{.Repository}}:{{.Tag}}").split()
    absent = [image for image in images if image not in there]
    return f"needs the images {', '.join(absent)}: make images" if absent else ""


@dataclass
class Project:
    """One compose project of the shipped files."""

    name: str
    files: list[Path]
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Tell compose where this machine's engine is, and leave out what only builds need."""
        socket = Path(urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")).path)
        self.env |= {"DOCKER_SOCKET": str(socket), "DOCKER_GID": str(socket.stat().st_gid)}
        # One worker is soon not enough, and four do not take all of two cores.
        self.env |= {"LOAD_SPEED": "40", "LOAD_PEAK": "900"}
        for unused in ("CA_FILE", "PIP_CONF", "CACERTS"):
            self.env.setdefault(unused, os.environ.get(unused, os.devnull))

    def compose(self, *arguments: str, timeout: float = 300.0) -> str:
        """Run `docker compose` on the project."""
        files = [part for file in self.files for part in ("-f", str(file))]
        command = ["docker", "compose", "-p", self.name, *files, *arguments]
        return run(*command, timeout=timeout, env=self.env)

    def containers(self, service: str = "") -> dict[str, dict[str, Any]]:
        """Return Docker's whole word on each container, by its name."""
        return {
            each["Name"].lstrip("/"): each
            for each in self._inspected()
            if service in {"", each["Config"]["Labels"]["com.docker.compose.service"]}
        }

    def _inspected(self) -> list[dict[str, Any]]:
        label = f"label=com.docker.compose.project={self.name}"
        tries = 5
        while True:
            ids = run("docker", "ps", "-aq", "--filter", label).split()
            try:
                return json.loads(run("docker", "inspect", *ids)) if ids else []
            except AssertionError:  # one of them may have been removed meanwhile
                tries -= 1
                if not tries:
                    raise

    def left(self) -> list[str]:
        """Return what there is of the project: containers, networks, volumes."""
        label = f"label=com.docker.compose.project={self.name}"
        kinds = (["ps", "-aq"], ["network", "ls", "-q"], ["volume", "ls", "-q"])
        return [each for kind in kinds for each in run("docker", *kind, "--filter", label).split()]


def health(container: Mapping[str, Any]) -> str:
    """Return Docker's word on a container: healthy, unhealthy, starting; else its state."""
    state = container["State"]
    if state["Status"] != "running":
        return f"{state['Status']} {state['ExitCode']}"
    return str(state.get("Health", {}).get("Status", "running"))


def until(what: str, done: Callable[[], bool], timeout: float) -> None:
    """Return when it is done; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.5)
