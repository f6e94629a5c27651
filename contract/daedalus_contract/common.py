"""The checks that hold for a service in every role: form, headers, place, ids, numbers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from daedalus_contract.found import Answer, is_about_a_value
from daedalus_contract.verdicts import Verdict, judged
from daedalus_shared.events import Event, event_type
from daedalus_shared.topics import partition_of


def decodes(found: Sequence[Answer], kinds: Sequence[type[Event]]) -> Verdict:
    """All that it says is an event of its role, as the schemas have it."""
    wrong = [
        f"{each.message.place}: {each.why}"
        for each in found
        if each.event is None and not is_about_a_value(each.why)
    ]
    allowed = ", ".join(event_type(kind) for kind in kinds)
    wrong += [
        f"{each.message.place}: {event_type(type(each.event))} is none of {allowed}"
        for each in found
        if each.event is not None and not isinstance(each.event, tuple(kinds))
    ]
    return judged(
        "decodes",
        wrong,
        well=f"{len(found)} messages are {allowed}",
        mend="The schemas are in docs/events; ce_type names the type with its major version",
    )


def values(found: Iterable[Answer]) -> Verdict:
    """No NaN, nothing infinite, nothing negative or absurd."""
    wrong = [
        f"{each.message.place}: {each.why}"
        for each in found
        if each.event is None and is_about_a_value(each.why)
    ]
    return judged(
        "values",
        wrong,
        well="every number is finite and in its range",
        mend="What is not known is null, or not said at all; rates are never negative",
    )


def heads(found: Iterable[Answer]) -> Verdict:
    """The CloudEvents headers say what the value says."""
    wrong = [
        f"{each.message.place}: {told}"
        for each in found
        if each.event is not None
        for told in _wrong_headers(each, each.event)
    ]
    return judged(
        "headers",
        wrong,
        well="ce_specversion, ce_type, ce_source, ce_subject, ce_time and correlationid are right",
        mend="They are CloudEvents 1.0 in Kafka's binary mode, beside correlationid",
    )


def keys(found: Iterable[Answer]) -> Verdict:
    """The key is the job."""
    wrong = [
        f"{each.message.place}: key {each.message.key!r}, expected {each.event.key.encode()!r}"
        for each in found
        if each.event is not None and each.message.key != each.event.key.encode()
    ]
    return judged("key", wrong, well="the key is the job", mend="Write each event under its job")


def places(found: Iterable[Answer], partitions: int) -> Verdict:
    """The partition is murmur2 of the job."""
    wrong = [
        f"{each.event.job} lies on partition {each.message.partition} of {each.message.topic}, "
        f"expected {partition_of(each.event.key, partitions)} of {partitions}"
        for each in found
        if each.event is not None
        and each.message.partition != partition_of(each.event.key, partitions)
    ]
    return judged(
        "partition",
        wrong,
        well="the partition is murmur2 of the job",
        mend="Set partitioner=murmur2_random (librdkafka), or write where you read the job",
    )


def ids(found: Iterable[Answer]) -> Verdict:
    """The id is the one that everybody computes of an event."""
    wrong = [
        f"{each.message.place}: ce_id {_text(each, 'ce_id') or 'is missing'}, expected "
        f"{each.event.id}, which is uuid5 of {event_type(type(each.event))}|{each.event.source}|"
        f"{each.event.job}|{each.event.identity}"
        for each in found
        if each.event is not None and _text(each, "ce_id") != each.event.id
    ]
    return judged(
        "id",
        wrong,
        well="ce_id is the uuid5 of type, source, job and what tells the event from others",
        mend="docs/replace-a-service.md has the formula; others name the event by that id",
    )


def repeats(found: Iterable[Answer]) -> Verdict:
    """What is said again under the same id is the same."""
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in found:
        if each.event is not None:
            said[each.event.id][each.event.model_dump_json()].append(each.message.place)
    wrong = [
        f"{' and '.join(where[0] for where in contents.values())} have one id, yet differ"
        for contents in said.values()
        if len(contents) > 1
    ]
    again = sum(len(where) - 1 for contents in said.values() for where in contents.values())
    return judged(
        "repeats",
        wrong,
        well=f"{again} events were said again, each unchanged",
        mend="The same input must give the same event, or none: no clock, no randomness",
    )


def _wrong_headers(answer: Answer, event: Event) -> Iterator[str]:
    expected = {
        "ce_specversion": "1.0",
        "ce_type": event_type(type(event)),
        "ce_source": f"daedalus/{event.source}",
        "ce_subject": event.job,
        "correlationid": event.correlation,
    }
    for name, wanted in expected.items():
        came = _text(answer, name)
        if came != wanted:
            yield f"{name} {repr(came) if came else 'is missing'}, expected {wanted!r}"
    told = _text(answer, "ce_time")
    if _instant(told) != event.at:
        came = repr(told) if told else "is missing"
        yield f"ce_time {came}, expected {event.at.isoformat()!r}, the event's `at`"


def _text(answer: Answer, name: str) -> str:
    return answer.message.headers.get(name, b"").decode(errors="replace")


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
