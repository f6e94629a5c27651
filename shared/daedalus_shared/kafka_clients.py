"""How this project's clients reach Kafka: one place for addresses and credentials."""

import ssl
from typing import Any

from daedalus_shared.settings import ServiceSettings

SCRAM = "SCRAM-SHA-512"


def librdkafka(settings: ServiceSettings) -> dict[str, Any]:
    """Return the configuration of a confluent-kafka client."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.client_id,
        "partitioner": "murmur2_random",  # as the Java clients; librdkafka's own differs
    }
    if settings.security != "plaintext" and settings.password:
        config |= {
            "security.protocol": settings.security,
            "sasl.mechanism": SCRAM,
            "sasl.username": settings.username,
            "sasl.password": settings.password.get_secret_value(),
        }
        if settings.ca_file:
            config["ssl.ca.location"] = str(settings.ca_file)
    return config


def tls(settings: ServiceSettings) -> ssl.SSLContext | None:
    """Return the TLS context, or None where Kafka is talked to without."""
    if settings.security != "sasl_ssl":
        return None
    return ssl.create_default_context(cafile=settings.ca_file)


def aiokafka(settings: ServiceSettings) -> dict[str, Any]:
    """Return the configuration of an aiokafka client."""
    config: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": settings.client_id,
    }
    if settings.security != "plaintext" and settings.password:
        config |= {
            "security_protocol": settings.security.upper(),
            "sasl_mechanism": SCRAM,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password.get_secret_value(),
            "ssl_context": tls(settings),
        }
    return config
