"""What went wrong, as RFC 9457 has it: one sentence that names the field and the mend."""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from daedalus_console.errors import ConsoleError, NotFoundError, UnreachableError, UsageError
from daedalus_console.web.people import ForbiddenError, SignInError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why a request was not carried out."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = "about:blank"
    """No page of its own explains it: `title` is the meaning of `status`."""

    title: str
    status: int
    detail: str
    """One sentence that names the field and the mend."""


def problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer."""
    said = Problem(title=status.phrase, status=status, detail=detail)
    return JSONResponse(said.model_dump(), status, headers, MEDIA_TYPE)


def of(error: ConsoleError) -> JSONResponse:
    """Return the answer that an error of ours calls for."""
    match error:
        case SignInError():
            headers = {"WWW-Authenticate": "Bearer"}
            return problem(HTTPStatus.UNAUTHORIZED, str(error), headers)
        case ForbiddenError():
            return problem(HTTPStatus.FORBIDDEN, str(error))
        case NotFoundError():
            return problem(HTTPStatus.NOT_FOUND, str(error))
        case UnreachableError():
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"})
        case UsageError():
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return problem(HTTPStatus.CONFLICT, str(error))
