"""Which TCP ports of this machine are free."""

import errno
import random
import socket
from collections.abc import Iterable

from daedalus_local.errors import StackError

HOST = "127.0.0.1"
"""All of the stack listens here only: none of it asks for a password."""

_CHOSEN = range(20_000, 30_000)
"""Below what Linux gives by default to connections and to servers without a port of their own: none
of these takes a port between its choice and its use."""

_RANDOM = random.SystemRandom()
"""Not the seeded one: two processes of one seed would choose the same ports."""


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of the previous run in TIME_WAIT is no obstacle to them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port(preferred: int | None = None, *, avoid: Iterable[int] = ()) -> int:
    """Return the preferred port if it is free, else another free one that is not in `avoid`.

    The port may be taken between this call and its use; who uses it reports that as an error.
    """
    avoided = set(avoid)
    if preferred is not None and preferred not in avoided and is_free(preferred):
        return preferred
    for _ in range(256):
        port = _RANDOM.choice(_CHOSEN)
        if port not in avoided and is_free(port):
            return port
    raise StackError("no free TCP port found on this machine")
