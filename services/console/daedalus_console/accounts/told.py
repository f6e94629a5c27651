"""What accounts come to, as values of JSON: what `--json` prints and the API answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daedalus_console.accounts.books import Standing
from daedalus_console.accounts.calibration import Calibration
from daedalus_console.accounts.forecasts import Track
from daedalus_console.accounts.ledger import HPA, RAN, Ledger
from daedalus_console.figures import span as duration

EVEN = 0.95
"""Part of the longest time known that all lines have where their hours can be compared."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What one job came to, or all of them, in worker-hours."""

    paid: float = 0.0
    allowed: float = 0.0
    """As many workers as the spec allows, over the same time."""
    hpa: float = 0.0
    beside_hpa: float = 0.0
    """What ran, over the loops in which it is known what the HPA would have had."""
    unknown: float = 0.0
    """Seconds left out."""
    unknown_of_hpa: float = 0.0
    """Seconds paid for that are left out of the HPA's: workload or capacity is not known."""

    def plus(self, other: "Bill") -> "Bill":
        """Return both together."""
        return Bill(
            self.paid + other.paid,
            self.allowed + other.allowed,
            self.hpa + other.hpa,
            self.beside_hpa + other.beside_hpa,
            self.unknown + other.unknown,
            self.unknown_of_hpa + other.unknown_of_hpa,
        )

    @property
    def against_hpa(self) -> float | None:
        """What ran as a part of the HPA's; None where nothing is known of it."""
        return self.beside_hpa / self.hpa if self.hpa else None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "worker_hours": self.paid,
            "worker_hours_at_max": self.allowed,
            "worker_hours_of_hpa": self.hpa or None,
            "against_hpa": self.against_hpa,
            "unknown_seconds": self.unknown,
            "unknown_seconds_of_hpa": self.unknown_of_hpa,
        }


def bill(ledger: Ledger, present: datetime) -> Bill:
    """Return what a job came to."""
    hpa = ledger.rows[HPA]
    return Bill(
        ledger.paid.hours,
        ledger.allowed / 3600,
        hpa.own.hours,
        hpa.beside.hours,
        ledger.gap(present),
        # Sums of steps differ from those of loops in their last digits.
        round(max(0.0, ledger.paid.seconds - hpa.own.seconds), 3),
    )


def summed(bills: Iterable[Bill]) -> Bill:
    """Return all bills together."""
    total = Bill()
    for each in bills:
        total = total.plus(each)
    return total


def span(ledger: Ledger, present: datetime) -> dict[str, Any]:
    """Return which time an account is about, and how much of it is known."""
    return {
        "since": ledger.since.isoformat(),
        "until": present.isoformat(),
        "known_seconds": ledger.paid.seconds,
        "unknown_seconds": ledger.gap(present),
    }


def cost(job: str, ledger: Ledger, present: datetime) -> dict[str, Any]:
    """Return what a job cost, and what others would have."""
    ended = {"ended": ledger.ended.isoformat() if ledger.ended else None}
    return {"job": job, **span(ledger, present), **ended, "lines": lines(ledger)}


def standings(job: str, found: Standing, in_use: str, present: datetime) -> dict[str, Any]:
    """Return the planners and forecasters of a job, each kind the best first."""
    return {
        **span(found.ledger, present),
        "job": job,
        "planners": [line.as_json() for line in found.ledger.standings()],
        "forecasters": forecasters(found.track, in_use),
    }


def calibration(job: str, found: Calibration) -> dict[str, Any]:
    """Return a job's promises beside what came."""
    periods = [period.as_json() for period in found.periods]
    return {"job": job, "total": found.total.as_json(), "periods": periods}


def lines(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the courses of one job; what ran is counted, not modelled."""
    found = []
    for line in ledger.lines():
        told = line.as_json()
        if line.name == RAN:
            paid = ledger.paid
            told |= {"worker_hours": paid.hours, "mean_workers": paid.mean}
            told |= {"seconds": paid.seconds, "rescales": paid.rescales}
        found.append(told)
    return found


def uneven(times: Mapping[str, float]) -> str:
    """Return which lines know less of the time than others; nothing where hours compare.

    Args:
        times: Seconds known of each line, by name; a line of which nothing is known has no hours.

    >>> uneven({"as it ran": 14400.0, "HPA rule": 7200.0, "static": 0.0})
    'HPA rule 2h of 4h'
    >>> uneven({"as it ran": 14400.0, "HPA rule": 14340.0})
    ''
    """
    longest = max(times.values(), default=0.0)
    fewer = {name: time for name, time in times.items() if 0 < time < EVEN * longest}
    told = ", ".join(f"{name} {duration(float(round(time)))}" for name, time in fewer.items())
    return f"{told} of {duration(float(round(longest)))}" if told else ""


def forecasters(track: Track, in_use: str) -> list[dict[str, Any]]:
    """Return the forecasters of one job, the best first."""
    return [
        {
            "name": name,
            "in_use": name == in_use,
            "model": track.models.get(name),
            "distances": {
                f"{distance:g}": score.as_json()
                for (who, distance), score in sorted(track.scores.items())
                if who == name
            },
        }
        for name in ranked(track)
    ]


def ranked(track: Track) -> list[str]:
    """Return the names of the forecasters, the one with the least error first."""
    names = {name for name, _ in track.scores}

    def error(name: str) -> tuple[float, str]:
        scores = [score.wape for (who, _), score in track.scores.items() if who == name]
        known = [wape for wape in scores if wape is not None]
        return (sum(known) / len(known) if known else float("inf"), name)

    return sorted(names, key=error)


def beside(errors: Iterable[tuple[float | None, float | None]]) -> float | None:
    """Return the mean of errors as parts of those of the forecaster in use, on the same loops.

    Args:
        errors: For each distance ahead the error of one, and that of the one in use.
    """
    parts = [own / other for own, other in errors if own is not None and other]
    return sum(parts) / len(parts) if parts else None
