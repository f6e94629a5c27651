"""How the command reaches Kafka; the same settings as the services', prefixed `DAEDALUS_`."""

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from daedalus_console.errors import UsageError
from daedalus_shared.events.codec import explain
from daedalus_shared.settings import ServiceSettings


class ConsoleSettings(ServiceSettings):
    """Credentials from the environment, such as `DAEDALUS_PASSWORD_FILE`."""

    model_config = SettingsConfigDict(env_prefix="DAEDALUS_")

    instance: str = "console"
    """Name of this client in the broker's logs."""


def settings(bootstrap: str) -> ConsoleSettings:
    """Return the settings with this address, or raise `UsageError` for a wrong variable."""
    try:
        return ConsoleSettings(bootstrap=bootstrap)
    except ValidationError as error:
        raise UsageError(f"environment (DAEDALUS_…): {explain(error)}") from error
