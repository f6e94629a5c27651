"""Which Kafka the command talks to, and how it knows."""

import json
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "DAEDALUS_BOOTSTRAP"
STACK = Path(".daedalus") / "stack.json"
"""Where the local stack writes what it runs, in the folder that it was started in."""

DEFAULT = "localhost:9092"


@dataclass(frozen=True, slots=True)
class Address:
    """A bootstrap address and where it comes from, which an error names."""

    bootstrap: str
    origin: str

    def __str__(self) -> str:
        """Return both, as an error shows them."""
        return f"{self.bootstrap} ({self.origin})"


def address(given: str | None, directory: Path) -> Address:
    """Return the address given by option or environment, else a local stack's, else the default.

    Args:
        given: What the option or the environment says.
        directory: Where a local stack is looked for, and in the folders above it.
    """
    if given:
        return Address(given, f"from --bootstrap or {VARIABLE}")
    for folder in (directory, *directory.parents):
        found = _of_stack(folder / STACK)
        if found:
            return Address(found, f"from {folder / STACK}")
    return Address(DEFAULT, f"the default; set --bootstrap or {VARIABLE}")


def _of_stack(path: Path) -> str | None:
    try:
        stack = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    found = stack.get("bootstrap") if isinstance(stack, dict) else None
    return found if isinstance(found, str) else None
