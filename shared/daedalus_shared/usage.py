"""What a service says to who starts it with arguments: it takes none, all is in the environment."""

import sys
import textwrap
from collections.abc import Iterator, Sequence

from pydantic_settings import BaseSettings

WIDTH = 80
"""Columns of the help."""


def heed(settings: type[BaseSettings], module: str, arguments: Sequence[str]) -> None:
    """Return where there are no arguments; else end the process.

    Args:
        settings: The settings of the service.
        module: How it is started: `python -m MODULE`.
        arguments: What it was started with.

    Raises:
        SystemExit: 0 after `--help`, 2 after anything else.
    """
    if not arguments:
        return
    if set(arguments) <= {"-h", "--help"}:
        print("\n".join(told(settings, module)))
        raise SystemExit(0)
    print(
        f"{module}: takes no arguments such as {arguments[0]!r}; its settings are environment "
        "variables, which --help lists",
        file=sys.stderr,
    )
    raise SystemExit(2)


def told(settings: type[BaseSettings], module: str) -> Iterator[str]:
    """Yield the lines of the help."""
    prefix = settings.model_config.get("env_prefix", "")
    yield f"Usage: {prefix}BOOTSTRAP=kafka:9092 python -m {module}"
    yield ""
    yield "Runs until SIGTERM. Settings, from the environment:"
    for name, field in settings.model_fields.items():
        default = "required" if field.is_required() else f"default {_shown(field.get_default())}"
        meaning = " ".join((field.description or "").replace("`", "").split())
        yield ""
        yield f"  {prefix}{name.upper()}"
        yield from textwrap.wrap(
            f"{meaning} [{default}]", WIDTH, initial_indent="    ", subsequent_indent="    "
        )


def _shown(default: object) -> str:
    return "none" if default is None or default == () else str(default)
