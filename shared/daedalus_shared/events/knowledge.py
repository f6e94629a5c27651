"""What a service has learned or done for a job: one snapshot a service and job."""

from typing import ClassVar

from pydantic import Field, JsonValue

from daedalus_shared.events.base import Event


class Knowledge(Event):
    """A snapshot of an instance's state for one job; the highest (epoch, revision) wins."""

    NAME: ClassVar[str] = "knowledge"

    kind: str = Field(pattern=r"^[A-Za-z]+$")
    """Whose state: `AnalyzerState`, `PlannerState`, …"""

    instance: str
    """The instance that it belongs to, so that shadows never collide."""

    version: int = Field(ge=1)
    """Version of `state`'s form and meaning; the owner ignores others."""

    epoch: int = Field(ge=0)
    """Rises with each assignment of the partition: a former owner's late write never wins."""

    revision: int = Field(ge=0)
    """Rises with each snapshot."""

    covers: dict[str, int] = Field(default_factory=dict)
    """Topic → newest offset of this job's events that `state` includes."""

    state: JsonValue
    """The owner's state."""

    @property
    def key(self) -> str:
        """Job, kind and instance."""
        return f"{self.job}/{self.kind}/{self.instance}"

    @property
    def identity(self) -> str:
        """One snapshot of a revision."""
        return f"{self.kind}|{self.epoch}|{self.revision}"

    @property
    def rank(self) -> tuple[int, int]:
        """Of several snapshots of a key, the highest rank wins."""
        return (self.epoch, self.revision)
