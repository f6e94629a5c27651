"""The Daedalus services as processes: how each is started, and whether it is ready."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daedalus_local.home import Options
from daedalus_local.ports import HOST

NAMES = ("monitor", "analyzer", "forecaster", "planner", "executor", "console")
"""In the order of the loop, the console last."""

SIMULATED = ("analyzer", "forecaster", "planner", "simulator", "console")
"""The same with simulated jobs."""

PLANNERS = ("horizon", "rules", "hpa")
"""Who can decide: two of the planner's own, and the rule of Kubernetes' autoscaler."""

FIRST_PORT = 9101
"""Health and metrics of the first service, where it is free; the others follow."""

CONSOLE_PORT = 8090
"""The console's page, where it is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """One service to start."""

    name: str
    module: str
    """What Python runs."""

    port: int
    """Of /healthz, /readyz and /metrics."""

    env: Mapping[str, str]

    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """Return what to run."""
        return [sys.executable, "-m", self.module, *self.arguments]

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What the services of a stack have to know of it."""

    bootstrap: str
    flink: str | None
    """None where no job runs on Flink."""

    pools: Path


def names(options: Options) -> tuple[str, ...]:
    """Return the services of a stack."""
    return SIMULATED if options.simulate else NAMES


def plans(options: Options, ports: Sequence[int], addresses: Addresses) -> list[ServicePlan]:
    """Return how each service of a stack is started."""
    return [
        _console(port, options, addresses)
        if name == "console"
        else _plan(name, port, options, addresses)
        for name, port in zip(names(options), ports, strict=True)
    ]


def _console(port: int, options: Options, addresses: Addresses) -> ServicePlan:
    """Return how the page is served: to this machine alone, whose people steer their own stack."""
    env = {
        "DAEDALUS_BOOTSTRAP": addresses.bootstrap,
        "CONSOLE_PORT": str(port),
        "CONSOLE_LOCAL": "steer",
        "CONSOLE_SPEED": f"{options.factor:g}",
    }
    return ServicePlan(
        name="console", module="daedalus_console", port=port, env=env, arguments=("serve",)
    )


def _plan(name: str, port: int, options: Options, addresses: Addresses) -> ServicePlan:
    module, prefix = f"daedalus_{name}", name.upper()
    settings: dict[str, object] = {"BOOTSTRAP": addresses.bootstrap, "HTTP_PORT": port}
    match name:
        case "executor":
            # It changes what its own settings allow, not what a job file asks for.
            settings["POOLS"] = addresses.pools
            if addresses.flink is not None:
                settings["ALLOWED_REST"] = json.dumps([addresses.flink])
        case "planner" if options.planner == "hpa":
            module, prefix = "daedalus_simulator.hpa", "HPA"
            settings |= {"SPEED": options.factor}
        case "planner":
            settings |= {"INSTANCE": options.planner}
        case "simulator":
            settings |= _simulated(options)
    env = {f"{prefix}_{key}": str(value) for key, value in settings.items()}
    return ServicePlan(name=name, module=module, port=port, env=env)


def _simulated(options: Options) -> dict[str, object]:
    found: dict[str, object] = {
        "JOBS": options.simulate,
        "SPEED": options.factor,
        "PEAK": options.peak,
        "MINUTES": options.minutes,
        "SEED": options.seed,
        "WORKERS": options.first_workers,
        "MAX_WORKERS": options.max_workers,
        "MODE": options.mode,
        "PLANNER": options.planner,
    }
    return found | ({"TRACE": options.trace} if options.trace else {})


def why_not_ready(url: str) -> str | None:
    """Return None for a service that is ready, else what it says is missing."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2.0) as answer:  # noqa: S310 - http
            answer.read()
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace").strip()[:300] or f"HTTP {error.code}"
    except OSError:
        return "it does not answer yet"
    return None
