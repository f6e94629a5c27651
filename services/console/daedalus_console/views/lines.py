"""Each event as one line."""

from daedalus_console.figures import change, number, rate, share, span, workers
from daedalus_console.records import Record, printable
from daedalus_shared.events import (
    Answer,
    Approval,
    CapacityUpdate,
    DeadLetter,
    Decision,
    Declaration,
    Direction,
    Event,
    Forecast,
    Forget,
    JobMetrics,
    Knowledge,
    Override,
    OverrideKind,
    Recovery,
    Sample,
    ScaleCommand,
    ScaleOutcome,
)


def of_record(record: Record) -> str:
    """Return a record on one line; one that is no event says why, and how it begins."""
    if record.event is not None:
        return of(record.event)
    if record.tombstone:
        return f"tombstone of {printable(record.key or '')}"
    value = "no value" if record.value is None else f"{len(record.value)} bytes: {record.text(60)}"
    return f"no event: {record.why} ({value})"


def of(event: Event) -> str:
    """Return an event on one line, safe for a terminal."""
    return printable(_of_control(event) or _of_loop(event) or type(event).__name__)


def _of_loop(event: Event) -> str:  # noqa: PLR0911 -- one line an event class
    match event:
        case JobMetrics():
            return _metrics(event)
        case CapacityUpdate():
            return _capacity(event)
        case Forecast():
            return _forecast(event)
        case Decision():
            return _decision(event)
        case ScaleCommand():
            return _command(event)
        case ScaleOutcome():
            return _outcome(event)
        case Recovery():
            return _recovery(event)
    return ""


def _of_control(event: Event) -> str:
    match event:
        case Declaration() | Override() | Approval() | Forget():
            return _control(event)
        case Knowledge():
            return f"{event.kind} of {event.instance}, revision {event.revision}"
        case DeadLetter():
            return f"{event.topic}[{event.partition}]@{event.offset}: {event.why}"
    return ""


def _command(event: ScaleCommand) -> str:
    dry = ", dry run" if event.dry_run else ""
    life = span((event.expires_at - event.at).total_seconds())
    return f"{change(event.from_scale_out, event.to_scale_out)}, void after {life}{dry}"


def _metrics(event: JobMetrics) -> str:
    if not event.samples:
        return "no samples"
    newest: Sample = event.samples[-1]
    parts = [
        workers(newest.scale_out),
        f"{rate(newest.workload)} in",
        f"lag {number(newest.lag)}",
    ]
    if newest.latency is not None:
        parts.append(f"p95 {span(newest.latency)}")
    if newest.unknown:
        signals = ", ".join(f"{signal} ({why})" for signal, why in newest.unknown.items())
        parts.append(f"unknown: {signals}")
    if event.tick is not None:
        parts.append("tick")
    return ", ".join(parts)


def _capacity(event: CapacityUpdate) -> str:
    if event.capacity is None:
        return f"capacity unknown: {event.why_unknown or 'no reason given'}"
    error = "" if event.capacity_error is None else f" ± {rate(event.capacity_error)}"
    skew = f", hottest {event.skew.hottest}" if event.skew else ""
    return f"{workers(event.scale_out)} can do {rate(event.capacity)}{error}{skew}"


def _forecast(event: Forecast) -> str:
    error = "" if event.wape is None else f", off by {share(event.wape, 1.0)} last"
    fallback = f", fallback: {event.why or 'no reason given'}" if event.fallback else ""
    return (
        f"up to {rate(max(event.mean))} within {span(event.horizon)} "
        f"by {event.forecaster}/{event.model}{error}{fallback}"
    )


def _decision(event: Decision) -> str:
    marks = [*event.marks]
    marks += ["shadow"] if event.shadow else []
    marks += ["advice only"] if event.dry_run and event.chosen != event.scale_out else []
    marked = f" [{', '.join(marks)}]" if marks else ""
    return f"{event.sentence}{marked}"


def _outcome(event: ScaleOutcome) -> str:
    said = f"{change(event.from_scale_out, event.to_scale_out)} {event.status.replace('_', ' ')}"
    if event.started_at and event.converged_at:
        said += f" within {span((event.converged_at - event.started_at).total_seconds())}"
    if event.downtime is not None:
        said += f", downtime {span(event.downtime)}{_promised(event)}"
    return f"{said}: {event.why}" if event.why else said


def _promised(event: ScaleOutcome) -> str:
    expected = event.promise.downtime if event.promise else None
    return "" if expected is None else f" (promised {span(expected)})"


def _recovery(event: Recovery) -> str:
    what = change(event.from_scale_out, event.to_scale_out)
    expected = event.promise.recovery if event.promise else None
    promised = "" if expected is None else f" (promised {span(expected)})"
    worst = "" if event.worst_lag is None else f", at worst {number(event.worst_lag)} waited"
    if event.recovery is None:
        return f"{what} not caught up while it was watched{promised}{worst}"
    return f"{what} caught up in {span(event.recovery)}{promised}{worst}"


def _control(event: Declaration | Override | Approval | Forget) -> str:
    match event:
        case Declaration():
            spec = event.spec
            bounds = f"{spec.scale.min} to {workers(spec.scale.max)}"
            said = f"declared: {spec.policy.mode}, planner {spec.policy.planner}, {bounds}"
            return said + (f", by {event.author}: {event.why}" if event.why else "")
        case Override():
            return asked(event)
        case Approval():
            return f"{event.author} {answer(event)}{f': {event.why}' if event.why else ''}"
        case Forget():
            what = "what was learned" if event.stays_declared else "it"
            why = f": {event.why}" if event.why else ""
            return f"{event.author} has {what} forgotten{why}"


def answer(event: Approval) -> str:
    """Return what an answer says, without who: `approves 4 → 6`."""
    says = "approves" if event.answer is Answer.APPROVE else "rejects"
    if event.scale_out is None:
        return f"{says} {event.decision}"
    return f"{says} {change(event.from_scale_out, event.scale_out)}"


def asked(event: Override) -> str:
    """Return what an override asks for, and who."""
    until = event.until.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    why = f": {event.why}" if event.why else ""
    if event.until <= event.at:
        return f"{event.author} takes back {wanted(event)}{why}"
    return f"{event.author} asks for {wanted(event)} until {until}{why}"


def wanted(event: Override) -> str:
    """Return what an override asks for, without who and until when."""
    if event.kind is OverrideKind.PAUSE:
        way = "" if event.direction is Direction.BOTH else f" of scaling {event.direction}"
        return f"a pause{way}"
    return f"a {event.kind} of {event.scale_out}"
