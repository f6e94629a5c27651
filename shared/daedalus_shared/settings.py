"""The settings that every service has; read once, in its `__main__`."""

import re
import socket
import ssl
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError


class CredentialsError(ValueError):
    """A file of credentials cannot be used; one line names the setting, and never the content."""


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

    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    """How to talk to Kafka: `ssl` is TLS, `sasl_…` a user and a password (SCRAM-SHA-512)."""

    username: str | None = None
    """SASL/SCRAM user."""

    password_file: Path | None = None
    """File that holds the SASL/SCRAM password; it is never an environment variable's value."""

    ca_file: Path | None = None
    """Certificate authority of the brokers in PEM, for `ssl` and `sasl_ssl`; the system's by
    default."""

    certificate_file: Path | None = None
    """Certificate of this client in PEM, for `ssl` with brokers that ask for one (mutual TLS)."""

    key_file: Path | None = None
    """Key of `certificate_file` in PEM, without a passphrase."""

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
                what = detail["msg"].removeprefix("Value error, ")
                told.append(f"{name}: {what}" if detail["loc"] else what)
            raise SystemExit("; ".join(told)) from error

    @field_validator("instance")  # holds for a default of a service's own too
    @classmethod
    def _names_keys_and_groups(cls, value: str) -> str:
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]*", value):
            raise ValueError(f"{value!r} must be letters, digits, dots, dashes and underscores")
        return value

    @model_validator(mode="after")
    def _credentials_can_be_used(self) -> Self:
        if missing := self._lacks():
            raise ValueError(missing)
        if self.security.startswith("sasl_"):
            _ = self.password
        self.tls()
        return self

    def _lacks(self) -> str | None:
        """Say which settings do not go together, or None."""
        name, security = self.variable, f"{self.variable('security')} is {self.security}"
        if self.security.startswith("sasl_"):
            for field in ("username", "password_file"):
                if getattr(self, field) is None:
                    return f"{security}, which needs {name(field)}"
        elif self.username is not None or self.password_file is not None:
            return f"{security}, and {name('username')} would not be used: set it to sasl_ssl"
        files = ("ca_file", "certificate_file", "key_file")
        given = [field for field in files if getattr(self, field) is not None]
        if given and not self.security.endswith("ssl"):
            return f"{security}, and {name(given[0])} would not be used: set it to ssl or sasl_ssl"
        if (self.certificate_file is None) != (self.key_file is None):
            return f"{name('certificate_file')} and {name('key_file')} belong together"
        return None

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the environment variable of a setting."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    @property
    def password(self) -> SecretStr | None:
        """The password, read from its file at each call, so that a new one is found.

        Raises:
            CredentialsError: The file cannot be read, or is empty.
        """
        if self.password_file is None:
            return None
        name = self.variable("password_file")
        try:
            found = self.password_file.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialsError(f"{name}: {_unreadable(self.password_file, error)}") from error
        if not found:
            raise CredentialsError(f"{name}: {self.password_file} is empty")
        return SecretStr(found)

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None where Kafka is talked to without.

        Raises:
            CredentialsError: A file cannot be read, or is no certificate or key.
        """
        if not self.security.endswith("ssl"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            name = self.variable("ca_file")
            raise CredentialsError(f"{name}: {_unreadable(self.ca_file, error)}") from error
        if self.certificate_file is not None and self.key_file is not None:
            try:
                # With a passphrase the key would make openssl ask at the terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
            except OSError as error:
                names = f"{self.variable('certificate_file')}, {self.variable('key_file')}"
                raise CredentialsError(
                    f"{names}: {_unreadable(self.certificate_file, error)}"
                ) from error
        return context

    @property
    def client_id(self) -> str:
        """What the broker's logs call this process."""
        return f"daedalus-{self.instance}-{socket.gethostname()}"


def _unreadable(path: Path | None, error: OSError | UnicodeDecodeError) -> str:
    """Say what is wrong with a file; a value that is no path may be the secret itself."""
    shown = "its value" if path is None or not path.is_absolute() else str(path)
    if isinstance(error, UnicodeDecodeError):
        return f"{shown} is not text in UTF-8"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "unknown").replace("_", " ").lower()
        return f"{shown} holds nothing that can be used ({reason})"
    if isinstance(error, FileNotFoundError):
        return f"{shown} is no file; it names one, and is not what stands in it"
    return f"{shown} cannot be read: {error.strerror}"
