"""`daedalus serve`."""

from typing import Annotated

import typer

from daedalus_console.options import AsJson, Bootstrap, examples


def register(app: typer.Typer) -> None:
    """Add the command that serves page and API."""
    app.command(
        "serve",
        short_help="Serve the web page and the HTTP API.",
        epilog=examples(
            "daedalus serve",
            "daedalus serve --steer --port 8000",
            "daedalus serve --port 0 --json | jq -r .url",
            "CONSOLE_TOKENS=tokens.yaml daedalus serve --host 0.0.0.0",
        ),
    )(serve)


def serve(
    host: Annotated[
        str | None,
        typer.Option("--host", envvar="CONSOLE_HOST", help="Address to listen on [127.0.0.1]."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", envvar="CONSOLE_PORT", help="Port; 0 for a free one [8090]."),
    ] = None,
    steer: Annotated[
        bool, typer.Option("--steer", help="Let whoever is on this machine steer, in your name.")
    ] = False,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Serve the web page and the HTTP API, until Ctrl-C.

    Without further settings it only reads, and only this machine reaches it. Tokens, reverse
    proxies and all else are settings of the environment, CONSOLE_…: docs/settings.md.
    """
    from daedalus_console.runs import serve as run

    raise typer.Exit(run.serve(bootstrap, host, port, steer=steer, as_json=as_json))
