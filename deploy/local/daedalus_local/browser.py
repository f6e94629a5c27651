"""Opens the console's page in the browser of the person who started a demo, where there is one."""

import os
import sys
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from urllib.parse import quote

NONE = "none"
"""Value of `BROWSER` with which nothing is opened, as many programs have it."""


def wanted(env: Mapping[str, str], platform: str, *, terminal: bool) -> bool:
    """Whether somebody sits at a desktop here who would see a browser open.

    Args:
        env: The environment: `BROWSER=none` says no, and a session over SSH has no desktop here.
        platform: As `sys.platform`.
        terminal: Whether the output goes to a terminal, not to a file or a pipe.
    """
    if not terminal or env.get("BROWSER", "").strip().lower() == NONE or env.get("CI"):
        return False
    if env.get("SSH_CONNECTION"):
        return False
    return platform == "darwin" or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def page_of(console: str, job: str) -> str:
    """Return the address of a job's page.

    >>> page_of("http://127.0.0.1:8090", "ysb")
    'http://127.0.0.1:8090/jobs/ysb'
    """
    return f"{console.rstrip('/')}/jobs/{quote(job, safe='')}"


def show(url: str, *, open_it: Callable[[str], object] | None = None) -> Thread:
    """Open an address and do not wait for it: some browsers return only when they are closed.

    Whatever fails is silent: the address is printed beside.
    """

    def attempt() -> None:
        with suppress(OSError, webbrowser.Error):
            (open_it or _open)(url)

    thread = Thread(target=attempt, name="browser", daemon=True)
    thread.start()
    return thread


def _open(url: str) -> None:
    found = webbrowser.get()
    # One of this very class takes the terminal over (w3m, lynx), in which decisions are told.
    if type(found) is webbrowser.GenericBrowser and not os.environ.get("BROWSER"):
        return
    found.open(url)


def at_a_desktop() -> bool:
    """Whether this process runs at a desktop, as far as its environment tells."""
    return wanted(os.environ, sys.platform, terminal=sys.stdout.isatty())
