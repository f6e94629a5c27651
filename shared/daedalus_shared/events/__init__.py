"""The events that the services exchange: one class an event, a JSON schema each."""

from daedalus_shared.events.base import Event, TickEvent, Value, correlation, event_type
from daedalus_shared.events.capacity import (
    Basis,
    CapacityPoint,
    CapacityUpdate,
    Downtime,
    Skew,
    Workload,
)
from daedalus_shared.events.codec import DecodeError, decode, encode, headers
from daedalus_shared.events.control import (
    Answer,
    Approval,
    ControlEvent,
    Declaration,
    Direction,
    Forget,
    Override,
    OverrideKind,
)
from daedalus_shared.events.dead_letters import DeadLetter
from daedalus_shared.events.decisions import Asked, Candidate, Cost, Decision, LateRecords, Promise
from daedalus_shared.events.forecasts import Forecast, HorizonError
from daedalus_shared.events.knowledge import Knowledge
from daedalus_shared.events.metrics import JobMetrics, Sample, Worker
from daedalus_shared.events.scaling import Recovery, ScaleCommand, ScaleOutcome, Status

__all__ = [
    "Answer",
    "Approval",
    "Asked",
    "Basis",
    "Candidate",
    "CapacityPoint",
    "CapacityUpdate",
    "ControlEvent",
    "Cost",
    "DeadLetter",
    "Decision",
    "Declaration",
    "DecodeError",
    "Direction",
    "Downtime",
    "Event",
    "Forecast",
    "Forget",
    "HorizonError",
    "JobMetrics",
    "Knowledge",
    "LateRecords",
    "Override",
    "OverrideKind",
    "Promise",
    "Recovery",
    "Sample",
    "ScaleCommand",
    "ScaleOutcome",
    "Skew",
    "Status",
    "TickEvent",
    "Value",
    "Worker",
    "Workload",
    "correlation",
    "decode",
    "encode",
    "event_type",
    "headers",
]
