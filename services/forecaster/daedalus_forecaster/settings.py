"""Every setting of the forecaster, with its default and unit; read once, in `__main__`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment, each variable prefixed `FORECASTER_`."""

    model_config = SettingsConfigDict(env_prefix="FORECASTER_")

    instance: str = Field(default="daedalus", min_length=1, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
    """Name of this forecaster, by which a job's policy chooses it."""

    worker_idle: float = Field(default=120.0, gt=0)
    """Seconds without training after which the training process ends; it takes 300 MB, and about
    6 s of CPU to start."""
