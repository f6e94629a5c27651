"""The console's page on a real broker, and a real Chromium that looks at it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from harness.broker import Broker
from harness.fixtures import need_tools
from harness.replicas import Replica, running
from harness.services import STAGES, service

AUTHOR = "ada <b>l</b>"
"""In whose name the page steers: with what would be markup if it were taken for such."""

SCREENSHOTS = "DAEDALUS_SCREENSHOTS"
"""Names the folder in which pictures are kept."""


@contextmanager
def serving(broker: Broker, directory: Path, author: str = AUTHOR) -> Iterator[str]:
    """Run `daedalus serve --steer` on a free port, and give its address."""
    found = Replica(
        "console",
        ["-m", "daedalus_console", "serve", "--steer", "--port", "0"],
        {
            "DAEDALUS_BOOTSTRAP": broker.bootstrap,
            "LOGNAME": author,
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
        },
        directory,
    )
    with running(found):
        assert found.until_logged("The console is at"), found.log.read_text()
        [url] = re.findall(r"The console is at (\S+)", found.log.read_text())
        yield url


@contextmanager
def simulated(broker: Broker, directory: Path, **settings: str) -> Iterator[list[Replica]]:
    """Run simulated jobs and the services between metrics and commands."""
    stages = [service(stage, 0, broker, directory) for stage in STAGES]
    simulator = service("simulator", 0, broker, directory, **settings)
    with running(*stages, simulator):
        yield [*stages, simulator]


def chromium() -> str:
    """Return the path of Debian's Chromium; skip without one, and fail in CI."""
    need_tools("chromium")
    found = shutil.which("chromium")
    assert found is not None
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a headless Chromium."""
    path = chromium()
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # it refuses to be sandboxed by root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[*sandbox, "--disable-dev-shm-usage"],
            timeout=120_000,  # the first start on a busy machine
        )
        yield browser
        browser.close()


def keep(page: Page, name: str, *, full: bool = True) -> Path:
    """Keep a picture of a page as an artefact."""
    folder = Path(os.environ.get(SCREENSHOTS, ".daedalus/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=full)
    return path


def widths(page: Page) -> tuple[int, int]:
    """Return how wide the page is and how wide the window: more would have to be scrolled."""
    found = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    return found[0], found[1]
