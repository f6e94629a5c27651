"""A message that could not be read, kept for whoever wants to know why."""

from typing import ClassVar

from pydantic import Field

from daedalus_shared.events.base import Event


class DeadLetter(Event):
    """A message that no retry would help. `job` is `unknown` where the key names none."""

    NAME: ClassVar[str] = "dead-letters"

    topic: str
    """Where the message lies."""

    partition: int = Field(ge=0)
    """Its partition."""

    offset: int = Field(ge=0)
    """Its offset."""

    why: str
    """What is wrong with it."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Its headers, undecodable bytes replaced."""

    value: str | None = None
    """Its first 4,096 bytes as text, undecodable bytes replaced; null for no value."""

    @property
    def identity(self) -> str:
        """One a message."""
        return f"{self.topic}|{self.partition}|{self.offset}"
