"""The accounts of jobs, folded from what lies on the topics: for the command, the API and the page.

Each reader says which topics it needs, and takes their events by time. What is kept are sums, a job
at a time; the events themselves are let go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from daedalus_console.accounts.calibration import Calibration
from daedalus_console.accounts.forecasts import Track
from daedalus_console.accounts.ledger import TARGET, Ledger
from daedalus_shared.control import JobControl
from daedalus_shared.events import CapacityUpdate, Event, Forecast

STANDINGS = ("capacity-updates", "decisions", "forecasts")
COSTS = ("capacity-updates",)
PROMISES = ("capacity-updates", "scale-outcomes", "recoveries")
"""The topics of each account, without prefix."""

BANDS = "forecasts"
"""What promises need beside, where bands are judged too: much more to read."""

EVERYTHING = tuple(dict.fromkeys((*STANDINGS, *PROMISES)))

SLACK = timedelta(minutes=2)
"""By how much an event may be written before or after its own time."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No topic goes back further, and a calendar has a beginning."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The HPA to compare with."""

    target: int = round(100 * TARGET)
    """CPU that it holds, percent."""
    speed: float = 1.0
    """Seconds of the job's time in one second."""


@dataclass
class Standing:
    """What is known of a job's planners and forecasters."""

    ledger: Ledger
    control: JobControl
    track: Track = field(default_factory=Track)

    def take(self, event: Event) -> None:
        """Take in the next event."""
        self.ledger.take(event)
        if not isinstance(event, (CapacityUpdate, Forecast)):
            return
        spec = self.control.spec(event.tick)
        if spec is None:
            return
        self.track.loop = spec.policy.loop
        if isinstance(event, Forecast):
            self.track.issue(event)
        else:
            self.track.came(event, spec.policy.forecaster)


@dataclass
class Account:
    """All accounts of one job at once, from one reading of its topics."""

    standing: Standing
    promises: Calibration

    def take(self, event: Event) -> None:
        """Take in the next event."""
        self.standing.take(event)
        self.promises.take(event)


def reach(start: datetime) -> datetime:
    """Return from which instant on the topics must be read for accounts from `start` on."""
    return max(start, EARLIEST) - SLACK


def standing(known: JobControl, start: datetime, events: Iterable[Event]) -> Standing:
    """Rank the planners and forecasters of one job."""
    found = Standing(Ledger(known, start, static_at_mean=False), known)
    for event in events:
        found.take(event)
    return found


def costs(
    known: Mapping[str, JobControl],
    start: datetime,
    rule: Rule,
    events: Iterable[Event],
    *,
    static_at_mean: bool,
) -> dict[str, Ledger]:
    """Return the ledger of each job of which anything is known, by name.

    A job that has ended counts for the time in which it was declared.
    """
    found = {
        name: _ledger(each, start, rule, static_at_mean=static_at_mean)
        for name, each in known.items()
    }
    for event in events:
        if event.job in found:
            found[event.job].take(event)
    return {name: each for name, each in sorted(found.items()) if each.paid.seconds}


def promises(
    known: Mapping[str, JobControl],
    start: datetime,
    present: datetime,
    periods: int,
    events: Iterable[Event],
) -> dict[str, Calibration]:
    """Return the promises of each job beside what came, by name."""
    found = {
        name: Calibration(each, start, present, periods) for name, each in sorted(known.items())
    }
    for event in events:
        if event.job in found:
            found[event.job].take(event)
    return found


def account(
    known: JobControl,
    start: datetime,
    present: datetime,
    periods: int,
    rule: Rule,
    events: Iterable[Event],
) -> Account:
    """Return all accounts of one job, with the cost in the ledger of its standing."""
    ledger = _ledger(known, start, rule, static_at_mean=True)
    found = Account(Standing(ledger, known), Calibration(known, start, present, periods))
    for event in events:
        found.take(event)
    return found


def _ledger(known: JobControl, start: datetime, rule: Rule, *, static_at_mean: bool) -> Ledger:
    return Ledger(known, start, rule.target / 100, speed=rule.speed, static_at_mean=static_at_mean)
