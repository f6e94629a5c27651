"""`serve`."""

import json
import logging
import socket
from datetime import timedelta
from pathlib import Path

import uvicorn

from daedalus_console import output
from daedalus_console.brokers import address
from daedalus_console.errors import ConsoleError, Exit
from daedalus_console.live.live import Live
from daedalus_console.live.reader import Reader, sources
from daedalus_console.page.app import mount
from daedalus_console.runs.common import author, now
from daedalus_console.web import settings as env
from daedalus_console.web.access import Access
from daedalus_console.web.app import Parts, build
from daedalus_console.web.people import Role
from daedalus_console.web.settings import Settings
from daedalus_shared.telemetry import log_json

BACKLOG = 2048
"""Connections that wait to be taken."""

GRACE = 2
"""Seconds that open streams and pages are given when the console ends."""


def serve(
    bootstrap: str | None, host: str | None, port: int | None, *, steer: bool, as_json: bool
) -> Exit:
    """Serve until told to stop."""
    settings = env.read(host, port, steer=steer)
    log_json("console", settings.log_level)
    # It repeats each answer, and each stream that somebody closed.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    where = address(bootstrap, Path.cwd())
    access = Access(settings, author().name, now)
    live = Live()
    app = build(Parts(settings, live, access, where, now), mount)
    reader = Reader(live, where, sources(timedelta(seconds=settings.past), settings.most_records))
    bound = listen(settings)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{shown}:{bound.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        proxy_headers=False,  # whose word is believed, the console judges by the true peer
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    reader.start()
    try:
        if as_json:
            output.line(json.dumps({"url": url}))
        else:
            output.line(f"The console is at {url} ({_may(settings)}); Ctrl-C ends it.")
        uvicorn.Server(config).run(sockets=[bound])
    finally:
        reader.stop()
    return Exit.OK


def listen(settings: Settings) -> socket.socket:
    """Return the socket that is listened on, or raise `ConsoleError`."""
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, where = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        bound.listen(BACKLOG)  # who comes before the server is up waits, and is not refused
    except OSError as error:
        raise ConsoleError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            "choose another with --port"
        ) from error
    bound.set_inheritable(True)
    return bound


def _may(settings: Settings) -> str:
    if settings.signed_in:
        return "who signs in may what their role says"
    if settings.anybody_reads:
        return "whoever reaches it may read, and nobody steer"
    may = {Role.READ: "read", Role.STEER: "read and steer"}[settings.local]
    return f"whoever is on this machine may {may}"
