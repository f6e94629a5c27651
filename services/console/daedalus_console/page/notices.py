"""What needs a look at a job, why, and what to do: what somebody who is woken up reads first.

Pure functions of what is known. The same advice stands in `docs/operate.md`, at greater length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from daedalus_console.figures import change, number, rate, workers
from daedalus_console.live.views import JobRow, RescaleLine, State
from daedalus_console.overrides import is_quota
from daedalus_console.page.words import KINDS, wish
from daedalus_shared.events import Direction, Override, OverrideKind, Status

SLOW = timedelta(minutes=10)
"""How long nothing is decided before that is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that is wrong."""

    kind: Literal["bad", "warn"]
    what: str
    """What is seen, ending before the instant where there is one."""

    at: datetime | None = None
    do: str
    """What it means and what helps, as sentences."""

    command: str = ""
    """Of a terminal, that tells more."""


def notices(
    row: JobRow, rescales: Sequence[RescaleLine] = (), lost: RescaleLine | None = None
) -> list[Notice]:
    """Return what needs a look, the gravest first.

    Args:
        row: The job.
        rescales: Its rescales, newest first.
        lost: The command of which nothing came in time.
    """
    found = [*_reports(row), *_load(row), *_services(row, lost), *_rescale(row, rescales)]
    return sorted(found, key=lambda notice: notice.kind != "bad")


def waits(row: JobRow) -> str:
    """Return how soon a job has caught up, should all stay as it is; empty where it need not."""
    if not row.lag or row.capacity is None or row.workload is None or row.state is State.SILENT:
        return ""
    spare = row.capacity - row.workload
    if spare <= 0:
        return "grows"
    left = row.lag / spare
    return f"caught up in about {_short(left)}" if left >= 1 else ""


def _reports(row: JobRow) -> Iterator[Notice]:
    if row.state not in {State.SILENT, State.LATE}:
        return
    kind: Literal["bad", "warn"] = "bad" if KINDS[row.state] == "bad" else "warn"
    if row.seen is None:
        yield Notice(
            kind=kind,
            what="No report has come yet.",
            do="Start the monitor; its log says what it cannot reach.",
        )
        return
    yield Notice(
        kind=kind,
        what="No report since ",
        at=row.seen,
        do="The job may run on; nothing is decided until reports come. See whether the monitor "
        "runs, and what its log says it cannot reach.",
        command=f"daedalus tap metrics --job {row.job}",
    )


def _load(row: JobRow) -> Iterator[Notice]:
    if row.load is None or row.load < 1 or row.state is State.SILENT:
        return
    waiting = "" if not row.lag else f"; {number(row.lag)} records wait"
    yield Notice(
        kind="bad",
        what=f"It falls behind: {rate(row.workload)} arrive, {workers(row.scale_out)} can process "
        f"{rate(row.capacity)}{waiting}.",
        do=_remedy(row),
    )


def _remedy(row: JobRow) -> str:
    """Return what helps a job that falls behind: the first that holds."""
    held = _holding(row)
    hand = f"({wish(held)}, asked by {held.author})" if held else ""
    full = row.scale_max is not None and (row.scale_out or 0) >= row.scale_max
    wanted = "" if row.wanted in (None, row.scale_out) else f"{workers(row.wanted)} advised: "
    waiting = workers(row.asked.scale_out) if row.asked else ""
    told = (
        (row.state is State.RESCALING, "A rescale is under way."),
        (waiting, f"A rescale to {waiting} waits for a word: approve it below."),
        (held, f"Held by hand {hand}: take it back below."),
        (full, f"It has the most workers that it may have: raise scale.max ({row.scale_max})."),
        (
            row.mode == "advise",
            f"{wanted}in mode advise nothing is changed. Scale it by hand, or set mode: act.",
        ),
        (row.mode is None, "It is not declared, so nobody scales it: daedalus apply."),
    )
    last = "The newest decision says why nothing more is done yet."
    return next((text for holds, text in told if holds), last)


def _holding(row: JobRow) -> Override | None:
    """Return what a person asked for that keeps the job from getting more workers."""
    pinned = any(asked.kind is OverrideKind.PIN for asked in row.overrides)

    def holds(asked: Override) -> bool:
        if pinned and is_quota(asked):
            return False  # a pin beats it
        if asked.kind is OverrideKind.PAUSE:
            return asked.direction is not Direction.DOWN
        if asked.kind is OverrideKind.FLOOR or asked.scale_out is None:
            return False
        return row.scale_out is not None and asked.scale_out <= row.scale_out

    return next((asked for asked in row.overrides if holds(asked)), None)


def _services(row: JobRow, lost: RescaleLine | None) -> Iterator[Notice]:
    if row.seen is None or row.state is State.SILENT:
        return
    decision = row.decision
    if decision is not None and row.seen - decision.tick > SLOW:
        yield Notice(
            kind="bad",
            what="No decision since ",
            at=decision.tick,
            do="Reports come, so the planner is away, or none has the name in policy.planner: "
            "others are shadows.",
        )
    elif decision is not None and "analyzer_missing" in decision.marks:
        yield Notice(
            kind="bad",
            what="No capacity came for the newest decision.",
            do="It is held as it is: start the analyzer.",
        )
    elif decision is not None and "forecast_missing" in decision.marks:
        yield Notice(
            kind="warn",
            what="No forecast came for the newest decision.",
            do="It is planned on an older one, then on the trend: start the forecaster that "
            "policy.forecaster names.",
        )
    if lost is not None:
        yield Notice(
            kind="bad",
            what=f"Nothing came of the command {change(lost.before, lost.after)} of ",
            at=lost.tick,
            do="Start the executor; commands expire, and nothing is applied late.",
        )
    if row.capacity is None and decision is not None and decision.reason == "capacity_unknown":
        why = row.unknown.get("capacity", "")
        yield Notice(
            kind="warn",
            what="The capacity is unknown, so it is left as it is.",
            do=f"{_sentence(why)}It takes some minutes of load, and the CPU of the workers.",
        )


def _rescale(row: JobRow, rescales: Sequence[RescaleLine]) -> Iterator[Notice]:
    newest = rescales[0] if rescales else None
    if newest is None or newest.status not in _FAILED:
        return
    word = newest.status.value.replace("_", " ")
    yield Notice(
        kind="bad" if row.load is None or row.load >= 1 else "warn",
        what=f"The rescale {change(newest.before, newest.after)} {word}, ",
        at=newest.tick,
        do=f"{_sentence(newest.why)}{_FAILED[newest.status]}",
    )


_FAILED = {
    Status.REFUSED: "Mend what the line says; the next tick decides anew.",
    Status.EXPIRED: "The executor was away or busy, or its clock is wrong; the next tick decides "
    "anew.",
    Status.FAILED: "The target answered with an error: look there.",
    Status.DID_NOT_CONVERGE: "See whether there is room for more workers; a longer "
    "policy.converge_within helps a slow start.",
    Status.REVERTED: "The planner backs off meanwhile.",
}
"""Outcome of a rescale that needs a look → what helps."""


def _sentence(text: str) -> str:
    """Return a reason as a sentence before another one."""
    if not text:
        return ""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}. "


def _short(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
