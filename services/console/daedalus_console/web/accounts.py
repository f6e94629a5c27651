"""Accounts for API and page: the command's own arithmetic, on what the topics hold right now."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from daedalus_console.accounts import books, told
from daedalus_console.accounts.books import Rule
from daedalus_console.accounts.ledger import Ledger
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Bounds, TooMuchError, Window, records
from daedalus_console.brokers import Address
from daedalus_console.errors import UsageError
from daedalus_console.overrides import declared, undeclared
from daedalus_console.runs.common import controls
from daedalus_console.times import moment
from daedalus_console.web import account_shapes as shapes
from daedalus_console.web.readings import Readings
from daedalus_shared.control import JobControl
from daedalus_shared.events import Event


@dataclass(frozen=True, slots=True)
class Times:
    """From when on, and until now."""

    start: datetime
    present: datetime


class Accounts:
    """The accounts of this process; what is read is shared and kept for some seconds."""

    def __init__(
        self, address: Address, clock: Callable[[], datetime], readings: Readings, speed: float
    ) -> None:
        """Read nothing yet.

        Args:
            address: Of Kafka.
            clock: The present.
            readings: Bound what is read, and by how many at once.
            speed: Seconds of the job's time in one, where a question does not say it.
        """
        self._address = address
        self._clock = clock
        self._readings = readings
        self.speed = speed

    async def calibration(self, job: str, since: str, periods: int) -> shapes.Calibration:
        """Hold a job's promises against what came, or raise `ConsoleError`."""
        times = self._times(since)
        topics = (*books.PROMISES, books.BANDS)

        def read(bounds: Bounds) -> shapes.Calibration:
            kafka = Kafka(self._address)
            known = _control(kafka, job, bounds)
            events = _events(kafka, topics, times, job, bounds)
            found = books.promises({job: known}, times.start, times.present, periods, events)
            return shapes.Calibration.model_validate(told.calibration(job, found[job]))

        with _mended(job, "calibration"):
            return await self._readings.get(("calibration", job, since, periods), read)

    async def standings(self, job: str, since: str) -> shapes.Standings:
        """Rank the planners and forecasters of a job, or raise `ConsoleError`."""
        times = self._times(since)

        def read(bounds: Bounds) -> shapes.Standings:
            kafka = Kafka(self._address)
            known = _control(kafka, job, bounds)
            in_use = declared(job, known).policy.forecaster
            events = _events(kafka, books.STANDINGS, times, job, bounds)
            found = books.standing(known, times.start, events)
            said = told.standings(job, found, in_use, times.present)
            return shapes.Standings.model_validate(said)

        with _mended(job, "standings"):
            return await self._readings.get(("standings", job, since), read)

    async def cost(self, job: str, since: str, rule: Rule) -> shapes.Cost:
        """Tell what a job cost, or raise `ConsoleError`."""
        times = self._times(since)

        def read(bounds: Bounds) -> shapes.Cost:
            kafka = Kafka(self._address)
            known = _ever_declared(kafka, job, bounds)
            events = _events(kafka, books.COSTS, times, job, bounds)
            found = books.costs(known, times.start, rule, events, static_at_mean=True)
            return _cost(job, found.get(job, Ledger(known[job], times.start)), times)

        with _mended(job, "cost"):
            return await self._readings.get(("cost", job, since, rule), read)

    async def costs(self, since: str, rule: Rule) -> shapes.Costs:
        """Tell what all jobs cost, and the sum, or raise `ConsoleError`."""
        times = self._times(since)

        def read(bounds: Bounds) -> shapes.Costs:
            kafka = Kafka(self._address)
            known = _ever_declared(kafka, None, bounds)
            events = _events(kafka, books.COSTS, times, None, bounds)
            found = books.costs(known, times.start, rule, events, static_at_mean=False)
            bills = {name: told.bill(each, times.present) for name, each in found.items()}
            return shapes.Costs(
                since=times.start,
                until=times.present,
                jobs=tuple(
                    shapes.JobBill(job=name, ended=found[name].ended, **each.as_json())
                    for name, each in bills.items()
                ),
                total=shapes.Bill.model_validate(told.summed(bills.values()).as_json()),
            )

        with _mended(None, "cost"):
            return await self._readings.get(("costs", since, rule), read)

    async def account(self, job: str, since: str, periods: int) -> shapes.Account:
        """Return all accounts of a job from one reading, or raise `ConsoleError`."""
        times, rule = self._times(since), Rule(speed=self.speed)

        def read(bounds: Bounds) -> shapes.Account:
            kafka = Kafka(self._address)
            known = _control(kafka, job, bounds)
            policy = declared(job, known).policy
            events = _events(kafka, books.EVERYTHING, times, job, bounds)
            found = books.account(known, times.start, times.present, periods, rule, events)
            ledger = found.standing.ledger
            ranked = told.standings(job, found.standing, policy.forecaster, times.present)
            return shapes.Account(
                calibration=shapes.Calibration.model_validate(
                    told.calibration(job, found.promises)
                ),
                standings=shapes.Standings.model_validate(ranked),
                cost=_cost(job, ledger, times),
                planner=policy.planner,
                forecaster=policy.forecaster,
            )

        with _mended(job, "cost"):
            return await self._readings.get(("account", job, since, periods), read)

    def _times(self, since: str) -> Times:
        present = self._clock()
        try:
            # In a query `+` stands for a blank.
            start = moment(since.strip().replace(" ", "+"), present, "past")
        except UsageError as error:
            raise UsageError(f"since: {error}") from error
        if start >= present:
            raise UsageError(f"since: {since!r} is not past; name a time before now")
        return Times(max(start, books.EARLIEST), present)


def _control(kafka: Kafka, job: str, bounds: Bounds) -> JobControl:
    """Return what people want of a job that is declared, or raise `NotFoundError`."""
    known = controls(kafka, job, _unbounded(bounds)).get(job, JobControl())
    declared(job, known)
    return known


def _ever_declared(kafka: Kafka, job: str | None, bounds: Bounds) -> dict[str, JobControl]:
    """Return what was wanted of the jobs, or of one: those that have ended were paid for, too."""
    known = controls(kafka, job, _unbounded(bounds))
    found = {name: each for name, each in known.items() if each.declarations}
    if job is not None and job not in found:
        raise undeclared(job)
    return found


def _unbounded(bounds: Bounds) -> Bounds:
    """Return bounds for the control topic: it is compacted, and its offsets count what is gone."""
    return Bounds(None, bounds.heed)


def _events(
    kafka: Kafka, topics: Sequence[str], times: Times, job: str | None, bounds: Bounds
) -> Iterator[Event]:
    """Yield what is an event; what is none was counted when it came in."""
    window = Window(books.reach(times.start))
    for record in records(kafka, topics, window, job=job, bounds=bounds):
        if record.event is not None:
            yield record.event


def _cost(job: str, ledger: Ledger, times: Times) -> shapes.Cost:
    found = told.cost(job, ledger, times.present)
    return shapes.Cost.model_validate(found if ledger.paid.seconds else {**found, "lines": ()})


@contextmanager
def _mended(job: str | None, command: str) -> Iterator[None]:
    """Say what can be done where too much would have to be read."""
    try:
        yield
    except TooMuchError as error:
        of = "" if job is None else f" {job}"
        raise UsageError(
            f"since: {error}; ask for a shorter time, or in a terminal: daedalus {command}{of}"
        ) from error
