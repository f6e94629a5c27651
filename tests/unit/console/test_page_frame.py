"""A page that is open ends with the token of whoever looks at it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from nicegui import Client, ui
from starlette.requests import Request

from daedalus_console.page.frame import leave
from daedalus_console.page.ports import Console
from daedalus_console.web.access import COOKIE, Access
from daedalus_console.web.settings import Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_page_ends_with_the_token_and_leads_to_where_a_stranger_is_led(tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text(f"- {{name: alan, sha256: {hashlib.sha256(b'look').hexdigest()}}}\n")
    console = Console(cast("Any", None), Access(Settings(tokens=file), "ada", lambda: NOON))
    headers = [(b"host", b"localhost"), (b"cookie", f"{COOKIE}=look".encode())]
    asked = {"type": "http", "path": "/", "query_string": b"", "headers": headers}

    with Client(ui.page("/"), request=Request(asked)) as client:
        ui.element("p")
        leave(console, client)
        assert len(client.content.default_slot.children) == 1
        file.write_text("[]\n")
        leave(console, client)

    assert client.content.default_slot.children == []
    assert [(kind, data["path"]) for _, kind, data in client.outbox.messages] == [("open", "/")]
