"""How many records a job hands to itself for each one that it reads, such as the words of a line.

Those that wait between its steps are worth as many inputs as they were made of; else nine words
would count as nine lines, and a job with a commit interval of some seconds would seem far behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from daedalus_monitor.domain.offsets import Offsets
from daedalus_monitor.domain.readings import Unknown

KEPT = 0.9
"""What a sum keeps from one commit to the next: ten commits count."""

LEAST_COMMITS = 3
"""Before them, a record counts as one: what was made since the last commit belongs to no input."""


@dataclass(frozen=True, slots=True)
class FanOut:
    """Sums over the newest commits; at each look at which the group has moved on."""

    commits: float = 0.0
    """Seen, discounted like the sums."""

    read: float = 0.0
    """Input records."""

    made: Mapping[str, float] = field(default_factory=dict)
    """Records by topic between the steps."""

    last_read: int | None = None
    """The sum of the input's commits at the last look."""

    last_made: Mapping[str, int] = field(default_factory=dict)
    """The sum of the ends by topic, then."""

    def seen(self, found: Offsets) -> Self:
        """Return the sums with one more look, as it is where the look does not tell."""
        between = found.between
        if between is None or isinstance(found.committed, Unknown):
            return self
        if isinstance(between.ends, Unknown):
            return self
        read = sum(offset or 0 for offset in found.committed.values())
        made: dict[str, int] = {}
        for (topic, _), end in between.ends.items():
            made[topic] = made.get(topic, 0) + end
        backwards = any(made.get(topic, 0) < last for topic, last in self.last_made.items())
        if self.last_read is None or read < self.last_read or backwards:
            return type(self)(last_read=read, last_made=made)  # a first look, or topics made anew
        if read == self.last_read:
            return self
        sums = {
            topic: KEPT * self.made.get(topic, 0.0) + number - self.last_made.get(topic, 0)
            for topic, number in made.items()
        }
        return type(self)(
            commits=KEPT * self.commits + 1,
            read=KEPT * self.read + read - self.last_read,
            made=sums,
            last_read=read,
            last_made=made,
        )

    @property
    def worth(self) -> dict[str, float]:
        """Return how many inputs a record of each topic is worth, at most one.

        Where a step hands on less than it reads, as one that filters, one that waits is no more
        than one: it would make a backlog of a handful.
        """
        least = sum(KEPT**n for n in range(LEAST_COMMITS))
        if self.commits < least or self.read <= 0:
            return {}
        return {topic: min(1.0, self.read / made) for topic, made in self.made.items() if made > 0}
