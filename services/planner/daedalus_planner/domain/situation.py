"""What a planner is given and what it answers: the contract that all planners share.

`plan(situation) -> Plan` is a pure function; the limits of people and platform come after it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from daedalus_shared.events import CapacityPoint, Cost, Downtime, LateRecords
from daedalus_shared.job_spec import Policy

Series: TypeAlias = NDArray[np.float64]


class Reason(StrEnum):
    """Why a decision is what it is; also the label of its metric."""

    SETTLING = "settling"
    """Rule 1: the last rescale is too recent."""

    CAPACITY_UNKNOWN = "capacity_unknown"
    """Rule 1: nobody knows what the job can process."""

    KEEPS_UP = "keeps_up"
    """Rule 2: the last rescale is recent, and the job keeps up."""

    CURRENT_SUFFICES = "current_suffices"
    """Rule 3c: no smaller scale-out lasts, and the current one recovers in time."""

    SCALE_UP = "scale_up"
    """Rule 3e, to more workers."""

    SCALE_DOWN = "scale_down"
    """Rule 3e, to fewer workers."""

    MAX_SCALE_OUT = "max_scale_out"
    """Rule 4: no scale-out lasts, so as many workers as allowed."""

    SCALE_OUT_UNKNOWN = "scale_out_unknown"
    """Held: nobody knows how many workers there are."""

    WORKLOAD_UNKNOWN = "workload_unknown"
    """Held: nobody knows what arrives."""

    LAG_UNKNOWN = "lag_unknown"
    """Held: nobody knows how much waits."""

    STALE = "stale"
    """Held: the newest look at the job is older than the loop."""

    CHEAPEST = "cheapest"
    """No other scale-out is expected to cost less than staying."""

    MARGIN = "margin"
    """Another would cost less, by too little to be worth a move."""

    FALLING_BEHIND = "falling_behind"
    """What the job can process is not known, but a loop's records wait: more workers."""

    ANALYZER_MISSING = "analyzer_missing"
    """Held: no capacity came for this tick."""

    COMMAND_PENDING = "command_pending"
    """Held: the last command's outcome is not known yet."""

    BOUNDS = "bounds"
    """Brought inside the bounds of spec and platform."""

    FLOOR = "floor"
    """A person asked for at least so many."""

    CEILING = "ceiling"
    """A person asked for at most so many."""

    QUOTA = "quota"
    """The job's group has no more workers for it."""

    PINNED = "pinned"
    """A person asked for exactly so many."""

    PAUSED = "paused"
    """A person asked not to scale."""

    AWAITING_APPROVAL = "awaiting_approval"
    """The policy requires a person's word, and none was said yet."""

    REJECTED = "rejected"
    """A person said no."""

    DELAYED = "delayed"
    """Courtesy: more workers were wanted lately, so fewer have to wait."""

    INEFFECTIVE = "ineffective"
    """Courtesy: a scale-up that brought nothing is taken back, and not tried again so soon."""

    SCHEDULED_FLOOR = "scheduled_floor"
    """Courtesy: at least so many workers at this time."""

    FALLBACK = "fallback"
    """Courtesy: at least so many workers when nothing is known."""

    BLACKOUT = "blackout"
    """Courtesy: no such rescale at this time."""

    BUDGET = "budget"
    """Courtesy: the rescales of the day are used up."""

    COOLDOWN = "cooldown"
    """Courtesy: the last rescale is too recent for one in this direction."""

    STEP = "step"
    """Courtesy: so many workers at once are too many."""


class Verdict(StrEnum):
    """The rule that took or rejected a candidate."""

    CHOSEN = "chosen"
    """Rule 3e: lasts over the whole horizon."""

    CURRENT = "current"
    """Rule 3c: the current scale-out recovers in time, so it stays."""

    LAST_RESORT = "last_resort"
    """Rule 4: nothing lasts, so as many workers as allowed."""

    BELOW_WORKLOAD = "below_workload"
    """Rule 3: less capacity than what arrives now."""

    RECOVERY_TOO_SLOW = "recovery_too_slow"
    """Rule 3a: not caught up within the target."""

    OVERTAKEN = "overtaken"
    """Rule 3b: the forecast exceeds it before it has caught up."""

    LARGE_BACKLOG = "large_backlog"
    """Rule 3d: no scale-down while more waits than a second of capacity."""

    DOES_NOT_LAST = "does_not_last"
    """Rule 3e: the forecast exceeds it within the horizon."""

    NOT_NEEDED = "not_needed"
    """A smaller scale-out was taken before its turn came."""

    CHEAPEST = "cheapest"
    """Expected to cost least."""

    COSTLIER = "costlier"
    """Expected to cost more than what was taken."""

    MARGIN = "margin"
    """Expected to cost less than staying, by too little to be worth a move."""

    TOO_FEW = "too_few"
    """Less capacity than the lowest load expected."""

    TOO_MANY = "too_many"
    """Far more capacity than the highest load expected asks for."""

    NOT_WEIGHED = "not_weighed"
    """Rules 1 or 2 decided, or nothing could be weighed."""

    CAPACITY_UNKNOWN = "capacity_unknown"
    """Nobody knows what it can process."""

    INPUT_PARTITIONS = "input_partitions"
    """More workers than the input has partitions never help."""

    MAX_PARALLELISM = "max_parallelism"
    """The engine allows no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The scale-outs that spec and platform allow.

    An upper limit below the spec's min wins over it: more workers than that never help.

    >>> bounds = Bounds(least=1, most=12, input_partitions=8)
    >>> bounds.lowest, bounds.highest, bounds.limit
    (1, 8, 'input_partitions')
    """

    least: int
    """The spec's min."""

    most: int
    """The spec's max."""

    input_partitions: int | None = None
    """Partitions of the input; None when unknown."""

    max_parallelism: int | None = None
    """The engine's own limit; None when unknown."""

    @property
    def highest(self) -> int:
        """Most workers."""
        limits = (self.most, self.input_partitions, self.max_parallelism)
        return min(limit for limit in limits if limit is not None)

    @property
    def lowest(self) -> int:
        """Fewest workers."""
        return min(self.least, self.highest)

    @property
    def limit(self) -> str:
        """What sets `highest`: `max`, `input_partitions` or `max_parallelism`."""
        if self.highest == self.most:
            return "max"
        return "input_partitions" if self.highest == self.input_partitions else "max_parallelism"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Situation:
    """All that a planner may know of a job at the end of a tick."""

    scale_out: int
    """Workers now."""

    capacities: Mapping[int, CapacityPoint]
    """Scale-out → records/s, for all that anything is known of, the current one included."""

    workload: float
    """Mean of the last loop, records/s."""

    forecast: Series
    """Expected workload, records/s; value k holds (k + 1) · `step` after the tick's end."""

    step: float
    """Seconds between two values of `forecast`."""

    lag: float
    """Records waiting."""

    since: float | None
    """Seconds since the last rescale, start or foreign change; None when none is known of."""

    checkpoint_interval: float
    """Seconds of records that a rescale replays."""

    downtime_up: Downtime
    """Expected of a rescale to more or equally many workers."""

    downtime_down: Downtime
    """Expected of a rescale to fewer workers."""

    bounds: Bounds
    """What spec and platform allow."""

    policy: Policy
    """Every number of the rules."""

    paths: Series = field(default_factory=lambda: np.empty((0, 0)))
    """Equally likely courses of the workload, records/s, shape (paths, steps): value k is the mean
    over the (k + 1)th `forecast_step` of the policy. `rules` do without."""

    usual: float | None = None
    """Mean workload over a long time, records/s; None when unknown."""

    late: LateRecords | None = None
    """What a late record counts as, where a share of late records is aimed at; None for the
    policy's price."""

    warm_up: float = 0.0
    """Seconds after a scale-up's downtime in which the old workers alone work."""

    warming: int = 0
    """Workers that have no work yet."""

    def capacity(self, scale_out: int) -> float | None:
        """Return the records/s of a scale-out; None when unknown."""
        point = self.capacities.get(scale_out)
        return point.capacity if point else None

    def downtime(self, scale_out: int) -> float:
        """Return the seconds that a rescale to `scale_out` is expected to stand still.

        The current scale-out counts as a scale-up (docs/method.md, Plan).
        """
        up = scale_out >= self.scale_out
        return self.downtime_up.mean if up else self.downtime_down.mean


@dataclass(frozen=True, slots=True)
class Option:
    """One scale-out as weighed."""

    scale_out: int
    """Workers."""

    point: CapacityPoint | None
    """Its capacity; None when unknown."""

    recovery: float | None
    """Seconds until caught up after a rescale to it; infinity for never; None when unknown."""

    highest: float
    """The highest forecast that the verdict compared with, records/s."""

    verdict: Verdict = Verdict.NOT_WEIGHED
    """What took or rejected it."""

    why: str = ""
    """The same as a clause with figures."""

    cost: Cost | None = None
    """What it is expected to cost; None where that was not weighed."""

    @property
    def capacity(self) -> float:
        """Records/s that can be relied on: 0 when unknown."""
        return self.point.capacity if self.point else 0.0

    @property
    def recovery_time(self) -> float:
        """Seconds until caught up; infinity for never, and when unknown."""
        return math.inf if self.recovery is None else self.recovery


@dataclass(frozen=True, slots=True)
class Plan:
    """A planner's answer; the present scale-out means `stay`."""

    chosen: int
    """Workers wanted."""

    reason: Reason
    """Why."""

    sentence: str
    """Why, in English, with the figures."""

    options: tuple[Option, ...] = ()
    """All scale-outs from the spec's min to its max, ascending."""

    limits: tuple[str, ...] = ()
    """What bounded the choice."""

    late: LateRecords | None = None
    """The price of lateness that was planned with, where it is not fixed."""


PlanFunction: TypeAlias = Callable[[Situation], Plan]
"""A planner: the reference's rules are one."""
