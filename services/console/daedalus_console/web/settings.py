"""Every setting of `daedalus serve`; those of Kafka are those of all commands."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from daedalus_console.errors import UsageError
from daedalus_console.web.people import Role
from daedalus_shared.events.codec import explain
from daedalus_shared.section import PositiveSeconds

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

Network = IPv4Network | IPv6Network


class Settings(BaseSettings):
    """Read from the environment, each variable prefixed ``CONSOLE_``."""

    model_config = SettingsConfigDict(
        env_prefix="CONSOLE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address that is listened on; any other than loopback needs `tokens`, `proxies` or
    `anybody_reads`."""

    port: int = Field(default=8090, ge=0, le=65535)
    """Port of page and API; 0 takes a free one, which the log names."""

    hosts: tuple[str, ...] = ()
    """Names by which browsers may reach the console, beside those of loopback and `host`."""

    local: Role = Role.READ
    """What whoever reaches the console on loopback may do where neither `tokens` nor `proxies` are
    set: `read` or `steer`."""

    anybody_reads: bool = False
    """Whether all who reach an address other than loopback may read, and none may steer, without
    signing in. For where something else keeps strangers away: a port that a container publishes on
    its host's loopback, a port-forward."""

    tokens: Path | None = None
    """File of the bearer tokens: YAML, a list of `name`, `sha256` (of the token, in hex), `role`
    (`read`, `steer`) and `expires`. It is read anew when it changes."""

    proxies: tuple[Network, ...] = ()
    """Networks of the reverse proxies that sign people in; from no other address is it believed who
    asks."""

    proxy_user: str = "X-Forwarded-User"
    """Header of a proxy that names the person; without it `X-Forwarded-Email` does."""

    proxy_groups: str = "X-Forwarded-Groups"
    """Header of a proxy that names the person's groups, with commas between."""

    steering_groups: tuple[str, ...] = ()
    """Groups whose members may steer; the others of a proxy may read."""

    past: PositiveSeconds = 21_600.0
    """How far back metrics, forecasts and decisions are read at the start."""

    most_records: int = Field(default=200_000, ge=1_000)
    """Records of one topic that are read at the start at most: bounds it with very many jobs."""

    writes_per_minute: int = Field(default=30, ge=1)
    """What one person may ask for in a minute."""

    listeners: int = Field(default=200, ge=1)
    """Event streams that are open at once at most."""

    readings: int = Field(default=2, ge=1)
    """Accounts (cost, calibration, standings) that are read from the topics at once at most; beside
    them, as many pages of what is not in memory (decisions, rescales)."""

    most_read: int = Field(default=1_000_000, ge=1_000)
    """Records that one such reading may take at most; who wants more asks for a shorter time."""

    speed: float = Field(default=1.0, ge=0.01, le=10_000)
    """Seconds of the jobs in one, for the HPA that costs are held against: above 1 where time is
    compressed, as in a demo."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged."""

    @property
    def signed_in(self) -> bool:
        """Whether people must say who they are."""
        return self.tokens is not None or bool(self.proxies)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine is listened to."""
        return _loopback(self.host)

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if not self.on_loopback and not self.signed_in and not self.anybody_reads:
            raise ValueError(
                f"host {self.host} is reached from other machines: set CONSOLE_TOKENS or "
                "CONSOLE_PROXIES, or listen on 127.0.0.1; where no stranger gets that far, "
                "CONSOLE_ANYBODY_READS=true lets all who do read"
            )
        if self.anybody_reads and self.signed_in:
            raise ValueError(
                "anybody_reads: with CONSOLE_TOKENS or CONSOLE_PROXIES nobody reads without "
                "signing in; leave it, or these"
            )
        if self.local is Role.STEER and self.signed_in:
            raise ValueError("local: steer says who may steer without tokens or proxies; leave it")
        if self.local is Role.STEER and not self.on_loopback:
            raise ValueError(
                f"local: whoever reaches {self.host} would steer; set CONSOLE_TOKENS or "
                "CONSOLE_PROXIES, or listen on 127.0.0.1"
            )
        if any(network == ip_network(all_of) for network in self.proxies for all_of in _EVERYBODY):
            raise ValueError("proxies: this believes everybody; name the proxies' own network")
        return self


_EVERYBODY = ("0.0.0.0/0", "::/0")


def read(host: str | None = None, port: int | None = None, *, steer: bool = False) -> Settings:
    """Read the environment; what is given goes before it.

    Raises:
        UsageError: A setting is wrong; it is named.
    """
    given: dict[str, Any] = {"host": host, "port": port, "local": Role.STEER if steer else None}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except SettingsError as error:
        raise UsageError(f"environment (CONSOLE_…): {error}") from error
    except ValidationError as error:
        raise UsageError(f"environment (CONSOLE_…): {explain(error)}") from error


def _loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
