"""Trains models in a process of its own, so that the event loop and its heartbeats never wait."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context

from daedalus_forecaster import models
from daedalus_forecaster.adapters import worker
from daedalus_forecaster.models import Trained, TrainingData

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a training is begun whose process died, such as for want of memory."""


class TrainingError(RuntimeError):
    """The training process dies on the same data again and again."""


class Trainer:
    """One training process, started when there is something to train, and its results at hand."""

    def __init__(
        self, idle: float, train: Callable[[TrainingData], Trained] = models.train
    ) -> None:
        """Make a trainer; no process is started yet.

        Args:
            idle: Seconds without training after which the process ends.
            train: What the process does; a pure function that it can import by name.
        """
        self._idle = idle
        self._train = train
        self._pool: ProcessPoolExecutor | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._asked: dict[str, tuple[TrainingData, Future[Trained]]] = {}

    def ask(self, job: str, data: TrainingData) -> Future[Trained]:
        """Begin a training, unless this job's result on the same data is there or under way."""
        asked = self._asked.get(job)
        if asked is None or asked[0] != data or _came_to_nothing(asked[1]):
            asked = self._asked[job] = (data, self._begin(data))
        return asked[1]

    def forget(self, job: str) -> None:
        """Drop a job's result, or its training where that has not begun yet."""
        asked = self._asked.pop(job, None)
        if asked is not None:
            asked[1].cancel()

    def forget_all(self) -> None:
        """Drop all jobs."""
        for job in list(self._asked):
            self.forget(job)

    async def ready(self, job: str, data: TrainingData) -> None:
        """Return when the result is at hand.

        Raises:
            TrainingError: The training process died each time.
        """
        for attempt in range(1, ATTEMPTS + 1):
            future = self.ask(job, data)
            while future.cancelled() or not future.done():
                future = self.ask(job, data)  # anew, where a new assignment has cancelled it
                await asyncio.wait([_awaitable(future)])
            if not isinstance(future.exception(), BrokenProcessPool):
                self._asked[job] = (data, future)
                return
            log.warning("%s: the training process died, attempt %d", job, attempt)
        raise TrainingError(f"{job}: the training process died {ATTEMPTS} times on its history")

    def trained(self, data: TrainingData) -> Trained:
        """Return the result at hand; without one it is trained here and now, and is the same."""
        for known, future in self._asked.values():
            if known == data and future.done() and not _came_to_nothing(future):
                return future.result()
        return self._train(data)

    def end(self) -> None:
        """End the process, whatever it does."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
                process.join()

    def _begin(self, data: TrainingData) -> Future[Trained]:
        if self._ending is not None:
            self._ending.cancel()
        try:
            future = self._running().submit(self._train, data)
        except BrokenProcessPool:
            self.end()
            future = self._running().submit(self._train, data)
        _awaitable(future).add_done_callback(self._rest)
        return future

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, get_context("spawn"), worker.begin)
        return self._pool

    def _rest(self, done: asyncio.Future[Trained]) -> None:
        """End the process after a while without work."""
        if self._ending is not None:
            self._ending.cancel()
        if all(future.done() for _, future in self._asked.values()):
            self._ending = done.get_loop().call_later(self._idle, self.end)


def _awaitable(future: Future[Trained]) -> asyncio.Future[Trained]:
    """Return what can be awaited; its error is `ready`'s matter, and asyncio need not complain."""
    found = asyncio.wrap_future(future)
    found.add_done_callback(lambda done: done.cancelled() or done.exception())
    return found


def _came_to_nothing(future: Future[Trained]) -> bool:
    if not future.done():
        return False
    return future.cancelled() or isinstance(future.exception(), BrokenProcessPool)
