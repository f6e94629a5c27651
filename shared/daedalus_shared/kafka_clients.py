"""How this project's clients reach Kafka: one place for addresses and credentials."""

import socket
import ssl
from typing import TYPE_CHECKING, Any

from daedalus_shared.settings import ServiceSettings

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

SCRAM = "SCRAM-SHA-512"

_HANDSHAKE = 3.0
"""Seconds that a broker is given to show its certificate, when it is asked what is wrong."""


def librdkafka(settings: ServiceSettings) -> dict[str, Any]:
    """Return the configuration of a confluent-kafka client.

    Raises:
        CredentialsError: A file of credentials cannot be used.
    """
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.client_id,
        "partitioner": "murmur2_random",  # as the Java clients; librdkafka's own differs
        "security.protocol": settings.security,
    }
    files = {
        "ssl.ca.location": settings.ca_file,
        "ssl.certificate.location": settings.certificate_file,
        "ssl.key.location": settings.key_file,
    }
    config |= {name: str(file) for name, file in files.items() if file is not None}
    if settings.security.startswith("sasl_") and (password := settings.password):
        config |= {
            "sasl.mechanism": SCRAM,
            "sasl.username": settings.username,
            "sasl.password": password.get_secret_value(),
        }
    return config


def aiokafka(settings: ServiceSettings) -> dict[str, Any]:
    """Return the configuration of an aiokafka client.

    Raises:
        CredentialsError: A file of credentials cannot be used.
    """
    config: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": settings.client_id,
        "security_protocol": settings.security.upper(),
        "ssl_context": settings.tls(),
    }
    if settings.security.startswith("sasl_") and (password := settings.password):
        config |= {
            "sasl_mechanism": SCRAM,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": password.get_secret_value(),
        }
    return config


class Complaints:
    """Why a client is not let in: librdkafka tells it beside its answers, by `error_cb`."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._said: str | None = None
        self._refused = False
        self.final = False
        """Whether it is of no use to wait for an answer."""
        self.all_down = False
        """Whether no broker takes a connection."""

    def __call__(self, error: "KafkaError") -> None:
        """Take note of an error."""
        name = error.name()
        self.all_down |= name == "_ALL_BROKERS_DOWN"
        self._refused |= name == "_AUTHENTICATION"
        self.final |= name in ("_AUTHENTICATION", "_SSL")
        if name != "_ALL_BROKERS_DOWN":
            self._said = error.str()

    def why(self) -> str | None:
        """Say in one line which setting is wrong; None where none seems to be.

        It asks the broker for its certificate where TLS does not come about, and blocks meanwhile.
        """
        settings, name = self._settings, self._settings.variable
        if self._refused:
            return (
                f"Kafka refuses the user {settings.username!r}: {name('username')} or the content "
                f"of {name('password_file')} is wrong, or there is no such user"
            )
        if settings.security.endswith("ssl"):
            return self._of_tls(self._said or "")
        if _speaks_tls(settings.bootstrap):
            return f"Kafka speaks TLS there: {name('security')} is {settings.security}"
        return None

    def _of_tls(self, said: str) -> str | None:
        settings, name = self._settings, self._settings.variable
        if "PLAINTEXT broker listener" in said:
            return f"Kafka speaks no TLS there: {name('security')} is {settings.security}"
        if "alert" in said and "certificate" in said:
            return f"Kafka does not accept the certificate in {name('certificate_file')}"
        if "SSL" not in said and "certificate" not in said:
            return None
        authority = settings.variable("ca_file")
        told = _handshake(settings.bootstrap, settings.tls() or ssl.create_default_context())
        vouches = settings.ca_file or "the system's authorities"
        return f"Kafka's certificate is refused: {told or 'TLS failed'} ({authority}: {vouches})"


def _place(bootstrap: str) -> tuple[str, int] | None:
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdigit() else None


def _handshake(bootstrap: str, context: ssl.SSLContext) -> str | None:
    """Return what is wrong with the first broker's certificate, or None."""
    place = _place(bootstrap)
    if place is None:
        return None
    try:
        with (
            socket.create_connection(place, _HANDSHAKE) as plain,
            context.wrap_socket(plain, server_hostname=place[0]),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message).rstrip(".")
    except OSError:
        return None


def _speaks_tls(bootstrap: str) -> bool:
    """Whether the first broker answers a TLS greeting, whatever its certificate."""
    place = _place(bootstrap)
    if place is None:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(place, _HANDSHAKE) as plain,
            context.wrap_socket(plain, server_hostname=place[0]),
        ):
            return True
    except ssl.SSLError as error:
        return "CERTIFICATE" in (error.reason or "")  # it speaks TLS, and wants ours
    except OSError:
        return False
