"""The services as processes on a broker of the tests."""

from pathlib import Path

from harness.broker import Broker
from harness.replicas import Replica

STAGES = ("analyzer", "forecaster", "planner")
"""The services between metrics and commands."""


def service(stage: str, number: int, broker: Broker, directory: Path, **env: str) -> Replica:
    """Return one replica of a service, not started; `env` without the service's prefix."""
    settings = {"BOOTSTRAP": broker.bootstrap, "SESSION_TIMEOUT": "3", **env}
    prefix = stage.upper()
    named = {f"{prefix}_{key}": value for key, value in settings.items()}
    name = f"{env.get('INSTANCE', stage)}-{number}"
    return Replica(name, ["-m", f"daedalus_{stage}"], named, directory)
