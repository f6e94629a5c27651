"""A real broker that lets nobody in without a name, and whom it lets in only to what is theirs.

Four listeners: SCRAM over TLS, SCRAM in the clear, TLS with client certificates, and one whose own
certificate has expired. Whatever no ACL allows is refused.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from confluent_kafka.admin import AdminClient

from daedalus_local.kafka import Access, KafkaServer, running_kafka
from daedalus_local.ports import HOST, free_port
from daedalus_shared.topics import create_topics
from harness.broker import PARTITIONS, Broker
from harness.certificates import Authority

ADMIN = "admin"
LISTENERS = ("SCRAM", "CLEAR", "MUTUAL", "EXPIRED")


@dataclass(frozen=True)
class Secured:
    """The broker, and what clients need."""

    server: KafkaServer
    addresses: Mapping[str, str]
    """Listener → `host:port`."""

    authority: Authority
    folder: Path
    passwords: Mapping[str, str]
    """User → password."""

    @property
    def bootstrap(self) -> str:
        """The address for SCRAM over TLS."""
        return self.addresses["SCRAM"]

    def password_file(self, user: str) -> Path:
        """Return the file of a user's password, as a mounted secret would be."""
        file = self.folder / f"{user}.password"
        file.write_text(self.passwords[user] + "\n")
        return file

    def settings(self, prefix: str, user: str) -> dict[str, str]:
        """Return the variables by which a service or the command talks to it as `user`."""
        return {
            f"{prefix}_BOOTSTRAP": self.bootstrap,
            f"{prefix}_SECURITY": "sasl_ssl",
            f"{prefix}_USERNAME": user,
            f"{prefix}_PASSWORD_FILE": str(self.password_file(user)),
            f"{prefix}_CA_FILE": str(self.authority.file),
        }

    def client(self, user: str) -> dict[str, str]:
        """Return the configuration of a plain client as `user`."""
        return {
            "bootstrap.servers": self.bootstrap,
            **_client(user, self.passwords[user], self.authority),
        }

    def admin(self) -> AdminClient:
        """Return a client that may do everything."""
        return AdminClient(dict(self.client(ADMIN)))

    @cached_property
    def broker(self) -> Broker:
        """Return the harness' clients, which may do everything."""
        return Broker(self.server, self.client(ADMIN))


@contextmanager
def secured_broker(folder: Path, passwords: Mapping[str, str]) -> Iterator[Secured]:
    """Run the broker with the topics, and with users (and `admin`) of these passwords."""
    authority = Authority(folder / "certificates")
    everybody = {**passwords, ADMIN: "everything"}
    ports: list[int] = []
    for _ in range(len(LISTENERS) + 1):
        ports.append(free_port(avoid=ports))
    *outside, inside = ports
    addresses = {name: f"{HOST}:{port}" for name, port in zip(LISTENERS, outside, strict=True)}
    access = Access(users=everybody, client=_client(ADMIN, everybody[ADMIN], authority))
    extra = _settings(addresses, f"{HOST}:{inside}", authority, everybody[ADMIN])
    with running_kafka(folder / "kafka", outside[0], extra=extra, access=access) as server:
        found = Secured(server, addresses, authority, folder, everybody)
        create_topics(found.admin(), partitions=PARTITIONS)
        with closing(found.broker) as broker:
            broker.settle()
            yield found


def _client(user: str, password: str, authority: Authority) -> dict[str, str]:
    return {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": str(authority.file),
    }


def _settings(
    addresses: Mapping[str, str], inside: str, authority: Authority, password: str
) -> dict[str, str]:
    """Return the broker's settings; its controller's listener, on which ACLs are not held, too."""
    listening = [f"{name}://{address}" for name, address in addresses.items()]
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    who = f"username={json.dumps(ADMIN)} password={json.dumps(password)}"
    settings = {
        "listeners": ",".join([*listening, f"CONTROLLER://{inside}"]),
        "advertised.listeners": ",".join(listening),
        "controller.quorum.bootstrap.servers": inside,
        "controller.quorum.voters": f"1@{inside}",
        "listener.security.protocol.map": "SCRAM:SASL_SSL,CLEAR:SASL_PLAINTEXT,MUTUAL:SSL,"
        "EXPIRED:SASL_SSL,CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": "SCRAM",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f"{plain} {who} user_{ADMIN}={json.dumps(password)};"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.issue("broker")),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
        "listener.name.expired.ssl.keystore.type": "PEM",
        "listener.name.expired.ssl.keystore.location": str(authority.issue("expired", days=-1)),
    }
    for name in ("scram", "clear", "expired"):
        settings[f"listener.name.{name}.scram-sha-512.sasl.jaas.config"] = f"{scram} {who};"
    return settings
