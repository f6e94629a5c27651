"""The settings that every service has; read once, in its `__main__`."""

import re
import socket
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError


class ServiceSettings(BaseSettings):
    """Where Kafka is, who this instance is, and where it answers."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    bootstrap: str = "localhost:9092"
    """`host:port` of the Kafka brokers, comma-separated."""

    instance: str
    """Name of this instance; replicas share it, a shadow has its own."""

    http_host: str = "127.0.0.1"
    """Address of /healthz, /readyz and /metrics; 0.0.0.0 to be reached from outside."""

    http_port: int = Field(default=0, ge=0, le=65535)
    """Port of /healthz, /readyz and /metrics; 0 takes a free one, which the log names."""

    session_timeout: float = Field(default=6.0, ge=1.0)
    """Seconds after which a dead replica's jobs are taken over. The broker must allow it
    (`group.min.session.timeout.ms`, 6 s by default)."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged."""

    security: Literal["plaintext", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    """How to talk to Kafka."""

    username: str | None = None
    """SASL/SCRAM user."""

    password_file: Path | None = None
    """File that holds the SASL/SCRAM password; it is never an environment variable's value."""

    ca_file: Path | None = None
    """Certificate authority of the brokers, for `sasl_ssl`; the system's by default."""

    @classmethod
    def read(cls) -> Self:
        """Read the environment; a wrong setting ends the process with one line that names it."""
        prefix = cls.model_config.get("env_prefix", "")
        try:
            return cls()
        except SettingsError as error:
            raise SystemExit(f"{prefix}…: {error}") from error
        except ValidationError as error:
            told = []
            for detail in error.errors(include_url=False):
                name = prefix + "__".join(str(part) for part in detail["loc"]).upper()
                told.append(f"{name}: {detail['msg'].removeprefix('Value error, ')}")
            raise SystemExit("; ".join(told)) from error

    @field_validator("instance")  # holds for a default of a service's own too
    @classmethod
    def _names_keys_and_groups(cls, value: str) -> str:
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]*", value):
            raise ValueError(f"{value!r} must be letters, digits, dots, dashes and underscores")
        return value

    @model_validator(mode="after")
    def _credentials_are_complete(self) -> Self:
        if self.security != "plaintext" and (self.username is None or self.password_file is None):
            raise ValueError(f"security {self.security} needs username and password_file")
        return self

    @property
    def password(self) -> SecretStr | None:
        """The password, read from its file."""
        if self.password_file is None:
            return None
        return SecretStr(self.password_file.read_text().strip())

    @property
    def client_id(self) -> str:
        """What the broker's logs call this process."""
        return f"daedalus-{self.instance}-{socket.gethostname()}"
