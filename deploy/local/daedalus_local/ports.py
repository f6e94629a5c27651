"""Which TCP ports of this machine are free."""

import errno
import socket
from collections.abc import Iterable

from daedalus_local.errors import StackError

HOST = "127.0.0.1"
"""All of the stack listens here only: none of it asks for a password."""


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
    for _ in range(64):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in avoided:
            return port
    raise StackError("no free TCP port found on this machine")
