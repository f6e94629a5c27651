"""Start the rule in a planner's place. The only module here that reads the environment."""

from typing import NoReturn

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings
from daedalus_shared.streams import run
from daedalus_simulator.hpa.service import Hpa


class Settings(ServiceSettings):
    """Read from the environment, each variable prefixed ``HPA_``."""

    model_config = SettingsConfigDict(env_prefix="HPA_")

    instance: str = "hpa"
    """Name of this planner, by which a job's spec chooses it."""

    target: float = Field(default=0.8, gt=0, le=1)
    """Mean CPU wanted, as a part of what a worker may use."""

    speed: float = Field(default=1.0, ge=1.0)
    """Seconds of the job's time in one second: the rule's windows are so much shorter."""


def main() -> NoReturn:
    """Run until SIGTERM."""
    settings = Settings.read()
    run(Hpa(settings.instance, settings.target, settings.speed), settings)


if __name__ == "__main__":
    main()
