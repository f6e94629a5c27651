"""How the training process behaves: it keeps out of the way, and ends when its parent does."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

_NICE = 10
"""Training gives way to everything else on the machine: it has five loops' time."""


def begin() -> None:
    """Prepare the process: Ctrl-C is the parent's business, and the parent's end is ours.

    A killed parent cannot end its pool, and a pool's process keeps both ends of its own queue, so
    that it would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
