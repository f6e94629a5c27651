"""What every route needs of a request: the job, who asks, and which state they saw."""

from typing import Annotated

from fastapi import Header, Path, Request

from daedalus_console.web.people import Person
from daedalus_shared.events.base import JOB_NAME

JobName = Annotated[str, Path(pattern=JOB_NAME, max_length=200, description="Name of the job.")]
Match = Annotated[
    str | None,
    Header(
        max_length=100,
        description="An `ETag` of the job's overrides: write only while they are these.",
    ),
]


def person(request: Request) -> Person:
    """Return who asks."""
    found = request.state.person
    assert isinstance(found, Person)  # noqa: S101 -- the guard put it there
    return found


def tag(if_match: str | None) -> str | None:
    """Return the tag that `If-Match` names; None where any will do.

    A proxy that packs answers makes a tag weak, `W/"…"`; the overrides are the same.

    >>> tag('W/"abc"'), tag('"abc"'), tag("*")
    ('abc', 'abc', None)
    """
    return None if if_match in {None, "*"} else str(if_match).strip().removeprefix("W/").strip('"')
