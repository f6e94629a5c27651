"""What the forecaster does beside its fold: it trains ahead of time, and tells how it does."""

import asyncio
from datetime import datetime

from daedalus_forecaster import telemetry
from daedalus_forecaster.adapters.trainer import Trainer
from daedalus_forecaster.forecaster import takes_effect
from daedalus_forecaster.state import ForecasterState
from daedalus_shared.control import JobControl
from daedalus_shared.events import Event
from daedalus_shared.relay import Hooks, Relay


class ForecasterHooks(Hooks[ForecasterState]):
    """Connects the relay to the training process."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._told: dict[str, datetime] = {}

    def stored(self, job: str, control: JobControl, state: ForecasterState | None) -> None:
        """Begin the training that the state asks for; tell of a tick once."""
        del control
        data = None if state is None else state.training_data
        if data is None:
            self._trainer.forget(job)
        else:
            self._trainer.ask(job, data)
        if state is None:
            self._told.pop(job, None)
        elif self._told.get(job) != state.tick:
            if job in self._told:  # else restored: told before, by this replica or another
                telemetry.observe(state)
            self._told[job] = state.tick

    def dropped(self) -> None:
        """Leave all jobs to whoever owns them now."""
        self._trainer.forget_all()
        self._told.clear()

    async def prepare(
        self, control: JobControl, state: ForecasterState | None, event: Event
    ) -> None:
        """Wait for a training right before the tick at which it takes effect."""
        del control
        if state is None or not takes_effect(state, event):
            return
        data = state.training_data
        if data is not None:
            await self._trainer.ready(event.job, data)
            telemetry.count(self._trainer.trained(data))

    async def background(self, relay: Relay[ForecasterState]) -> None:
        """End the training process with the service."""
        del relay
        try:
            await asyncio.Event().wait()
        finally:
            self._trainer.end()
