"""How a policy is played."""

from dataclasses import dataclass, field
from typing import Protocol

from daedalus_simulator.backtest import play
from daedalus_simulator.domain.policy import View
from daedalus_simulator.domain.score import ScoreCard
from daedalus_simulator.domain.world import World


class Plain(Protocol):
    def __call__(self, *arrivals: tuple[int, float], outage: float = ...) -> World: ...


@dataclass
class Script:
    """Wants what is written for a second."""

    wishes: dict[int, int]
    name: str = "script"
    interval: int = 15
    seen: list[int] = field(default_factory=list)

    def decide(self, job: View) -> int | None:
        self.seen.append(job.second)
        return self.wishes.get(job.second)


def test_a_policy_is_asked_each_interval_but_not_at_the_end(plain: Plain) -> None:
    policy = Script({})
    play(plain((60, 100.0)), policy)

    assert policy.seen == [15, 30, 45]


def test_a_wish_is_commanded_at_once(plain: Plain) -> None:
    found = play(plain((120, 100.0), outage=10.0), Script({30: 14, 60: 14}))

    assert [(r.second, r.before, r.after) for r in found.rescales] == [(30, 12, 14)]
    assert found.workers.tolist() == [12.0] * 30 + [14.0] * 90
    assert (found.policy, found.events) == ("script", ())
    assert ScoreCard.of(found).rescales == 1


def test_progress_ends_with_the_trace(plain: Plain) -> None:
    told: list[tuple[int, int]] = []
    play(plain((100, 100.0)), Script({}), lambda *seconds: told.append(seconds))

    assert told[-1] == (100, 100)
    assert [second for second, _ in told] == [30, 45, 60, 75, 90, 100]
