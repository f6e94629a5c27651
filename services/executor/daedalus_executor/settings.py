"""Every setting of the executor, with its default and unit; read once, in `__main__`."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_settings import SettingsConfigDict

from daedalus_shared.durations import Seconds
from daedalus_shared.settings import ServiceSettings

Service = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*(/[A-Za-z0-9._-]+)?$")]

KubernetesTarget = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(/[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"),
]

Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$")]


class Waits(BaseModel):
    """How long the executor waits for what."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    request: Seconds = Field(default=3.0, gt=0)
    """Seconds for one question to an engine, which is asked up to four times."""

    register_within: Seconds = 60.0
    """Seconds for a started worker to register with its engine."""

    release_within: Seconds = 60.0
    """Seconds for an engine to free the workers of a scale-down."""

    sample: Seconds = Field(default=0.5, gt=0)
    """Seconds between two looks at a job that is being rescaled."""


class Settings(ServiceSettings):
    """Read from the environment, each variable prefixed ``EXECUTOR_``."""

    model_config = SettingsConfigDict(env_prefix="EXECUTOR_")

    instance: str = "executor"
    """Name of this instance; replicas share it."""

    pools: Path | None = None
    """JSON file of the process pools that this executor may use; none by default."""

    allowed_rest: tuple[Address, ...] = ()
    """Addresses of the Flink clusters that this executor may change, as job specs write them. None
    by default: a job spec alone must not be enough to have somebody's cluster changed."""

    credentials: Path | None = None
    """Folder of files of credentials for `allowed_rest` (docs/operate.md)."""

    compose_projects: tuple[Service, ...] = ()
    """Docker compose projects whose services this executor may scale, such as ``["shop"]``, or
    ``["shop/counter"]`` for one service of it alone. None by default."""

    compose_most: int = Field(default=20, ge=1)
    """The most containers of a compose service: what this machine is to hold."""

    docker: str = Field(default="unix:///var/run/docker.sock", pattern=r"^(unix|tcp|https?)://\S+$")
    """Where Docker answers; asked for compose projects alone."""

    kubernetes_targets: tuple[KubernetesTarget, ...] = ()
    """What this executor may scale on Kubernetes: namespaces such as ``["jobs"]``, or single
    Deployments, StatefulSets and FlinkDeployments such as ``["jobs/counter"]``. None by default."""

    kubernetes_most: int = Field(default=50, ge=1)
    """The most pods of a workload."""

    kubeconfig: Path | None = None
    """Kubeconfig of the cluster; by default the ServiceAccount of the pod that this runs in."""

    waits: Waits = Waits()
    """How long is waited, such as ``EXECUTOR_WAITS__REGISTER_WITHIN=2m``."""

    @property
    def fresh(self) -> float:
        """How long the broker's word on who serves a job is good for, and one request to change it.

        Seconds. Both together end well within the session, after which another may take over.
        """
        return self.session_timeout / 3
