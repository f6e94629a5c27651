"""Takes the documentation's pictures from `daedalus demo`: real Kafka, a real job, all services.

    make screenshots

runs as long as the demo does, about nine minutes, and tells what the demo tells.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from harness.console import browsing

JOB = "ysb"

PLACE = re.compile(rf"^See and steer it at (\S+)/jobs/{JOB}$")
"""What the demo says of the page."""

WHOLE = 435.0
"""Seconds after which all of the demo's eight minutes but their end has been seen."""

COLOURS = 128
LARGEST = 150_000
"""Bytes that a picture may have."""


def main(folder: Path) -> None:
    """Take all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as url, browsing() as browser:
        began = time.monotonic()
        page = browser.new_page(viewport={"width": 1200, "height": 1120}, locale="en-GB")
        until(lambda: len(caught_up(page, url)) >= 1, "a rescale", page, WHOLE)
        page.wait_for_timeout(15_000)  # some of what came of it
        at_work(page, url, folder)
        on_a_phone(browser, url, folder)
        steered(page, url, folder)
        page.wait_for_timeout(max(0.0, began + WHOLE - time.monotonic()) * 1_000)
        in_the_end(page, url, folder)


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo, and give the page's address once it is told."""
    command = [str(Path(sys.executable).with_name("daedalus")), "demo"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "TZ": "UTC", "BROWSER": "none"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            if found := PLACE.match(line.rstrip()):
                break
        else:
            raise SystemExit("the demo told no address")
        rest = threading.Thread(target=_repeat, args=[process.stdout], daemon=True)
        rest.start()
        yield found[1]
        process.wait()
        rest.join()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _repeat(lines: Any) -> None:
    for line in lines:
        print(line, end="", flush=True)


def at_work(page: Page, url: str, folder: Path) -> None:
    """Picture the job after its first rescale, and that decision."""
    page.goto(f"{url}/jobs/{JOB}")
    drawn(page)
    picture(page, folder / "job.png")
    page.locator("#rescales tbody a").first.click()
    page.locator("#candidates").wait_for()
    page.set_viewport_size({"width": 1200, "height": 900})
    page.evaluate("document.getElementById('decision').scrollIntoView()")
    picture(page, folder / "decision.png")


def on_a_phone(browser: Browser, url: str, folder: Path) -> None:
    """Picture the job on a phone, in the dark."""
    page = browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=1.5,
        is_mobile=True,
        color_scheme="dark",
        locale="en-GB",
    ).new_page()
    page.goto(f"{url}/jobs/{JOB}")
    drawn(page)
    page.evaluate("window.scrollTo(0, 215)")
    picture(page, folder / "phone-dark.png")
    page.context.close()


def steered(page: Page, url: str, folder: Path) -> None:
    """Pause scaling down for a reason, picture the decision that heeds it, and resume."""
    page.set_viewport_size({"width": 1200, "height": 640})
    page.goto(f"{url}/jobs/{JOB}")
    page.get_by_role("button", name="Pause scaling …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Direction").select_option("down")
    dialog.get_by_label("Reason").fill("the sale begins at seven")
    picture(page, folder / "pause.png")
    dialog.get_by_role("button", name="Pause scaling").click()
    force = page.get_by_role("region", name="Overrides in force")
    force.wait_for()
    page.wait_for_timeout(20_000)
    picture(page, folder / "paused.png")
    force.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    force.wait_for(state="hidden")


def in_the_end(page: Page, url: str, folder: Path) -> None:
    """Picture the list and the job when the workload has come and gone."""
    page.set_viewport_size({"width": 1200, "height": 1120})
    page.goto(f"{url}/jobs/{JOB}")
    drawn(page)
    picture(page, folder / "whole.png")
    page.set_viewport_size({"width": 1200, "height": 260})
    page.goto(url)
    page.get_by_role("link", name=JOB).wait_for()
    picture(page, folder / "list.png")


def caught_up(page: Page, url: str) -> list[Any]:
    """Return the rescales with which the job has caught up."""
    found = page.request.get(f"{url}/api/jobs/{JOB}/rescales")
    if not found.ok:
        return []
    return [each for each in found.json()["items"] if each["recovery"] is not None]


def until(done: Callable[[], bool], what: str, page: Page, seconds: float) -> None:
    """Wait for something to happen in the demo."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"no {what} within {seconds:.0f} s")
        page.wait_for_timeout(3_000)


def drawn(page: Page) -> None:
    """Wait until the charts are drawn."""
    page.locator(".d-chart svg").last.wait_for()
    page.wait_for_timeout(1_500)


def picture(page: Page, path: Path) -> None:
    """Take a picture, small enough to lie in the repository."""
    page.wait_for_timeout(600)  # what moves in has arrived
    page.screenshot(path=path)
    colours = COLOURS
    while True:
        with Image.open(path) as found:
            few = found.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        size = path.stat().st_size
        print(f"· {path}: {size / 1000:.0f} kB", flush=True)
        if size <= LARGEST or colours <= 16:
            return
        colours //= 2


if __name__ == "__main__":
    main(Path(sys.argv[1]))
