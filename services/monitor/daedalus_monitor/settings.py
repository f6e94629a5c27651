"""Every setting of the monitor, with its default and unit; read once, in `__main__`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment, each variable prefixed ``MONITOR_``."""

    model_config = SettingsConfigDict(env_prefix="MONITOR_")

    instance: str = "monitor"
    """Name of this instance; replicas share it, a shadow has its own."""

    connections_per_host: int = Field(default=32, ge=1)
    """Most HTTP connections to one engine or Prometheus; the jobs of other hosts do not wait."""

    still_after: int = Field(default=12, ge=2)
    """Samples without a move of a value, while others move, after which it is not believed."""

    credentials: Path | None = None
    """Folder of files of credentials for what job files name: input brokers, Flink, Prometheus
    (docs/operate.md). All are otherwise talked to without."""
