"""The executor's fold: commands become stored intents; the outcomes come from outside the fold."""

from typing import ClassVar

from pydantic import BaseModel

from daedalus_executor.domain.state import ExecutorState, take
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, Event, Forget, ScaleCommand, ScaleOutcome
from daedalus_shared.service import Step


class Executor:
    """Notes each command as an intent, so that whoever serves the job next carries it out."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (ScaleCommand,)
    RESULTS: ClassVar[tuple[type[Event], ...]] = (ScaleOutcome,)
    KIND: ClassVar[str] = "ExecutorState"
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[type[BaseModel]] = ExecutorState

    name = "executor"

    def __init__(self, instance: str = "executor") -> None:
        self.instance = instance

    @property
    def source(self) -> str:
        """Who the outcomes come from."""
        return f"{self.name}/{self.instance}"

    def needs(
        self, control: JobControl, state: ExecutorState | None, event: Event
    ) -> frozenset[type[Event]]:
        """Return control before a command: its mode and bounds are to be the present ones."""
        del control, state  # they do not matter here
        return frozenset({ControlEvent}) if isinstance(event, ScaleCommand) else frozenset()

    def handle(
        self, control: JobControl, state: ExecutorState | None, event: Event
    ) -> Step[ExecutorState]:
        """Store a command; forget the job unless a command of it is still in hand."""
        if isinstance(event, ScaleCommand):
            return take(state, event, self.source)
        if isinstance(event, Forget) and control.newest is None and state and not state.pending:
            return Step(None)
        return Step(state)
