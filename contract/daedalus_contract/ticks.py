"""What a service that answers each tick was asked, and the checks of its answers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from daedalus_contract.found import Answer, Message, of, seconds_between
from daedalus_contract.verdicts import Mark, Verdict, judged, skipped
from daedalus_shared.events import TickEvent, correlation


class Phase(StrEnum):
    """When in a test a tick was asked."""

    FIRST = "first"
    """The service may still be starting."""
    USUAL = "usual"
    OPTIONAL = "optional"
    """It may be answered, since little is known in it, and need not be."""
    WITHHELD = "withheld"
    """An input is missing, so that the answer is due when the grace has passed."""
    AFTER_GARBAGE = "after garbage"
    AFTER_RESTART = "after restart"


@dataclass(frozen=True, slots=True)
class Asked:
    """A tick of a job from whose inputs an answer follows."""

    job: str
    tick: datetime
    at: datetime
    """Kafka timestamp of the last input."""
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """All that was asked and answered."""

    source: str
    partitions: int
    grace: float
    """Seconds in which an answer is in time."""

    asked: tuple[Asked, ...]
    silent: frozenset[str]
    """Jobs of which nothing may be said."""

    answers: tuple[Answer, ...]
    others: Sequence[str] = ()
    """Who else answered."""

    restarted: bool = False
    """Whether the kit could kill and start the service."""

    @property
    def name(self) -> str:
        """The instance, by which a policy chooses it."""
        return self.source.rpartition("/")[2]


RESTART = "give the service's own command after `--` to have it killed and started by the kit"


def one_a_tick(play: Play, kind: type[TickEvent]) -> Verdict:
    """Each tick is answered, by one event."""
    found = _by_tick(play, kind)
    due = [each for each in play.asked if each.phase in (Phase.FIRST, Phase.USUAL)]
    missing = [each for each in due if (each.job, each.tick) not in found]
    wrong = [f"no answer to {_named(each)}, of {len(due)} ticks" for each in missing]
    mend = "Each report with a tick leads to one event of that tick, also when nothing changes"
    if len(missing) == len(due):
        who = f"; {', '.join(play.others)} answered" if play.others else ""
        wrong = [f"nothing came from {play.source} for {len(due)} ticks{who}"]
        mend = "Does the service run on this Kafka, under this source?"
    for (job, tick), events in found.items():
        ids = {event.id for _, event in events}
        if len(ids) > 1:
            places = " and ".join(message.place for message, _ in events[:2])
            wrong.append(f"{correlation(job, tick)} was answered by {len(ids)} events: {places}")
    well = f"{len(due)} ticks of {len({each.job for each in due})} jobs, one answer each"
    return judged("one a tick", wrong, well=well, mend=mend)


def echo(play: Play, kind: type[TickEvent]) -> Verdict:
    """An answer names the tick of its input."""
    known: dict[str, set[datetime]] = defaultdict(set)
    for each in play.asked:
        known[each.job].add(each.tick)
    wrong = []
    for message, event in of(kind, play.answers):
        if event.job in known and event.tick not in known[event.job]:
            told = event.tick.isoformat()
            wrong.append(f"{message.place}: tick {told} was never reported for {event.job}")
        elif event.at != event.tick:
            told = f"at {event.at.isoformat()} is not its tick {event.tick.isoformat()}"
            wrong.append(f"{message.place}: {told}")
    mend = "`tick` is that of the report, unchanged, and so is `at`; never the clock"
    return judged("tick", wrong, well="each answer names the tick it answers", mend=mend)


def in_time(play: Play, kind: type[TickEvent]) -> Verdict:
    """An answer comes within the grace."""
    found = _by_tick(play, kind)
    waits = [
        (seconds_between(each.at, min(message.written_at for message, _ in events)), each)
        for each in play.asked
        if each.phase in (Phase.USUAL, Phase.AFTER_GARBAGE, Phase.WITHHELD)
        and (events := found.get((each.job, each.tick)))
    ]
    if not waits:
        return Verdict("in time", Mark.FAILED, f"nothing came, {play.grace:g} s were granted")
    wrong = [
        f"{_named(each)} was answered after {wait:.1f} s, expected within {play.grace:g} s"
        for wait, each in waits
        if wait > play.grace
    ]
    slowest = max(wait for wait, _ in waits)
    return judged(
        "in time",
        wrong,
        well=f"the slowest answer took {slowest:.2f} s of {play.grace:g} s",
        mend="Later than policy.forecast_grace it counts as missing",
    )


def unknown_jobs(play: Play) -> Verdict:
    """Nothing is said of jobs that are not declared, or not reported."""
    wrong = [
        f"{each.message.place} speaks of {each.event.job}, which was "
        "never declared or never reported"
        for each in play.answers
        if each.event is not None and each.event.job in play.silent
    ]
    return judged(
        "unknown jobs",
        wrong,
        well=f"nothing was said of {len(play.silent)} jobs that are not declared or not reported",
        mend="Speak of a job only by what came of it, and while it is declared",
    )


def survives(play: Play, kind: type[TickEvent]) -> Verdict:
    """It goes on after messages that nobody can read."""
    wrong = _unanswered(play, kind, Phase.AFTER_GARBAGE, "after messages that nobody can read")
    return judged(
        "bad input",
        wrong,
        well="it goes on after bytes that are no JSON, an unknown major version and the like",
        mend="Skip what you cannot read, commit it, and say so (a dead letter is welcome)",
    )


def restart(play: Play, kind: type[TickEvent]) -> Verdict:
    """What came while it was away is answered once it is back."""
    if not play.restarted:
        return skipped("restart", RESTART)
    wrong = _unanswered(play, kind, Phase.AFTER_RESTART, "that came while it was killed")
    return judged(
        "restart",
        wrong,
        well="killed, it answers what came meanwhile",
        mend="Commit an input only when the broker has all that follows from it",
    )


def _unanswered(play: Play, kind: type[TickEvent], phase: Phase, when: str) -> list[str]:
    found = _by_tick(play, kind)
    due = [each for each in play.asked if each.phase is phase]
    if not due:
        return [f"it was silent before, so no tick {when} was played"]
    return [
        f"no answer to {_named(each)}, {when}" for each in due if (each.job, each.tick) not in found
    ]


def _by_tick(
    play: Play, kind: type[TickEvent]
) -> dict[tuple[str, datetime], list[tuple[Message, TickEvent]]]:
    found: dict[tuple[str, datetime], list[tuple[Message, TickEvent]]] = defaultdict(list)
    for message, event in of(kind, play.answers):
        found[event.job, event.tick].append((message, event))
    return dict(found)


def _named(asked: Asked) -> str:
    return correlation(asked.job, asked.tick)
