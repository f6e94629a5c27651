"""The HTTP API: what is known of jobs, and what people ask of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer

from daedalus_console.accounts.books import EARLIEST
from daedalus_console.approvals import asking
from daedalus_console.errors import ConsoleError, NotFoundError, UsageError
from daedalus_console.live.live import Live
from daedalus_console.live.packed import line
from daedalus_console.live.story import line as rescale_line
from daedalus_console.live.views import Standing, State
from daedalus_console.rescales import Story
from daedalus_console.web import account_api, shapes
from daedalus_console.web.access import Access
from daedalus_console.web.account_api import waited
from daedalus_console.web.accounts import Accounts
from daedalus_console.web.asking import JobName, Match
from daedalus_console.web.asking import person as _person
from daedalus_console.web.asking import tag as _tag
from daedalus_console.web.past import Past
from daedalus_console.web.problems import MEDIA_TYPE, Problem
from daedalus_console.web.steering import Asked, Ended, Reply, Steering, Written, tag_of
from daedalus_console.web.stream import Streams
from daedalus_shared.events import (
    Answer,
    Approval,
    Direction,
    Override,
    OverrideKind,
)
from daedalus_shared.events.base import JOB_NAME

PAGE = 100
"""Entries of a page that does not say how many."""

FRESH = timedelta(seconds=5)
"""How old a row of the list may be while nothing came of its job since."""

RECENT = 50
"""Decisions among which the one that is answered is looked for."""

ID = r"^[0-9a-f-]{1,64}$"


@dataclass(frozen=True, slots=True)
class Ports:
    """What the API is connected to."""

    live: Live
    steering: Steering
    streams: Streams
    accounts: Accounts
    past: Past
    access: Access
    clock: Callable[[], datetime]


Limit = Annotated[int, Query(ge=1, le=1_000, description="Entries of the page at most.")]
Moment = Annotated[str | None, Query(max_length=40, description="ISO 8601, with its offset.")]


def _problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    names = {
        400: "The request cannot be read",
        401: "Nobody knows who asks",
        403: "Not allowed",
        404: "There is no such thing",
        409: "It cannot be met",
        412: "Somebody else was faster",
        413: "Too large",
        415: "No JSON",
        421: "No name of this console",
        422: "A field is wrong",
        429: "Too often",
        503: "Kafka is away, or too many listen",
    }
    return {code: {"description": names[code], "content": {MEDIA_TYPE: schema}} for code in codes}


READ = _problems(400, 401, 403, 404, 413, 421, 422, 503)
WRITE = READ | _problems(409, 412, 415, 429)


def router(ports: Ports) -> APIRouter:
    """Return the routes below `/api`."""
    found = APIRouter(prefix="/api", dependencies=[Depends(HTTPBearer(auto_error=False))])
    _reading(found, ports)
    _looking_back(found, ports)
    _telling(found, ports)
    _writing(found, ports)
    account_api.reading(found, ports.accounts, READ)
    account_api.writing(found, ports.steering, WRITE)
    return found


def _reading(found: APIRouter, ports: Ports) -> None:
    live, clock = ports.live, ports.clock

    @found.get("/standing", responses=READ, tags=["read"])
    def standing() -> Standing:
        """How the console itself is: whether Kafka answers, and what it could not read."""
        return live.standing()

    @found.get("/jobs", responses=READ, tags=["read"])
    def jobs(
        q: Annotated[str, Query(max_length=200, description="Part of the name.")] = "",
        state: Annotated[State | None, Query(description="Only jobs in this state.")] = None,
        limit: Limit = PAGE,
        after: Annotated[str, Query(max_length=200, description="`next` of the page before.")] = "",
    ) -> shapes.JobPage:
        """List the jobs that are declared or were heard of lately, by name."""
        known = live.rows(clock(), FRESH)
        rows = [row for row in known if q in row.job and state in {None, row.state}]
        rest = [row for row in rows if row.job > after]
        last = rest[limit - 1].job if len(rest) > limit else None
        return shapes.JobPage(items=tuple(rest[:limit]), total=len(rows), next=last)

    @found.get("/jobs/{job}", responses=READ, tags=["read"])
    def one(job: JobName) -> shapes.JobDetail:
        """Show one job right now."""
        now = clock()
        view = live.view(job, now, since=now, listed=0)
        return shapes.JobDetail(
            row=view.row,
            expected=view.expected,
            curve=view.curve,
            workers=view.workers,
            skew=view.skew,
            hours=view.hours,
        )

    @found.get("/jobs/{job}/series", responses=READ, tags=["read"])
    def series(job: JobName, since: Moment = None) -> shapes.JobSeries:
        """Show one job over time."""
        now = clock()
        view = live.view(job, now, since=_instant("since", since, now), listed=0)
        return shapes.JobSeries(
            metrics=view.metrics,
            forecasts=view.forecasts,
            scale_out=view.scale_out,
            recommended=view.recommended,
            capacity=view.capacity,
            errors=view.errors,
        )

    @found.get("/jobs/{job}/overrides", responses=READ, tags=["read"])
    def overrides(job: JobName, response: Response) -> shapes.Overrides:
        """List what people ask of a job."""
        now = clock()
        control = live.control(job)
        response.headers["ETag"] = f'"{tag_of(control, now)}"'
        return shapes.Overrides(
            in_force=live.row(job, now).overrides, asked=tuple(reversed(control.overrides))
        )


def _looking_back(found: APIRouter, ports: Ports) -> None:
    """Add what is read from the topics where it is not in memory any more."""
    live, clock = ports.live, ports.clock

    @found.get("/jobs/{job}/decisions", responses=READ, tags=["read"])
    async def decisions(
        request: Request,
        job: JobName,
        limit: Limit = PAGE,
        before: Annotated[Moment, Query(description="`next` of the page before.")] = None,
    ) -> shapes.DecisionPage:
        """List decisions of the planner that is obeyed, newest first.

        What is not in memory any more is read from the topics, which keep it for a month.
        """
        bound = _instant("before", before, clock())
        kept = await run_in_threadpool(live.decisions, job, bound, limit)
        more = bool(kept)  # on the topics, where not in memory
        if not kept:
            older = ports.past.decisions(job, bound or clock(), limit)
            kept, more = await waited(request, older)
        return shapes.DecisionPage(
            items=tuple(line(each) for each in kept),
            next=kept[-1].tick.isoformat() if more else None,
        )

    @found.get("/jobs/{job}/decisions/{decision}", responses=READ, tags=["read"])
    async def decision(
        request: Request,
        job: JobName,
        decision: Annotated[str, Path(pattern=ID, description="Its id.")],
        tick: Annotated[
            Moment, Query(description="Its tick, by which one is found that is a while ago.")
        ] = None,
    ) -> shapes.DecisionStory:
        """Tell one decision: what was weighed, what it was made from, what came of it."""
        told = _tell(ports, job, decision, _instant("tick", tick, clock()))
        story, complete = await waited(request, told)
        return shapes.DecisionStory(
            decision=story.decision,
            capacity=story.update,
            forecast=story.forecast,
            rescale=rescale_line(story.rescale) if story.rescale else None,
            complete=complete,
        )

    @found.get("/jobs/{job}/rescales", responses=READ, tags=["read"])
    async def rescales(
        request: Request,
        job: JobName,
        limit: Limit = PAGE,
        before: Annotated[Moment, Query(description="`next` of the page before.")] = None,
    ) -> shapes.RescalePage:
        """List the rescales, newest first: promise beside outcome.

        What is not in memory any more is read from the topics, which keep it for a month.
        """
        now = clock()
        bound = _instant("before", before, now)
        view = await run_in_threadpool(live.view, job, now, since=now, listed=1_000)
        kept = [each for each in view.rescales if bound is None or each.tick < bound][:limit]
        more = bool(kept)  # on the topics, where not in memory
        if not kept:
            older, more = await waited(request, ports.past.rescales(job, bound or now, limit))
            kept = [rescale_line(each) for each in older]
        return shapes.RescalePage(
            items=tuple(kept), next=kept[-1].tick.isoformat() if more else None
        )


def _telling(found: APIRouter, ports: Ports) -> None:
    @found.get(
        "/events",
        responses=READ
        | {
            200: {
                "description": "Events `job` (a row) and `standing`, as they happen.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
        response_class=StreamingResponse,
        tags=["read"],
    )
    async def events(
        request: Request,
        job: Annotated[
            str | None, Query(pattern=JOB_NAME, max_length=200, description="Only this job.")
        ] = None,
        last_event_id: Annotated[
            str | None,
            Header(max_length=100, description="Id of the last event seen: what came since comes."),
        ] = None,
    ) -> StreamingResponse:
        """Stream what changes, as it changes; for as long as you listen, and your token holds."""
        told = ports.streams.events(job, last_event_id, partial(ports.access.knows, request))
        first = await anext(told)  # refused before the answer begins, where too many listen

        async def body() -> Any:
            yield first
            async for text in told:
                yield text

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(body(), headers=headers, media_type="text/event-stream")


def _writing(found: APIRouter, ports: Ports) -> None:
    steering = ports.steering

    @found.post("/jobs/{job}/pause", status_code=201, responses=WRITE, tags=["steer"])
    def pause(
        job: JobName,
        wanted: shapes.PauseWanted,
        request: Request,
        response: Response,
        if_match: Match = None,
    ) -> shapes.WrittenOverrides:
        """Ask for a pause of scaling, for a while."""
        asked = Asked(job, OverrideKind.PAUSE, wanted.until, wanted.why, wanted.direction)
        return _said(steering.ask(_person(request), asked, _tag(if_match)), response)

    @found.post("/jobs/{job}/resume", responses=WRITE, tags=["steer"])
    def resume(
        job: JobName,
        wanted: shapes.ResumeWanted,
        request: Request,
        response: Response,
        if_match: Match = None,
    ) -> shapes.WrittenOverrides:
        """Take pauses back."""
        ended = Ended(job, OverrideKind.PAUSE, wanted.why, wanted.direction)
        return _said(steering.end(_person(request), ended, _tag(if_match)), response)

    for word in (Answer.APPROVE, Answer.REJECT):
        _answering(found, ports, word)
    for kind in (OverrideKind.FLOOR, OverrideKind.CEILING, OverrideKind.PIN):
        _bounding(found, steering, kind)


def _answering(found: APIRouter, ports: Ports, word: Answer) -> None:
    def answer(
        job: JobName, wanted: shapes.AnswerWanted, request: Request, if_match: Match = None
    ) -> shapes.WrittenAnswer:
        person = _person(request)
        kept = ports.live.decisions(job, None, RECENT)
        decision = asking(job, kept, wanted.decision)
        reply = Reply(word, wanted.why, wanted.until)
        written = ports.steering.answer(person, decision, reply, _tag(if_match))
        [event] = written.events
        assert isinstance(event, Approval)  # noqa: S101 -- as `answer` writes
        return shapes.WrittenAnswer(event=event, effective=written.effective)

    found.post(
        f"/jobs/{{job}}/{word}",
        name=f"{word}",
        description=f"{word.capitalize()} the rescale that waits for a word.",
        status_code=201,
        responses=WRITE,
        tags=["steer"],
    )(answer)


def _bounding(found: APIRouter, steering: Steering, kind: OverrideKind) -> None:
    path = f"/jobs/{{job}}/{kind}"

    def bound(
        job: JobName,
        wanted: shapes.BoundWanted,
        request: Request,
        response: Response,
        if_match: Match = None,
    ) -> shapes.WrittenOverrides:
        asked = Asked(job, kind, wanted.until, wanted.why, Direction.BOTH, wanted.workers)
        return _said(steering.ask(_person(request), asked, _tag(if_match)), response)

    def take_back(
        job: JobName,
        why: Annotated[shapes.Why, Query(description="For what reason; the record keeps it.")],
        request: Request,
        response: Response,
        if_match: Match = None,
    ) -> shapes.WrittenOverrides:
        ended = Ended(job, kind, why, Direction.BOTH)
        return _said(steering.end(_person(request), ended, _tag(if_match)), response)

    found.put(
        path,
        name=f"{kind}",
        description=f"Ask for a {kind}, for a while; it replaces the one before.",
        status_code=201,
        responses=WRITE,
        tags=["steer"],
    )(bound)
    found.delete(
        path,
        name=f"end {kind}",
        description=f"Take a {kind} back.",
        responses=WRITE,
        tags=["steer"],
    )(take_back)


async def _tell(ports: Ports, job: str, wanted: str, tick: datetime | None) -> tuple[Story, bool]:
    """Return the story of a decision, and whether the topics could be asked for the rest of it.

    Raises:
        NotFoundError: It is not in memory, and not about its tick.
    """
    found = await run_in_threadpool(ports.live.decision, job, wanted)
    if found is None and tick is not None:
        found = await ports.past.decision(job, wanted, tick)
    if found is None:
        hint = "" if tick else "; one of a while ago is found by `tick` beside"
        raise NotFoundError(f"no decision {wanted} about {job} is known{hint}")
    try:
        return await ports.past.told(found), True
    except ConsoleError:
        return Story(found), False


def _said(written: Written, response: Response) -> shapes.WrittenOverrides:
    response.headers["ETag"] = f'"{written.tag}"'
    overrides = tuple(each for each in written.events if isinstance(each, Override))
    return shapes.WrittenOverrides(events=overrides, effective=written.effective)


def _instant(field: str, text: str | None, now: datetime) -> datetime | None:
    """Return the instant that a query names, within what the topics can hold."""
    if text is None:
        return None
    try:
        # In a query `+` stands for a blank.
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{field}: {text!r} is no time; write 2026-01-31T18:30:00Z") from error
    return min(max(found, EARLIEST), now)


__all__ = ["PAGE", "Ports", "Problem", "router"]
