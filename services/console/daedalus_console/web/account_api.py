"""The routes of accounts: what was promised and spent, and what follows from it by a person's word.

Reading them reads the topics: so few are read at once, what is read is told again for some seconds,
and a reading ends when its client has gone.
"""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request

from daedalus_console.accounts.books import Rule
from daedalus_console.errors import UsageError
from daedalus_console.runs.promote import Wish as Promotion
from daedalus_console.web import account_shapes as shapes
from daedalus_console.web.accounts import Accounts
from daedalus_console.web.asking import JobName, Match, person, tag
from daedalus_console.web.readings import LeftError
from daedalus_console.web.steering import Steering
from daedalus_shared.events import Declaration, Forget

T = TypeVar("T")

Since = Annotated[
    str,
    Query(
        min_length=1,
        max_length=40,
        description="A duration back from now (`24h`, `7d`), or ISO 8601 with its offset.",
        examples=["24h"],
    ),
]
Hpa = Annotated[int, Query(ge=1, le=100, description="CPU that the HPA holds, percent.")]
Speed = Annotated[
    float | None,
    Query(ge=0.01, le=10_000, description="Seconds of the job in one; null as the console has it."),
]
HPA = Rule().target


def reading(found: APIRouter, accounts: Accounts, responses: dict[int | str, Any]) -> None:
    """Add the routes that read accounts."""

    @found.get("/cost", responses=responses, tags=["account"])
    async def all_costs(
        request: Request, since: Since = "24h", hpa: Hpa = HPA, speed: Speed = None
    ) -> shapes.Costs:
        """Tell what all jobs cost, and the sum: worker-hours beside static ones and the HPA's."""
        rule = Rule(hpa, speed or accounts.speed)
        return await waited(request, accounts.costs(since, rule))

    @found.get("/jobs/{job}/cost", responses=responses, tags=["account"])
    async def cost(
        request: Request,
        job: JobName,
        since: Since = "24h",
        hpa: Hpa = HPA,
        speed: Speed = None,
    ) -> shapes.Cost:
        """Tell what a job cost beside a static job and the HPA on the same workload."""
        rule = Rule(hpa, speed or accounts.speed)
        return await waited(request, accounts.cost(job, since, rule))

    @found.get("/jobs/{job}/calibration", responses=responses, tags=["account"])
    async def calibration(
        request: Request,
        job: JobName,
        since: Since = "7d",
        periods: Annotated[
            int, Query(ge=1, le=100, description="Parts that the time is cut into.")
        ] = 7,
    ) -> shapes.Calibration:
        """Hold a job's promises against what came: downtime, recovery, capacity, bands."""
        return await waited(request, accounts.calibration(job, since, periods))

    @found.get("/jobs/{job}/standings", responses=responses, tags=["account"])
    async def standings(request: Request, job: JobName, since: Since = "24h") -> shapes.Standings:
        """Rank the planners and forecasters of a job, shadows too, by what came."""
        return await waited(request, accounts.standings(job, since))


def writing(found: APIRouter, steering: Steering, responses: dict[int | str, Any]) -> None:
    """Add the routes by which a shadow is promoted, and what was learned is forgotten."""

    @found.post("/jobs/{job}/promote", status_code=201, responses=responses, tags=["steer"])
    def promote(
        job: JobName, wanted: shapes.PromoteWanted, request: Request, if_match: Match = None
    ) -> shapes.WrittenPromotion:
        """Have another planner or forecaster of a job obeyed; all else of its spec stays."""
        if wanted.planner is None and wanted.forecaster is None:
            raise UsageError("planner: name it, or a forecaster, or both")
        wish = Promotion(job, wanted.planner, wanted.forecaster, wanted.why, wanted.force)
        written, changes = steering.promote(person(request), wish, tag(if_match))
        event = written.events[0] if written.events else None
        assert event is None or isinstance(event, Declaration)  # noqa: S101 -- as `promote` writes
        return shapes.WrittenPromotion(
            event=event,
            changes=tuple(
                shapes.Changed(field=one.field, before=str(one.before), after=str(one.after))
                for one in changes
            ),
            effective=written.effective,
        )

    @found.post("/jobs/{job}/forget", status_code=201, responses=responses, tags=["steer"])
    def forget(
        job: JobName, wanted: shapes.ForgetWanted, request: Request, if_match: Match = None
    ) -> shapes.WrittenForget:
        """Forget what was learned of a job, or the job altogether; it runs on in both cases."""
        written = steering.forget(
            person(request), job, wanted.why, learned=wanted.learned, tag=tag(if_match)
        )
        [event] = written.events
        assert isinstance(event, Forget)  # noqa: S101 -- as `forget` writes
        return shapes.WrittenForget(event=event, effective=written.effective)


async def waited(request: Request, told: Coroutine[Any, Any, T]) -> T:
    """Return what is told; whoever goes away before does not keep it going."""
    telling = asyncio.ensure_future(told)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            raise LeftError("nobody waits for it any more")
        return telling.result()
    finally:
        telling.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
