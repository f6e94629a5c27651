"""How long a job did not work: from samples of its state, and from its tasks' own times."""

from collections.abc import Iterable, Sequence
from itertools import pairwise


def down_seconds(samples: Sequence[tuple[float, bool]]) -> float:
    """Return the seconds between the samples in which the job did not run.

    A sample counts until the next one, so that beginning and end are late alike and the error has
    no bias.

    Args:
        samples: (seconds, runs), ascending.

    >>> down_seconds([(0.0, True), (0.5, False), (1.0, False), (1.5, True)])
    1.0
    """
    return sum(after - at for (at, runs), (after, _) in pairwise(samples) if not runs)


def start_seconds(running_since: float, tasks_since: Iterable[float]) -> float:
    """Return the seconds from the job's start until the last of its tasks had started too.

    All times are by the engine's clock, in seconds.
    """
    return max((since - running_since for since in tasks_since), default=0.0)
