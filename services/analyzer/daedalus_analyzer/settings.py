"""Every setting of the analyzer, with its default and unit; read once, in `__main__`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings


class AnalyzerSettings(ServiceSettings):
    """Read from the environment, each variable prefixed `ANALYZER_`."""

    model_config = SettingsConfigDict(env_prefix="ANALYZER_")

    instance: str = Field(default="analyzer", min_length=1, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
    """Name of this instance; replicas share it, a shadow has its own."""
