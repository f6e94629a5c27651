"""Puts the page into the console's web application."""

from datetime import UTC, datetime, timedelta
from importlib import resources

from fastapi import FastAPI
from nicegui import ui
from starlette.requests import Request

from daedalus_console.accounts.books import EARLIEST
from daedalus_console.page.account import account
from daedalus_console.page.choose import Choice
from daedalus_console.page.costs import costs
from daedalus_console.page.job import Opened, job
from daedalus_console.page.listing import listing
from daedalus_console.page.ports import Console
from daedalus_console.web.access import Access
from daedalus_console.web.api import Ports

AHEAD = timedelta(minutes=5)
"""How far a service's clock may be ahead of this one's."""

BOOT = """<div id="d-boot" role="status">Daedalus: loading …</div>
<noscript><p>This page needs JavaScript. <code>daedalus jobs</code> and
<code>daedalus watch</code> show the same in a terminal.</p></noscript>"""


def mount(app: FastAPI, ports: Ports, access: Access) -> None:
    """Serve the page from `/` on; call it once a process, after all other routes."""
    console = Console(ports, access)
    static = resources.files("daedalus_console.page") / "static"
    style, script = ((static / name).read_text() for name in ("page.css", "page.js"))
    ui.add_head_html(f"<style>{style}</style><script>{script}</script>", shared=True)
    ui.add_body_html(BOOT, shared=True)

    @ui.page("/")
    def _jobs(q: str = "", sort: str = "", down: str = "", page: str = "1") -> None:
        listing(console, Choice.of(q, sort, down, page))

    @ui.page("/jobs/{name}")
    def _job(name: str, request: Request) -> None:
        job(console, name, None, request)

    @ui.page("/jobs/{name}/decisions/{decision}")
    def _decision(name: str, decision: str, request: Request, tick: str = "") -> None:
        job(console, name, Opened(decision, instant_of(tick, console.now())), request)

    @ui.page("/jobs/{name}/account")
    def _account(name: str, request: Request, since: str = "") -> None:
        account(console, name, since, request)

    @ui.page("/cost")
    def _cost(since: str = "") -> None:
        costs(console, since)

    ui.run_with(
        app,
        title="Daedalus",
        dark=None,  # as the system has it; page.js remembers what is chosen
        language="en-GB",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=30.0,
        binding_refresh_interval=None,
    )


def instant_of(text: str, now: datetime) -> datetime | None:
    """Return the tick that an address names; None where it is none at which a decision can be.

    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> instant_of("2026-01-01T12:00:00+01:00", noon)
    datetime.datetime(2026, 1, 1, 11, 0, tzinfo=datetime.timezone.utc)
    >>> for text in ("noon", "2026-01-01T12:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59Z"):
    ...     assert instant_of(text, noon) is None
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None or not EARLIEST <= at <= now + AHEAD:
        return None
    return at.astimezone(UTC)
