"""Schedules with foresight: what they plan is what is played, and nothing is cheaper."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daedalus_simulator.backtest import play
from daedalus_simulator.domain.engines import ENGINES, Engine
from daedalus_simulator.domain.job import Job, delays
from daedalus_simulator.domain.oracle.episodes import CAUGHT_UP, GRID, episodes
from daedalus_simulator.domain.oracle.planning import FEWEST_WORKERS, LEAST_PRICE, Goal, schedule
from daedalus_simulator.domain.score import ScoreCard, small_lags
from daedalus_simulator.domain.world import Series, World
from daedalus_simulator.oracle import ORACLES, least_price, oracle
from daedalus_simulator.policies.registry import BASELINES
from daedalus_simulator.policies.scheduled import Scheduled

TINY = Engine(name="tiny", outage_up=4.0, outage_down=3.0)
WARMING = Engine(name="warming", outage_up=2.0, outage_down=3.0, warm_up=12.0)


def wave(seconds: int, seed: int = 0) -> Series:
    """A load that swings twice in an hour, with a wobble."""
    at = np.arange(seconds)
    noise = np.random.default_rng(seed).normal(1.0, 0.02, seconds)
    return np.asarray(1000 * (0.55 - 0.45 * np.cos(2 * np.pi * at / 1800)) * noise)


def scored(world: World, name: str) -> ScoreCard:
    return ScoreCard.of(play(world, Scheduled(name, oracle(name, world).moves)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seconds", [3600, 3601, 3667])
def test_the_price_planned_is_the_price_played(engine: str, seconds: int) -> None:
    world = World(wave(seconds), ENGINES[engine], seed=seconds)
    planned = least_price(world)

    played = ScoreCard.of(play(world, Scheduled("oracle-J", planned.moves)))

    assert planned.moves
    assert played.price == pytest.approx(planned.price, rel=1e-9)
    assert played.workers == pytest.approx(planned.workers, rel=1e-9)
    assert played.above_1s == pytest.approx(100 * planned.late, rel=1e-9)


@pytest.mark.parametrize("name", ORACLES)
def test_every_oracle_is_played_as_planned(name: str) -> None:
    world = World(wave(5400), ENGINES["flink"], seed=3)
    planned = oracle(name, world)

    played = ScoreCard.of(play(world, Scheduled(name, planned.moves)))

    assert played.workers == pytest.approx(planned.workers, rel=1e-9)
    assert played.above_1s == pytest.approx(100 * planned.late, rel=1e-9)
    assert played.rescales == len(planned.moves)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(2))
def test_no_policy_is_cheaper_than_the_oracle_of_the_least_price(engine: str, seed: int) -> None:
    world = World(wave(2400, seed), ENGINES[engine], seed)
    least = least_price(world).price

    prices = {
        name: ScoreCard.of(play(world, make(world))).price for name, make in BASELINES.items()
    }
    prices |= {name: scored(world, name).price for name in ORACLES}

    assert {name for name, price in prices.items() if price < least - 1e-9} == set()


def test_the_tighter_the_goal_the_more_workers() -> None:
    world = World(wave(7200), ENGINES["flink"], seed=1)
    fewest = scored(world, "oracle-workers")
    five = scored(world, "oracle-late-5")
    one = scored(world, "oracle-late-1")

    assert fewest.workers < five.workers < one.workers
    assert fewest.slow_recoveries == 0
    assert fewest.longest_recovery <= 600
    assert five.above_1s <= 5.0
    assert five.latency_p95 <= 1.0
    assert one.above_1s <= 1.0


def test_no_backlog_is_left_to_those_who_come_after() -> None:
    world = World(wave(5400), ENGINES["flink"], seed=2)
    for name in ("oracle-workers", "oracle-late-5", "oracle-late-1"):
        run = play(world, Scheduled(name, oracle(name, world).moves))
        assert run.lags[-1] <= small_lags(world.arrivals)[-1]


def test_a_schedule_moves_on_the_grid_and_not_before_anything_was_seen() -> None:
    moves = least_price(World(wave(3600), ENGINES["flink"], seed=0)).moves

    assert all(second > 0 and second % GRID == 0 for second, _ in moves)
    assert list(moves) == sorted(moves)


def test_an_overload_that_nothing_helps_against_has_a_schedule_too() -> None:
    world = World(wave(1800), ENGINES["flink"], seed=0)
    world.single /= 50

    planned = least_price(world)

    played = ScoreCard.of(play(world, Scheduled("oracle-J", planned.moves)))
    assert played.price == pytest.approx(planned.price, rel=1e-9)


def test_without_a_load_all_workers_but_one_go() -> None:
    world = World(np.zeros(3600), ENGINES["flink"], seed=0)

    assert least_price(world).moves == ((10, 1),)


TINY_GOALS = {
    "price": Goal(rescale=8.0, delay=0.2),
    "free moves": Goal(delay=0.1),
    "late records": Goal(rescale=2.0, late=3.0),
}


@pytest.mark.parametrize("engine", [TINY, WARMING], ids=lambda engine: engine.name)
@pytest.mark.parametrize("goal", TINY_GOALS.values(), ids=TINY_GOALS)
@pytest.mark.parametrize("seed", range(4))
def test_no_other_schedule_of_a_tiny_world_is_cheaper(
    engine: Engine, goal: Goal, seed: int
) -> None:
    world = tiny(engine, seed)
    best = schedule(world, episodes(world), goal, start=2)

    cheapest = min(cost(job, goal) for job in all_runs(world))

    assert best.price * world.seconds == pytest.approx(cheapest, rel=1e-9)


def test_tiny_worlds_are_worth_moving_in() -> None:
    moves = set()
    for seed in range(4):
        world = tiny(TINY, seed)
        moves.add(schedule(world, episodes(world), TINY_GOALS["price"], start=2).moves)

    assert len(moves) > 2


def tiny(engine: Engine, seed: int) -> World:
    """A world of 90 s in which 1 to 3 workers are needed."""
    steps = np.random.default_rng(seed).choice([200.0, 900.0, 1500.0], size=4)
    arrivals = np.repeat(steps, 25)[:90] * np.random.default_rng(seed).normal(1, 0.03, 90)
    world = World(arrivals, engine, seed, most=3)
    world.single = 800.0
    return world


def all_runs(world: World) -> Iterator[Job]:
    """Play every schedule on the grid that moves only when caught up."""
    undecided: list[tuple[tuple[int, int], ...]] = [()]
    while undecided:
        moves = undecided.pop()
        job = Job(world, scale_out=2)
        job.advance(GRID)
        due = dict(moves)
        # All schedules with these moves: stay to the end, or move once more on the way.
        while not job.over:
            if job.second in due:
                job.rescale(due[job.second])
            elif (not moves or job.second > moves[-1][0]) and caught_up(job):
                undecided += [
                    (*moves, (job.second, to))
                    for to in range(1, world.most + 1)
                    if to != job.scale_out
                ]
            job.advance(GRID)
        yield job


def caught_up(job: Job) -> bool:
    """Nothing waits now, nothing did 10 s ago, and the last command has had all its effect."""
    now = job.second
    if job.lags[now - 1] > CAUGHT_UP or (now > GRID and job.lags[now - GRID - 1] > CAUGHT_UP):
        return False
    return not job.rescales or (
        now > np.ceil(job.down_until) + GRID and now > np.ceil(job.warm_from)
    )


def cost(job: Job, goal: Goal) -> float:
    arrivals = job.world.arrivals
    beyond = delays(job) + 0.2 - 1.0
    lateness = float((np.maximum(beyond, 0.0) * arrivals).sum())
    late = float(arrivals[beyond > 0].sum())
    priced = (goal.delay * lateness + goal.late * late) / float(arrivals.mean())
    return float(job.workers.sum()) + priced + goal.rescale * len(job.rescales)


def test_a_schedule_is_kept_where_a_folder_is_given(tmp_path: Path) -> None:
    world = World(wave(1800), ENGINES["flink"], seed=0)

    first = oracle("oracle-J", world, tmp_path)
    kept = list(tmp_path.iterdir())
    kept[0].write_text(kept[0].read_text(encoding="utf-8").replace("[10,", "[20,"))
    again = oracle("oracle-J", World(wave(1800), ENGINES["flink"], seed=0), tmp_path)
    other = oracle("oracle-J", World(wave(1800), ENGINES["flink"], seed=1), tmp_path)

    assert len(kept) == 1
    assert again.moves[1:] == first.moves[1:]
    assert other != first
    assert len(list(tmp_path.iterdir())) == 2


def test_the_goals_are_those_of_the_score_card() -> None:
    assert Goal(rescale=300.0, delay=0.2) == LEAST_PRICE
    assert FEWEST_WORKERS.recovery == 600.0
