"""Every setting of the planner; what it decides by stands in each job's spec."""

from typing import Literal

from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment, each variable prefixed `PLANNER_`."""

    model_config = SettingsConfigDict(env_prefix="PLANNER_")

    instance: str = "horizon"
    """Name of this planner, by which a spec's policy chooses it; others are shadows."""

    plan: Literal["horizon", "rules"] | None = None
    """What it decides by; by default what its name says, and `horizon` for any other name."""
