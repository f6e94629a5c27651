"""A cluster's ACLs: which there are, and how they are changed."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not all in its __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from daedalus_console.acls import Acl
from daedalus_console.adapters.kafka import TIMEOUT, Kafka
from daedalus_console.errors import ConsoleError

ANY_HOST = "*"


def existing(kafka: Kafka, principals: Iterable[str]) -> list[Acl]:
    """Return the rights that these principals have, from any host.

    Raises:
        ConsoleError: Kafka does not answer.

    Where we may not see them the client gives none, and only granting is refused.
    """
    found: list[Acl] = []
    kafka.partitions()  # an unreachable broker is told as everywhere
    for principal in sorted(set(principals)):
        asked = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # of any name
            ResourcePatternType.ANY,
            principal,
            ANY_HOST,
            AclOperation.ANY,
            AclPermissionType.ALLOW,
        )
        try:
            bindings = kafka.admin.describe_acls(asked, request_timeout=TIMEOUT).result()
        except KafkaException as error:
            raise _refused(kafka, error) from error
        found += [_acl(binding) for binding in bindings]
    return found


def add(kafka: Kafka, acls: Iterable[Acl]) -> None:
    """Grant these rights; one that is there already stays.

    Raises:
        ConsoleError: One was refused.
    """
    wanted = [_binding(acl) for acl in acls]
    if not wanted:
        return
    for future in kafka.admin.create_acls(wanted, request_timeout=TIMEOUT).values():
        try:
            future.result()
        except KafkaException as error:
            raise _refused(kafka, error) from error


def remove(kafka: Kafka, acls: Iterable[Acl]) -> None:
    """Take these rights away.

    Raises:
        ConsoleError: It was refused.
    """
    filters = [
        AclBindingFilter(
            binding.restype,
            binding.name,
            binding.resource_pattern_type,
            binding.principal,
            binding.host,
            binding.operation,
            binding.permission_type,
        )
        for binding in map(_binding, acls)
    ]
    if not filters:
        return
    for future in kafka.admin.delete_acls(filters, request_timeout=TIMEOUT).values():
        try:
            future.result()
        except KafkaException as error:
            raise _refused(kafka, error) from error


def _acl(binding: Any) -> Acl:
    return Acl(
        principal=binding.principal,
        resource=binding.restype.name.lower(),
        name=binding.name,
        pattern=binding.resource_pattern_type.name.lower(),
        operation=binding.operation.name.lower(),
    )


def _binding(acl: Acl) -> AclBinding:
    # The cluster may have rights of kinds that are not ours, such as on itself ("broker" here).
    return AclBinding(
        ResourceType[acl.resource.upper()],
        acl.name,
        ResourcePatternType[acl.pattern.upper()],
        acl.principal,
        ANY_HOST,
        AclOperation[acl.operation.upper()],
        AclPermissionType.ALLOW,
    )


def _refused(kafka: Kafka, error: KafkaException) -> ConsoleError:
    cause = error.args[0]
    if cause.code() == KafkaError.SECURITY_DISABLED:
        return ConsoleError(
            f"Kafka at {kafka.address} holds nobody to ACLs: it has no authorizer "
            "(authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer)"
        )
    if cause.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
        return ConsoleError(
            f"Kafka at {kafka.address}: this user may not see or change ACLs; it needs "
            "Alter on the cluster, or to be a super user"
        )
    return ConsoleError(f"Kafka at {kafka.address}: {cause.str()}")
