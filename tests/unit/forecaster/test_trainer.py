"""The training process: the same results as here, at hand in time, and gone with its parent."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import REGISTRY

from daedalus_forecaster.adapters.trainer import Trainer, TrainingError
from daedalus_forecaster.hooks import ForecasterHooks
from daedalus_forecaster.models import ArimaParams, Trained, TrainingData, train
from daedalus_shared.events import JobMetrics

CONSTANT = TrainingData("arima", (5.0,) * 60)
"""Data that need no search, so that no process imports Darts."""

WALK = Trained(ArimaParams(differences=1).model_dump(mode="json"))


@pytest.fixture
async def trainer() -> AsyncIterator[Trainer]:
    found = Trainer(idle=60.0)
    yield found
    found.end()


def workers() -> list[int]:
    """Return the pids of training processes of ours that run.

    Asked of the kernel: `active_children` counts one that somebody else has waited for as alive.
    """
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        children = ""
        with suppress(OSError):  # a thread that ended since it was listed
            children = path.read_text()
        for pid in map(int, children.split()):
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()  # empty for a zombie
                if b"spawn_main" in command:
                    found.append(pid)
    return found


def ended() -> bool:
    """Wait for the processes that were told to end; says whether they did."""
    deadline = time.monotonic() + 30
    while workers() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not workers()


@pytest.fixture(autouse=True)
def _alone() -> None:
    """A process of the test before has ended."""
    assert ended()


async def test_a_result_is_at_hand_once_it_was_waited_for(trainer: Trainer) -> None:
    trainer.ask("ysb", CONSTANT)
    await trainer.ready("ysb", CONSTANT)

    assert trainer.trained(CONSTANT) == WALK
    assert len(workers()) == 1


async def test_without_a_request_it_is_trained_when_it_is_waited_for(trainer: Trainer) -> None:
    await trainer.ready("ysb", CONSTANT)

    assert trainer.trained(CONSTANT) == WALK


def test_without_a_result_it_is_trained_here() -> None:
    trainer = Trainer(idle=60.0)

    assert trainer.trained(CONSTANT) == WALK
    assert workers() == []


async def test_an_assignment_that_changes_while_it_is_waited_for_loses_nothing(
    trainer: Trainer,
) -> None:
    waiting = asyncio.create_task(trainer.ready("ysb", CONSTANT))
    await asyncio.sleep(0)
    trainer.forget_all()
    await waiting

    assert trainer.trained(CONSTANT) == WALK


async def test_the_process_ends_when_it_has_nothing_to_do() -> None:
    trainer = Trainer(idle=0.0)
    await trainer.ready("ysb", CONSTANT)
    await asyncio.sleep(0)
    assert ended()

    await trainer.ready("other", CONSTANT)  # and begins again

    assert trainer.trained(CONSTANT) == WALK
    trainer.end()


async def test_a_process_that_dies_each_time_is_a_clear_error_and_no_noise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trainer = Trainer(idle=60.0, train=cast("Any", signal.raise_signal))

    with pytest.raises(TrainingError, match="ysb: the training process died 3 times"):
        await trainer.ready("ysb", cast("Any", signal.SIGKILL))
    trainer.end()
    gc.collect()  # asyncio complains of an error that nobody looked at when it goes

    assert "never retrieved" not in caplog.text


async def test_a_process_that_died_once_is_started_again(trainer: Trainer) -> None:
    await trainer.ready("ysb", CONSTANT)
    (pid,) = workers()
    os.kill(pid, signal.SIGKILL)
    assert ended()

    other = TrainingData("arima", (6.0,) * 60)
    await trainer.ready("ysb", other)

    assert trainer.trained(other) == WALK


async def test_training_in_the_process_and_here_give_the_same_bits(trainer: Trainer) -> None:
    """The only test here that imports Darts, twice: about 12 s."""
    shocks = np.random.default_rng(3).normal(0.0, 1.0, 480)
    values = 1e5 + 2e4 * np.sin(np.arange(480) / 40) + 1e3 * np.cumsum(shocks)
    data = TrainingData("arima", tuple(values.tolist()))
    assert "arima(" not in str(train(data).failure)

    await trainer.ready("ysb", data)

    assert trainer.trained(data) == train(data)
    assert trainer.trained(data).params != WALK.params


# -- hooks -----------------------------------------------------------------------------------------


async def test_the_shell_trains_ahead_and_waits_right_before_it_is_due(
    trainer: Trainer, new_job: Callable[..., Any], declare: Callable[..., Any]
) -> None:
    hooks = ForecasterHooks(trainer)
    job = new_job(control=declare(least_history=300.0), trained=trainer.trained)
    waited: list[int] = []

    async def deliver(event: JobMetrics) -> None:
        data = None if job.state is None else job.state.training_data
        await hooks.prepare(job.control, job.state, event)
        if data is not None and trainer.ask("ysb", data).done():
            waited.append(job.slot)
        job.take(event)
        hooks.stored("ysb", job.control, job.state)

    for slot in range(45):
        job.slot = slot
        await deliver(job.report(slot, 5.0))

    assert 40 in waited
    assert job.state.serving.params == WALK.params
    assert job.forecasts[-1].model == "arima(0,1,0)"


async def test_a_lost_assignment_drops_what_was_not_begun(trainer: Trainer) -> None:
    hooks = ForecasterHooks(trainer)
    queued = [trainer.ask(f"job-{number}", CONSTANT) for number in range(50)]

    hooks.dropped()

    assert sum(future.cancelled() for future in queued) >= 40


def test_a_tick_is_told_once(trainer: Trainer, new_job: Callable[..., Any]) -> None:
    def told() -> float:
        labels = {"reason": "little_history"}
        return REGISTRY.get_sample_value("daedalus_forecaster_forecasts_total", labels) or 0.0

    hooks, job = ForecasterHooks(trainer), new_job()
    job.feed([100.0])
    hooks.stored("ysb", job.control, job.state)  # as after an assignment: told before
    before = told()

    for workload in [100.0] * 8:  # two ticks
        job.feed([workload])
        hooks.stored("ysb", job.control, job.state)
        hooks.stored("ysb", job.control, job.state)

    assert told() - before == 2


def test_importing_the_service_imports_no_darts() -> None:
    """It would take 5 s and 270 MB; the training process alone pays for it."""
    code = (
        "import sys, daedalus_forecaster.__main__;"
        "print(sorted({'darts', 'statsforecast', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
