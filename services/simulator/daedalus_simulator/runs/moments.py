"""Times as people write them, for commands that look back."""

from datetime import UTC, datetime

from daedalus_shared import moments
from daedalus_simulator.errors import UsageError


def moment(text: str) -> datetime:
    """Return the instant that a person means, as `daedalus_shared.moments` reads it.

    Raises:
        UsageError: It is none.
    """
    try:
        return moments.moment(text, datetime.now(UTC), "past")
    except ValueError as error:
        raise UsageError(str(error)) from error
