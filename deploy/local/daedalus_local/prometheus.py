"""A Prometheus that scrapes the stack's services, where its program is on the PATH.

The rules are those that are shipped (`deploy/prometheus/rules`), and so are the labels.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from daedalus_local.errors import StackError

RULES = Path(__file__).resolve().parents[2] / "prometheus" / "rules"

SCRAPE = 2
"""Seconds between scrapes, and between evaluations of the rules: a fast run has short loops."""


def program() -> str:
    """Return the path of Prometheus.

    Raises:
        StackError: It is not there.
    """
    found = shutil.which("prometheus")
    if found is None:
        raise StackError(
            "--prometheus: no `prometheus` on the PATH; install it (Debian: `apt install "
            "prometheus`, or unpack the package) or leave the option out"
        )
    return found


def command(directory: Path, address: str, services: Mapping[str, str]) -> list[str]:
    """Write the configuration and return what to run.

    Args:
        directory: For the configuration and the data.
        address: `host:port` to answer on.
        services: Name of each service → `host:port` of its metrics.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "prometheus.yml"
    file.write_text(json.dumps(config(services), indent=2) + "\n")  # JSON is YAML
    return [
        program(),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]


def config(services: Mapping[str, str]) -> dict[str, object]:
    """Return Prometheus' configuration."""
    targets = [
        {"targets": [where], "labels": {"service": name}} for name, where in services.items()
    ]
    return {
        "global": {"scrape_interval": f"{SCRAPE}s", "evaluation_interval": f"{SCRAPE}s"},
        "rule_files": [str(RULES / "*.yml")],
        "scrape_configs": [{"job_name": "daedalus", "static_configs": targets}],
    }
