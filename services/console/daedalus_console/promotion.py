"""Another planner or forecaster is obeyed: the spec with its name, and all else as it was."""

from collections.abc import Iterable

from daedalus_console.errors import ChangedError, ConsoleError
from daedalus_console.overrides import Author, check_reason, declared
from daedalus_console.specs import Change, differences, instant_after
from daedalus_shared.control import JobControl
from daedalus_shared.events import Decision, Declaration, Event, Forecast


def heard(events: Iterable[Event]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the planners and of the forecasters that events are of."""
    planners, forecasters = set(), set()
    for event in events:
        if isinstance(event, Decision):
            planners.add(event.planner)
        elif isinstance(event, Forecast):
            forecasters.add(event.forecaster)
    return frozenset(planners), frozenset(forecasters)


def check(kind: str, name: str | None, known: frozenset[str], within: str) -> None:
    """Raise `ConsoleError` where nothing was heard of a name, since nothing would act then."""
    if name is None or name in known:
        return
    heard_of = ", ".join(sorted(known)) or "none"
    raise ConsoleError(
        f"nothing was heard of {kind} {name!r} within {within} (heard of: {heard_of}); "
        "start it first, or add --force (over HTTP: force)"
    )


def check_obeyed(kind: str, name: str | None, obeyed: str, seen: str | None) -> None:
    """Raise `ChangedError` where another is obeyed than who was seen; `None` saw nobody."""
    if name is not None and seen not in (None, obeyed) and name != obeyed:
        raise ChangedError(f"the {kind} obeyed is {obeyed} meanwhile, not {seen}: look again")


def promoted(
    job: str,
    control: JobControl,
    author: Author,
    *,
    planner: str | None = None,
    forecaster: str | None = None,
    why: str,
) -> tuple[Declaration, tuple[Change, ...]]:
    """Return the declaration that has them obeyed, and what it changes; nothing where they are.

    Raises:
        NotFoundError: The job is not declared.
        UsageError: No reason is given.
    """
    spec = declared(job, control)
    check_reason(why)
    names = {"planner": planner, "forecaster": forecaster}
    changed = {field: name for field, name in names.items() if name is not None}
    after = spec.model_copy(update={"policy": spec.policy.model_copy(update=changed)})
    event = Declaration(
        job=job,
        at=instant_after(control, author.now),
        source=author.source,
        spec=after,
        author=author.name,
        why=why,
    )
    return event, tuple(differences(spec, after))
