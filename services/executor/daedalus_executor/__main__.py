"""Start the executor. The only module that reads the environment or owns the process."""

import sys
from typing import NoReturn

from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.compose import ComposeProjects, Engine
from daedalus_executor.adapters.flink_rest import FlinkRest
from daedalus_executor.adapters.kubernetes_api import KubernetesApi
from daedalus_executor.adapters.kubernetes_targets import Kubernetes
from daedalus_executor.adapters.pool_workers import PoolWorkers
from daedalus_executor.adapters.processes import PoolsError, open_pool, read_pools
from daedalus_executor.executor import Executor
from daedalus_executor.rescale import Means
from daedalus_executor.rescales import Rescales
from daedalus_executor.settings import Settings
from daedalus_executor.targets import Targets
from daedalus_shared import usage
from daedalus_shared.credentials import CredentialFileError, read_credentials
from daedalus_shared.streams import run


def wire(settings: Settings) -> tuple[Executor, Rescales]:
    """Connect the executor to the targets that its settings allow.

    Raises:
        PoolsError: The file of pools is wrong.
        CredentialFileError: A file of credentials is wrong.
    """
    clock = SystemClock()
    declared = read_pools(settings.pools) if settings.pools else {}
    pools = {name: PoolWorkers(open_pool(name, pool)) for name, pool in declared.items()}
    addresses = [address.rstrip("/") for address in settings.allowed_rest]
    credentials = read_credentials(settings.credentials, settings.variable("credentials"))
    flink = {
        each: FlinkRest(
            each,
            clock,
            read=settings.waits.request,
            write=settings.fresh,
            access=credentials.http(each),
        )
        for each in addresses
    }
    engine = Engine(address=settings.docker, fresh=settings.fresh)
    compose = ComposeProjects(
        settings.compose_projects, engine, most=settings.compose_most, clock=clock
    )
    kubernetes = Kubernetes(
        settings.kubernetes_targets,
        KubernetesApi(
            settings.kubeconfig, clock, read=settings.waits.request, write=settings.fresh
        ),
        most=settings.kubernetes_most,
        clock=clock,
    )
    targets = Targets(pools, flink, settings.waits, clock, compose=compose, kubernetes=kubernetes)
    executor = Executor(settings.instance)
    means = Means(
        target=targets.of,
        tell=targets.tell,
        clock=clock,
        source=executor.source,
        fresh=settings.fresh,
        look=settings.waits.sample,
    )
    return executor, Rescales(means, pools.values())


def main() -> NoReturn:
    """Run until SIGTERM."""
    usage.heed(Settings, "daedalus_executor", sys.argv[1:])
    settings = Settings.read()
    try:
        executor, rescales = wire(settings)
    except (PoolsError, CredentialFileError) as error:
        sys.exit(f"daedalus-executor: {error}")
    run(executor, settings, rescales)


if __name__ == "__main__":
    main()
