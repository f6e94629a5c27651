"""How a job is declared: one YAML file, every number with its default and unit.

Nothing here reads a file or the environment; credentials appear by reference only.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from daedalus_shared.policy import Policy
from daedalus_shared.section import Section, hidden, short
from daedalus_shared.yaml_text import YamlError, load

__all__ = ["JobSpec", "Policy", "SpecError", "read_spec"]

JOB_NAME = r"^[a-z0-9][a-z0-9.-]*$"

PLACE = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:/[^\s#]*)?"
    r"|file:///[^\s?#]+"
)


def _place(text: str) -> str:
    found = PLACE.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 80) < 65536:
        raise ValueError(
            "is neither an address such as http://wordcount:9401/metrics "
            "nor a file such as file:///run/wordcount.json"
        )
    return text


Place = Annotated[str, AfterValidator(_place)]
"""Where workers tell their metrics."""


KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
"""A name as Kubernetes has them: they become part of an address."""


def _address(text: str) -> str:
    # The value that an error shows is cleaned by `hidden`.
    if "@" in text:
        raise ValueError(
            "must not hold credentials: they belong into a file of the folder that "
            "MONITOR_CREDENTIALS (and EXECUTOR_CREDENTIALS) names"
        )
    return text


Address = Annotated[str, AfterValidator(_address)]
"""Where a server is, without a user or a password."""


class SpecError(ValueError):
    """A job file is wrong; the message names the field, the value and what would be right."""


class EngineKind(StrEnum):
    """The stream-processing engine."""

    FLINK = "flink"
    KAFKA_STREAMS = "kafka-streams"


class Engine(Section):
    """The engine that runs the job."""

    kind: EngineKind
    """`flink` or `kafka-streams`."""

    rest: Address | None = Field(default=None, pattern=r"^https?://\S+$")
    """Address of the engine's REST API; required for flink."""

    name: str | None = None
    """The job's name in the engine, for kafka-streams the value of Prometheus' label `job`; the
    job's own name by default."""

    metrics: tuple[Place, ...] = ()
    """For kafka-streams: where its workers tell their metrics themselves.

    `http://wordcount:9401/metrics` is asked at each address that the name has (the name of a
    compose service or of a headless Kubernetes service has one a worker);
    `file:///run/wordcount/*.json` are lists of workers in the form of Prometheus' `file_sd`. Each
    worker that is listed must answer. Needless where `metrics.prometheus` scrapes the workers."""

    cores: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """For kafka-streams: CPU cores that a worker may use, where it does not tell it itself."""

    @model_validator(mode="after")
    def _is_asked_as_its_kind_is(self) -> Self:
        if self.kind is EngineKind.FLINK and self.rest is None:
            raise ValueError("flink needs `rest`, such as http://jobmanager:8081")
        if self.kind is EngineKind.FLINK and (self.metrics or self.cores is not None):
            raise ValueError(
                "`metrics` and `cores` are for kafka-streams; flink is asked by `rest`"
            )
        return self


class Input(Section):
    """The Kafka topics that the job reads."""

    bootstrap: Address = Field(min_length=1)
    """`host:port` of the brokers."""

    topics: tuple[str, ...] = Field(min_length=1)
    """The input topics."""

    group: str = Field(min_length=1)
    """The job's consumer group, whose committed offsets give the lag; for kafka-streams its
    application id."""

    repartition: tuple[str, ...] | None = None
    """For kafka-streams: topics between its steps, whose records wait too; found by their names,
    `<group>-…-repartition`, when left out. To be named where another job's group begins alike."""


class Metrics(Section):
    """Where metrics come from beside the engine's own API."""

    prometheus: Address | None = Field(default=None, pattern=r"^https?://\S+$")
    """Address of a Prometheus server."""

    latency: str | None = None
    """A PromQL expression of the end-to-end latency in seconds (p95)."""

    prefer: Literal["engine", "prometheus"] = "engine"
    """Which is asked first for a signal that both have; the other fills in."""


class Workers(Section):
    """Who starts and stops workers."""

    kind: Literal["kubernetes", "compose", "processes", "none"]
    """`none`: somebody else does; the job's parallelism alone is set."""

    pool: str | None = None
    """For `processes`: the pool's name in the executor's settings."""

    namespace: KubernetesName | None = None
    """For `kubernetes`: the namespace."""

    deployment: KubernetesName | None = None
    """For `kubernetes`: the Deployment."""

    statefulset: KubernetesName | None = None
    """For `kubernetes`: the StatefulSet, in place of a Deployment."""

    flinkdeployment: KubernetesName | None = None
    """For `kubernetes`: the FlinkDeployment of the Flink operator, in place of a Deployment."""

    project: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """For `compose`: the project; by default the only one that the executor's settings name."""

    service: str | None = Field(default=None, min_length=1)
    """For `compose`: the service."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        needed = {
            "processes": ("pool",),
            "kubernetes": ("namespace",),
            "compose": ("service",),
            "none": (),
        }[self.kind]
        for field in needed:
            if getattr(self, field) is None:
                raise ValueError(f"kind {self.kind} needs `{field}`")
        named = [self.deployment, self.statefulset, self.flinkdeployment]
        if self.kind == "kubernetes" and sum(name is not None for name in named) != 1:
            raise ValueError(
                "kind kubernetes needs one of `deployment`, `statefulset` and `flinkdeployment`"
            )
        return self


class Scale(Section):
    """The bounds of the scale-out."""

    min: int = Field(default=1, ge=1)
    """Fewest workers."""

    max: int = Field(ge=1, le=1000)
    """Most workers."""

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class JobSpec(Section):
    """A job: what it is, where it runs, and how it is scaled."""

    apiVersion: Literal["daedalus/v1"] = "daedalus/v1"  # noqa: N815 -- the field's name in the file
    """Version of this form."""

    job: str = Field(pattern=JOB_NAME, max_length=200)
    """Name of the job: lower-case letters, digits, dots and dashes."""

    engine: Engine
    """What runs it."""

    input: Input
    """What it reads."""

    metrics: Metrics = Metrics()
    """Where else metrics come from."""

    workers: Workers
    """Who starts and stops its workers."""

    rescale: Literal["in-place", "reactive", "none"] = "in-place"
    """For flink: `in-place` (resource requirements over REST) or `reactive`."""

    scale: Scale
    """Bounds of the scale-out."""

    policy: Policy = Policy()
    """How it is scaled."""

    @model_validator(mode="after")
    def _workers_suit_the_engine(self) -> Self:
        flink = self.engine.kind is EngineKind.FLINK
        if self.workers.flinkdeployment and not flink:
            raise ValueError("workers.flinkdeployment is for engine.kind flink")
        if self.workers.statefulset and flink and self.rescale == "in-place":
            raise ValueError(
                "workers.statefulset: a StatefulSet ends its highest pod, Flink frees any: "
                "use a Deployment, or rescale: reactive"
            )
        return self

    @property
    def engine_name(self) -> str:
        """The job's name in the engine."""
        return self.engine.name or self.job


def read_spec(text: str) -> JobSpec:
    """Read one job file.

    Raises:
        SpecError: It is no YAML, or no spec; one line that names each field.
    """
    try:
        found: Any = load(text)
    except YamlError as error:
        raise SpecError(f"no YAML: {error}") from error
    if not isinstance(found, dict):
        what = "empty" if found is None else f"a {type(found).__name__}"
        raise SpecError(f"is {what}: a job file is a mapping such as `job: ysb`")
    try:
        return JobSpec.model_validate(found)
    except ValidationError as error:
        raise SpecError("; ".join(_line(detail) for detail in error.errors())) from error


def _line(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    what = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "missing":
        return f"{where}: is missing"
    if detail["type"] == "extra_forbidden":
        return f"{where}: is not a field of a job file"
    value = detail["input"]
    if isinstance(value, dict):
        return f"{where or 'spec'}: {what}"
    return f"{where}: {short(hidden(repr(value)))}: {what}"
