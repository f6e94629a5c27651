"""Sources that answer and lie still are found out by others that move."""

from dataclasses import replace

import pytest

from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.domain.stillness import Doubts, Look, Stillness, believed

LOOKS = 4
ENGINE = EngineLook(
    scale_out=1,
    uptime=60.0,
    latency=0.5,
    workers=(),
    max_parallelism=12,
    checkpoint_interval=1.0,
)


def engine(throughput: Reading[float], cpu: Reading[float] = 1.0) -> EngineLook:
    return replace(ENGINE, workers=(WorkerLook("tm-1", cpu, throughput),))


def doubts(*looks: Look) -> Doubts:
    still = Stillness()
    for look in looks:
        still = still.with_look(look)
    return still.doubts(looks[-1].engine, LOOKS)


def test_all_that_moves_is_believed() -> None:
    looks = [
        Look(5.0, 1000.0 * n, 1000.0 * n - 100, engine(200.0, 0.5 + n / 100)) for n in range(10)
    ]

    assert doubts(*looks) == Doubts()


def test_a_job_without_load_is_believed() -> None:
    assert doubts(*[Look(5.0, 1000.0, 1000.0, engine(0.0))] * 20) == Doubts()


def test_end_offsets_that_stand_while_the_job_reads_on_lie_still() -> None:
    found = doubts(*[Look(5.0, 1000.0, 1000.0, engine(200.0))] * (LOOKS + 1))

    assert found.offsets == "the end offsets lie still for 20 s while the job read 4000 records"


def test_end_offsets_may_stand_while_the_job_works_off_its_backlog() -> None:
    looks = [Look(5.0, 10_000.0, 1000.0 * n, engine(200.0)) for n in range(LOOKS + 1)]

    assert doubts(*looks).offsets is None


def test_end_offsets_are_believed_without_commits_to_tell_the_backlog() -> None:
    looks = [Look(5.0, 1000.0, Unknown("none"), engine(200.0))] * 20

    assert doubts(*looks).offsets is None


def test_commits_that_stand_while_the_job_reads_on_lie_still() -> None:
    looks = [Look(5.0, 1000.0 * n, 500.0, engine(200.0)) for n in range(LOOKS + 1)]

    assert doubts(*looks).commits == (
        "the committed offsets lie still for 20 s while the job read 4000 records"
    )


def test_commits_may_stand_for_a_few_long_checkpoint_intervals() -> None:
    slow = replace(engine(200.0), checkpoint_interval=60.0)
    looks = [Look(5.0, 1000.0 * n, 500.0, slow) for n in range(100)]

    assert doubts(*looks[:37]).commits is None
    assert doubts(*looks[:38]).commits is not None


def test_commits_of_a_job_that_is_stuck_are_believed() -> None:
    looks = [Look(5.0, 1000.0 * n, 500.0, engine(0.0)) for n in range(20)]

    assert doubts(*looks) == Doubts()


def test_counters_that_stand_while_the_job_commits_lie_still() -> None:
    looks = [Look(5.0, 1000.0 * n, 1000.0 * n - 10, engine(0.0)) for n in range(10)]

    found = doubts(*looks)

    assert found.throughput is not None
    assert found.throughput.startswith("the engine's counters lie still for 45 s while the job")


def test_the_commit_after_a_job_has_read_all_is_no_contradiction() -> None:
    before = [Look(5.0, 1000.0, 800.0, engine(40.0))] * 2
    after = [Look(5.0, 1000.0, 1000.0, engine(0.0))] * 20

    assert doubts(*before, *after).throughput is None


@pytest.mark.parametrize(
    ("cpu", "doubted"),
    [
        pytest.param(0.4370, True, id="exactly the same share"),
        pytest.param(1.0, False, id="a full worker repeats itself"),
        pytest.param(0.0, False, id="an idle worker repeats itself"),
        pytest.param(Unknown("NaN"), False, id="unknown has its own reason"),
    ],
)
def test_a_share_that_is_the_same_to_the_last_digit_lies_still(
    cpu: Reading[float], doubted: bool
) -> None:
    looks = [Look(5.0, 10.0 * n, 10.0 * n, engine(2.0, cpu)) for n in range(LOOKS + 1)]

    found = doubts(*looks)

    assert ("tm-1" in found.cpu) == doubted


def test_an_unbelieved_interval_begins_anew() -> None:
    looks = [Look(5.0, 1000.0, 1000.0, engine(200.0))] * 10
    jump = Look(Unknown("the clock jumped"), 1000.0, 1000.0, engine(200.0))

    assert doubts(*looks, jump) == Doubts()


def test_what_is_not_believed_is_unknown_in_the_look() -> None:
    look = engine(0.0, 0.5)

    found = believed(look, Doubts(throughput="stands", cpu={"tm-1": "stands too"}))

    assert found.workers == (WorkerLook("tm-1", Unknown("stands too"), Unknown("stands")),)
    assert believed(look, Doubts()) == look
