"""The page in headless Chromium, on a real Kafka with a real loop of simulated jobs.

The order counts: first an empty cluster, then a loop at work, then a thousand jobs, and at last
Kafka goes away and comes back.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from daedalus_shared.events import (
    Asked,
    Decision,
    Declaration,
    Event,
    Forget,
    JobMetrics,
    Override,
    Promise,
    Sample,
    Worker,
)
from daedalus_shared.job_spec import JobSpec
from harness.broker import Broker, running_broker
from harness.console import AUTHOR, browsing, keep, serving, simulated, widths
from harness.fixtures import need_tools

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LIVE = 2.0
"""Seconds within which an event has to be seen."""

TRIES_FOR = 300.0
"""Seconds in which events have to be seen in time: a busy machine may be slow for a while."""

PATIENCE_MS = 60_000
"""Milliseconds to wait for what comes at once, unless the machine is busy."""

SERVICES_MS = 240_000
"""Milliseconds to wait for four services to start, and to rescale a job."""

expect.set_options(timeout=PATIENCE_MS)

EVIL = "<img src=x onerror=\"window.hurt=1\"> & 'sale'"
"""A reason that would be harm if it were taken for markup."""

PHONE: ViewportSize = {"width": 390, "height": 844}

JOB = "sim-0000"

MANY = 1_000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    need_tools("java", "mvn", "chromium")
    with running_broker(tmp_path_factory.mktemp("kafka")) as found:
        yield found


@pytest.fixture(scope="module")
def url(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(broker, tmp_path_factory.mktemp("console")) as found:
        yield found


@pytest.fixture(scope="module")
def loop(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two simulated jobs that decide each three seconds."""
    directory = tmp_path_factory.mktemp("services")
    with simulated(broker, directory, JOBS="2", SPEED="20", WORKERS="6"):
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(
        viewport={"width": 1200, "height": 900}, timezone_id="Europe/Berlin", locale="en-GB"
    )
    found.set_default_timeout(PATIENCE_MS)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext, url: str) -> Iterator[Page]:
    """A page on which nothing may go wrong, and nothing may come from another host."""
    found = context.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on(
        "request", lambda asked: wrong.append(asked.url) if not _ours(asked.url, url) else None
    )
    yield found
    assert wrong == []
    assert found.evaluate("window.hurt") is None


def _ours(asked: str, url: str) -> bool:
    return asked.startswith((url, url.replace("http", "ws", 1), "data:", "blob:"))


def at_work(page: Page, url: str) -> None:
    """Open a job's page and wait until decisions are told and the chart is drawn."""
    page.goto(f"{url}/jobs/{JOB}")
    expect(page.locator("#decisions tbody tr").first).to_be_visible(timeout=SERVICES_MS)
    expect(page.locator(".d-chart svg").first).to_be_visible()


def panel(page: Page) -> Locator:
    return page.locator("#decision")


def seconds_until(done: Callable[[], object]) -> float:
    began = time.monotonic()
    done()
    return time.monotonic() - began


def seen_live(show: Callable[[int], None]) -> float:
    """Show figures of one digit, each another than the last, until three in a row are seen in time.

    A machine may stand still for a moment; a page that is slower is never three times in time.
    """
    took: list[float] = []
    deadline = time.monotonic() + TRIES_FOR
    while len(took) < 3 or max(took[-3:]) >= LIVE:
        assert time.monotonic() < deadline, took
        took.append(seconds_until(partial(show, len(took) % 9 + 1)))
    return took[-1]


def report(job: str, at: datetime, *, workload: float, lag: float) -> JobMetrics:
    sample = Sample(
        at=at,
        scale_out=3,
        workload=workload,
        lag=lag,
        workers=(Worker(id="<b>hot</b>", cpu=0.9), Worker(id="cool", cpu=0.2)),
        unknown={"latency": "no such metric"},
    )
    return JobMetrics(job=job, at=at, source="monitor/test", samples=(sample,))


def declaration(job: str, at: datetime) -> Declaration:
    spec = JobSpec.model_validate(
        {
            "apiVersion": "daedalus/v1",
            "job": job,
            "engine": {"kind": "flink", "rest": "http://nowhere:1"},
            "input": {"bootstrap": "nowhere:1", "topics": ["in"], "group": job},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 8},
            "policy": {"mode": "advise"},
        }
    )
    return Declaration(job=job, at=at, source="console/test", spec=spec)


def test_an_empty_cluster_says_what_to_do(page: Page, url: str) -> None:
    page.goto(url)

    expect(page.get_by_text("No job is declared yet")).to_be_visible()
    expect(page.get_by_text("daedalus apply -f job.yaml")).to_be_visible()
    keep(page, "empty")


def test_a_job_that_is_not_known_is_named_as_text(page: Page, url: str) -> None:
    page.goto(f"{url}/jobs/%3Cimg%20src%3Dx%20onerror%3D%22window.hurt%3D1%22%3E")

    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=")
    expect(page.get_by_text("daedalus apply -f job.yaml")).to_be_visible()


def test_a_page_waits_for_its_job_and_for_one_that_was_forgotten(
    page: Page, url: str, broker: Broker
) -> None:
    page.goto(f"{url}/jobs/later")
    expect(page.get_by_role("heading", level=1)).to_have_text("No job later is known")

    declare(broker, declaration("later", datetime.now(UTC)))
    expect(page.get_by_role("heading", level=1)).to_have_text("later")
    expect(page.get_by_text("flink · advice only")).to_be_visible()

    gone = page.get_by_text("This job is not declared, or was forgotten.")
    declare(broker, Forget(job="later", at=datetime.now(UTC), source="console/test", author="ada"))
    expect(gone).to_be_visible()
    declare(broker, declaration("later", datetime.now(UTC)))
    expect(gone).to_be_hidden()
    expect(page.get_by_text("flink · advice only")).to_be_visible()
    declare(broker, Forget(job="later", at=datetime.now(UTC), source="console/test", author="ada"))
    expect(gone).to_be_visible()  # so that the tests after this find no job of it


def declare(broker: Broker, event: Event) -> None:
    broker.send(event)
    broker.flush()


def open_newest_rescale(page: Page) -> None:
    """Click on its moment in the chart: a decision that weighed something."""
    where = """() => {
        const chart = getElement(document.querySelector(".d-chart .nicegui-echart")).chart;
        chart.getDom().scrollIntoView({ block: "nearest" });
        const tick = document.querySelector("#rescales tbody local-time").getAttribute("at");
        const [x] = chart.convertToPixel({ gridIndex: 0 }, [Date.parse(tick), 1]);
        const box = chart.getDom().getBoundingClientRect();
        return [box.x + x + 3, box.y + 150];
    }"""
    for _ in range(3):  # the chart is live: it may move between a look and a click
        page.mouse.click(*page.evaluate(where))
        with suppress(AssertionError):
            expect(page.locator("#candidates tbody tr").first).to_be_visible(timeout=10_000)
            break


def overrides(broker: Broker) -> list[Override]:
    """Return those that are written, two at least."""
    tap = broker.tap(Override)

    def found() -> list[Override]:
        return [each.event for each in tap.found if isinstance(each.event, Override)]

    assert tap.until(lambda: len(found()) >= 2, 60)
    tap.close()
    return found()


def test_a_person_looks_explains_pauses_and_resumes(
    page: Page, url: str, broker: Broker, loop: None
) -> None:
    page.goto(url)
    page.get_by_role("link", name=JOB).click(timeout=SERVICES_MS)
    expect(page.locator("#decisions tbody tr").first).to_be_visible(timeout=SERVICES_MS)
    chart = page.locator(".d-chart").first
    expect(chart.locator("svg")).to_be_visible()
    expect(chart).to_have_attribute("data-ready", "")
    expect(page.locator("#rescales tbody tr").first).to_be_visible(timeout=SERVICES_MS)

    open_newest_rescale(page)

    expect(panel(page)).to_be_visible()
    expect(panel(page).get_by_role("heading", level=2)).to_contain_text("Decision of")
    expect(page.locator("#candidates tbody tr").first).to_be_visible()
    expect(page.locator("#candidates tr.d-chosen")).to_have_count(1)
    expect(panel(page)).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/jobs/{JOB}/decisions/[0-9a-f-]+\?tick="))
    address = page.url
    told = panel(page).locator(".d-sentence").inner_text()
    keep(page, "decision")

    # The address can be shared.
    page.goto(address)
    expect(panel(page).locator(".d-sentence")).to_have_text(told)
    panel(page).get_by_role("button", name="Close").click()
    expect(panel(page)).to_be_hidden()
    expect(page).to_have_url(f"{url}/jobs/{JOB}")

    page.get_by_role("button", name="Pause scaling …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Pause scaling").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Reason")
    dialog.get_by_label("Direction").select_option("down")
    dialog.get_by_label("For how long").select_option("2h")
    dialog.get_by_label("Reason").fill(EVIL)
    keep(page, "pause", full=False)
    dialog.get_by_role("button", name="Pause scaling").click()

    force = page.get_by_role("region", name="Overrides in force")
    expect(force).to_contain_text("pause of scaling down until")
    expect(force).to_contain_text(f"asked by {AUTHOR}: {EVIL}")
    expect(dialog).to_be_hidden()
    expect(page.locator(".d-state").first).to_have_text(re.compile("paused|rescaling|overloaded"))
    keep(page, "paused", full=False)

    force.get_by_role("button", name="Resume").click()
    dialog.get_by_role("button", name="Resume").click()
    expect(force).to_be_hidden()
    expect(page.get_by_role("region", name="Taken back lately")).to_contain_text(
        re.compile(rf"pause of scaling down at .* by {AUTHOR}: no longer needed")
    )

    asked, ended = overrides(broker)
    assert (asked.author, asked.why, asked.direction) == (AUTHOR, EVIL, "down")
    assert timedelta(hours=1.9) < asked.until - asked.at < timedelta(hours=2.1)
    assert ended.until == ended.at
    assert (ended.author, ended.why) == (AUTHOR, "no longer needed")


def test_an_event_is_seen_within_two_seconds_in_list_page_and_chart(
    page: Page, context: BrowserContext, url: str, broker: Broker, loop: None
) -> None:
    now = datetime.now(UTC)
    broker.send(declaration("by-hand", now - timedelta(minutes=1)))
    broker.send(report("by-hand", now - timedelta(seconds=10), workload=1_000, lag=7))
    broker.flush()
    page.goto(url)
    line = page.locator("#jobs tbody tr", has=page.get_by_role("link", name="by-hand"))
    expect(line).to_contain_text("7")
    other = context.new_page()
    other.goto(f"{url}/jobs/by-hand")
    expect(other.locator(".d-chart svg").first).to_be_visible()
    chart = "getElement(document.querySelector('.d-chart .nicegui-echart')).chart"
    points = f"{chart}.getOption().series[0].data.map((point) => point[1])"
    assert other.evaluate(points) == [1000]

    def show(number: int) -> None:
        broker.send(
            report("by-hand", datetime.now(UTC), workload=1_000 * number + 340, lag=12_000 * number)
        )
        broker.flush()
        expect(line).to_contain_text(f"{12 * number}k")
        expect(other.get_by_text(f"{number}.34k/s", exact=True)).to_be_visible()
        other.wait_for_function(f"{points}.at(-1) === {1_000 * number + 340}")

    print(f"seen in list, page and chart after {seen_live(show):.2f} s")

    assert other.evaluate(points)[:2] == [1000, 1340]
    expect(line.locator("spark-line .d-workload")).to_have_attribute("d", re.compile("^M"))
    # What is not known is said, and names of workers are text.
    expect(other.locator(".d-tile", has_text="Latency")).to_contain_text("unknown")
    expect(other.locator(".d-tile", has_text="Load of")).to_contain_text("unknown")
    expect(other.locator("svg text", has_text="<b>hot</b>")).to_be_visible()
    assert other.locator("svg b").count() == 0


def test_a_rescale_that_waits_is_approved_with_a_reason(
    page: Page, url: str, broker: Broker
) -> None:
    now = datetime.now(UTC)
    asked = Asked(decision="d" * 32, scale_out=6, until=now + timedelta(minutes=10))
    waits = Decision(
        job="careful",
        at=now,
        tick=now,
        source="planner/horizon",
        planner="horizon",
        scale_out=4,
        chosen=4,
        reason="awaiting_approval",
        sentence="Stay at 4 workers until somebody approves 6.",
        asked=asked,
    )
    for event in (
        declaration("careful", now),
        report("careful", now, workload=1.0, lag=0.0),
        waits,
    ):
        broker.send(event)
    broker.flush()

    page.goto(url)
    page.get_by_role("link", name="careful").click()
    card = page.get_by_role("region", name="Waits for approval")
    expect(card).to_contain_text("→ 6 workers")
    card.get_by_role("button", name="Approve").click()
    expect(card).to_contain_text("Reason: say why")
    reason = card.get_by_label("Reason")
    reason.fill("<i>looked</i> at it")

    # The next tick expects a little else of the same rescale: what is typed stays, and its focus.
    later = datetime.now(UTC)
    again = asked.model_copy(update={"promise": Promise(downtime=10.1)})
    broker.send(waits.model_copy(update={"at": later, "tick": later, "asked": again}))
    broker.send(report("careful", later, workload=1.0, lag=7_777.0))
    broker.flush()
    expect(page.get_by_text("7.78k records")).to_be_visible()
    expect(reason).to_be_focused()
    expect(reason).to_have_value("<i>looked</i> at it")
    card.get_by_role("button", name="Approve").click()

    expect(page.get_by_role("status")).to_contain_text("approved: written")
    expect(card).to_be_hidden()


def test_what_was_spent_is_told_and_what_was_learned_forgotten(
    page: Page, url: str, broker: Broker, loop: None
) -> None:
    job = "sim-0001"
    page.goto(url)
    page.get_by_role("link", name=job).click(timeout=SERVICES_MS)
    expect(page.locator("#decisions tbody tr").nth(1)).to_be_visible(timeout=SERVICES_MS)
    page.get_by_role("link", name="← All jobs").click()
    page.get_by_role("link", name="Cost of all jobs").click()
    page.locator("#bills").get_by_role("link", name=job).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Account of {job}")
    expect(page.locator("#planners tbody th")).to_have_text("horizon", timeout=SERVICES_MS)
    expect(page.get_by_text("PLANNER_INSTANCE=mine")).to_be_visible()
    expect(page.get_by_role("region", name="Cost").locator("svg")).to_be_visible()
    keep(page, "account")

    page.get_by_role("link", name=f"← {job}").click()
    page.get_by_role("button", name="Forget what was learned …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The job runs on with its workers")
    dialog.get_by_role("button", name="Forget").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Reason")
    dialog.get_by_label("Reason").fill(EVIL)
    dialog.get_by_role("button", name="Forget").click()

    expect(page.get_by_role("status").filter(has_text="learned anew")).to_be_visible()
    tap = broker.tap(Forget)

    def forgets() -> list[Forget]:
        told = (one.event for one in tap.found)
        return [each for each in told if isinstance(each, Forget) and each.job == job]

    assert tap.until(lambda: bool(forgets()), 60)
    tap.close()
    [forgotten] = forgets()
    assert (forgotten.job, forgotten.author, forgotten.why) == (job, AUTHOR, EVIL)
    assert forgotten.stays_declared


def test_a_phone_shows_all_without_scrolling_sideways(
    browser: Browser, url: str, loop: None
) -> None:
    context = browser.new_context(
        viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_role("link", name=JOB)).to_be_visible(timeout=SERVICES_MS)
    assert widths(page) == (390, 390)
    keep(page, "phone-list-dark")

    at_work(page, url)
    # That of a rescale: a decision which weighed something.
    page.locator("#rescales tbody a").first.tap()
    expect(page.locator("#candidates")).to_be_visible()
    assert widths(page) == (390, 390)
    keep(page, "phone-job-dark")

    page.goto(f"{url}/jobs/{JOB}/account")
    expect(page.locator("#planners tbody th")).to_have_text("horizon", timeout=SERVICES_MS)
    assert widths(page) == (390, 390)
    keep(page, "phone-account-dark")

    page.goto(f"{url}/jobs/{JOB}")
    page.get_by_role("button", name="Set a floor …").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Workers", exact=True)).to_be_visible()
    box = dialog.locator("form").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    context.close()


def test_a_keyboard_is_enough(page: Page, url: str, loop: None) -> None:
    page.goto(url)
    expect(page.get_by_role("link", name=JOB)).to_be_visible(timeout=SERVICES_MS)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(JOB)
    expect(page.locator("#jobs tbody tr:visible")).to_have_count(1)
    head = page.get_by_role("columnheader", name="Lag, records")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    page.get_by_role("link", name=JOB).focus()
    page.keyboard.press("Enter")

    expect(page.locator("#decisions tbody a").first).to_be_visible(timeout=SERVICES_MS)
    newest = page.locator("#decisions tbody a").first
    newest.focus()
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(newest).to_be_focused()
    pin = page.get_by_role("button", name="Pin the workers …")
    pin.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Workers", exact=True)).to_be_focused()
    page.keyboard.type("400")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("too many")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("above the job's scale.max")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(pin).to_be_focused()


def test_light_and_dark_follow_the_system_or_what_was_chosen(
    page: Page, url: str, loop: None
) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(url)
    expect(page.get_by_role("link", name=JOB)).to_be_visible(timeout=SERVICES_MS)
    assert lightness(page) < 0.2

    theme = page.locator("[data-theme-switch]")
    expect(theme).to_have_attribute("aria-label", "Theme: auto. Change to light.")
    theme.click()
    assert lightness(page) > 0.8
    page.reload()
    expect(theme).to_have_attribute("aria-label", "Theme: light. Change to dark.")
    assert lightness(page) > 0.8
    page.emulate_media(color_scheme="light")
    theme.click()
    assert lightness(page) < 0.2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_of_sufficient_contrast(page: Page, url: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(url)
    expect(page.get_by_role("searchbox")).to_be_visible()

    for ground in ("--surface", "--ground"):
        for name in ("--ink", "--faint", "--link", "--good", "--warn", "--bad"):
            assert contrast(page, name, ground) >= 4.5, (name, ground)
    for name in ("--workload", "--forecast", "--capacity", "--applied", "--recommended", "--lag"):
        assert contrast(page, name, "--surface") >= 3, name


def lightness(page: Page) -> float:
    """Return the luminance of the page's ground, in [0, 1]."""
    return _luminance(page, "--ground")


def contrast(page: Page, name: str, ground: str) -> float:
    """Return the contrast of two colours, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(page, name), _luminance(page, ground)))
    return (high + 0.05) / (low + 0.05)


def _luminance(page: Page, name: str) -> float:
    shown = page.evaluate(
        """(name) => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.color = `var(${name})`;
            const found = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
            probe.remove();
            return found;
        }""",
        name,
    )
    parts = [value / 255 for value in shown]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def test_a_thousand_jobs_are_listed_searched_and_live(page: Page, url: str, broker: Broker) -> None:
    now = datetime.now(UTC)
    for each in range(MANY):
        job = f"many-{each:04}"
        broker.send(declaration(job, now - timedelta(minutes=1)))
        broker.send(report(job, now, workload=100.0 + each, lag=each))
    broker.flush()
    page.goto(url)
    expect(page.get_by_role("status").filter(has_text="jobs")).to_have_text(
        re.compile(r"^100\d jobs$"), timeout=SERVICES_MS
    )
    expect(page.get_by_text("page 1 of 41")).to_be_visible()
    took = seconds_until(lambda: _next(page))
    by_state = page.get_by_role("group", name="By state").get_by_role("button")
    by_state.filter(has_text=re.compile("steady|silent")).first.click()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("steady|silent"))
    page.get_by_role("searchbox").fill("many-0777")
    line = page.locator("#jobs tbody tr:visible")
    expect(line).to_have_count(1)

    def show(number: int) -> None:
        broker.send(
            report("many-0777", datetime.now(UTC), workload=5.0, lag=54_000 + 1_000 * number)
        )
        broker.flush()
        expect(line).to_contain_text(f"{54 + number}k")

    print(f"a page turned in {took:.2f} s, an event seen after {seen_live(show):.2f} s")

    expect(page).to_have_url(re.compile("q=many-0777"))


def _next(page: Page) -> None:
    page.get_by_role("button", name="Next →").click()
    expect(page.get_by_text("page 2 of 41")).to_be_visible()


def test_kafka_goes_away_and_comes_back_while_the_page_is_open(
    page: Page, url: str, broker: Broker
) -> None:
    page.goto(f"{url}/jobs/many-0001")
    expect(page.get_by_role("heading", level=1)).to_have_text("many-0001")
    banner = page.locator(".d-banner")
    expect(banner).to_be_hidden()

    broker.server.kill()
    expect(banner).to_contain_text(
        re.compile(r"Kafka does not answer since \d\d:\d\d.* What you see is of then; it resumes"),
        timeout=120_000,
    )
    keep(page, "kafka-away", full=False)

    broker.server.start()
    expect(banner).to_be_hidden(timeout=120_000)
    broker.send(report("many-0001", datetime.now(UTC), workload=7.0, lag=98_765))
    broker.flush()
    expect(page.get_by_text("98.8k records")).to_be_visible()
