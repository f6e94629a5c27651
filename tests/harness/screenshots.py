"""Takes the pictures of the documentation: real Kafka, real services, simulated jobs at speed 20.

    make screenshots

runs for some minutes, until a job has been rescaled a few times.
"""

import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from harness.broker import running_broker
from harness.console import browsing, serving, simulated

JOBS = {
    "JOBS": "5",
    "SPEED": "20",
    "WORKERS": "6",
    "INSTANCE": "shop",
    "SHAPES": '["sine"]',
    "MINUTES": "60",
}
"""Simulated jobs whose workload rises and falls within three minutes."""

RESCALES = 7
"""Rescales that the job of the pictures has had at least."""

PATIENCE = 600.0
"""Seconds after which a job that does not move is pictured as it is."""

COLOURS = 128
LARGEST = 150_000
"""Bytes that a picture may have."""


def main(folder: Path) -> None:
    """Take all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        with (
            running_broker(work / "kafka") as broker,
            simulated(broker, work, **JOBS),
            serving(broker, work, "ada") as url,
            browsing() as browser,
        ):
            take(browser, url, folder)


def take(browser: Browser, url: str, folder: Path) -> None:
    """Wait for a job with some rescales, and take the pictures."""
    page = browser.new_page(viewport={"width": 1200, "height": 1120}, locale="en-GB")
    job = moved(page, url)
    print(f"· pictures of {job}", flush=True)

    page.goto(f"{url}/jobs/{job}")
    drawn(page)
    picture(page, folder / "job.png")
    page.locator("#rescales tbody a").first.click()
    page.locator("#candidates").wait_for()
    page.locator("#decision").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('decision').scrollIntoView()")
    page.set_viewport_size({"width": 1200, "height": 900})
    picture(page, folder / "decision.png")
    page.goto(url)
    page.get_by_role("link", name=job).wait_for()
    page.set_viewport_size({"width": 1200, "height": 420})
    picture(page, folder / "list.png")
    page.close()

    phone = browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=1.5,
        is_mobile=True,
        color_scheme="dark",
        locale="en-GB",
    ).new_page()
    phone.goto(f"{url}/jobs/{job}")
    drawn(phone)
    phone.evaluate("window.scrollTo(0, 215)")
    picture(phone, folder / "phone-dark.png")


def moved(page: Page, url: str) -> str:
    """Return the job that was rescaled most, once it was often enough."""
    deadline = time.monotonic() + PATIENCE
    page.goto(url)
    page.locator("#jobs tbody a:visible").first.wait_for(timeout=120_000)
    while True:
        names = page.locator("#jobs tbody a:visible").all_inner_texts()
        counts = {name: rescales(page, url, name) for name in names}
        best = max(counts, key=lambda name: counts[name])
        print(f"· rescales so far: {counts}", flush=True)
        if counts[best] >= RESCALES or time.monotonic() > deadline:
            return best
        page.wait_for_timeout(15_000)


def rescales(page: Page, url: str, job: str) -> int:
    """Return how often a job was rescaled."""
    found = page.request.get(f"{url}/api/jobs/{job}/rescales")
    return len(found.json()["items"])


def drawn(page: Page) -> None:
    """Wait until the charts are drawn."""
    page.locator(".d-chart svg").last.wait_for()
    page.wait_for_timeout(1_500)


def picture(page: Page, path: Path) -> None:
    """Take a picture, small enough to lie in the repository."""
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
