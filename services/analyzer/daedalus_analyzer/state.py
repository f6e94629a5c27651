"""What the analyzer remembers of one job between two events."""

from pydantic import BaseModel, ConfigDict

from daedalus_analyzer.domain.balance import Balance
from daedalus_analyzer.domain.model import Model
from daedalus_analyzer.domain.recovery import Watch
from daedalus_analyzer.domain.samples import Stretch
from daedalus_analyzer.domain.skew import WorkerLoad
from daedalus_analyzer.domain.warming import Warming
from daedalus_shared.events import ScaleOutcome
from daedalus_shared.events.base import Instant


class AnalyzerState(BaseModel):
    """One job's capacity model, its open loop, and the rescale that is watched."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seen: Instant | None = None
    """`at` of the newest report."""

    sampled: float = 0.0
    """When the newest sample was taken, seconds since 1970."""

    tick: Instant | None = None
    """The newest tick that was closed."""

    loop: int = 0
    """Ticks analysed."""

    open: tuple[Stretch, ...] = ()
    """The samples since then, which the next tick folds."""

    learned: float | None = None
    """When the newest sample was taken that a tick has folded, seconds since 1970."""

    workers: tuple[WorkerLoad, ...] = ()
    """What each worker did since the scale-out changed, in the order of their ids."""

    scale_out: int | None = None
    """The newest known."""

    scale_out_since: float | None = None
    """When it was last seen to change, seconds since 1970."""

    cold_since: float | None = None
    """When workers last changed or got work, seconds since 1970."""

    warming: Warming | None = None
    """The scale-up whose new workers are awaited."""

    warm_ups: tuple[float, ...] = ()
    """Seconds after which the new workers of the last scale-ups worked."""

    model: Model = Model()
    """What each scale-out was seen to do."""

    balance: Balance = Balance()
    """Arrivals against throughput."""

    outcomes: tuple[ScaleOutcome, ...] = ()
    """Applied rescales that do not take effect yet."""

    outcome_at: Instant | None = None
    """`at` of the newest applied rescale."""

    watch: Watch | None = None
    """The rescale whose recovery is awaited."""

    downtimes_up: tuple[float, ...] = ()
    """The last downtimes of rescales to more or equally many workers, seconds."""

    downtimes_down: tuple[float, ...] = ()
    """The last downtimes of rescales to fewer workers, seconds."""

    def unlearned(self) -> "AnalyzerState":
        """Return the state with nothing learned: what runs now, and what it waits for, stays."""
        return AnalyzerState(
            seen=self.seen,
            sampled=self.sampled,
            tick=self.tick,
            open=self.open,
            learned=self.learned,
            workers=tuple(WorkerLoad(load.id, load.seen) for load in self.workers),
            scale_out=self.scale_out,
            scale_out_since=self.scale_out_since,
            cold_since=self.cold_since,
            warming=self.warming,
            outcomes=self.outcomes,
            outcome_at=self.outcome_at,
            watch=self.watch,
        )
