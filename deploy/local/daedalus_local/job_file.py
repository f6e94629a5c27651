"""The job file that a local stack declares: the sample job's, with this stack's addresses.

In a run compressed by a factor every duration of the policy is divided by it, but for what real
machines bound: a sample takes a second, and a new worker some seconds to start.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from daedalus_local.home import Options
from daedalus_local.jobs import SOURCES

COMMITS = 5.0
"""Seconds of the job's time between two commits of a Kafka Streams job, at least one of ours: few
of them make its CPU follow its load."""

LEAST_SAMPLE = 1.5
"""Seconds between two looks: in one second a worker at a fifth of a core uses up twenty of the
kernel's clock ticks, so that its CPU is known to a twentieth; and Flink refreshes its metrics once
a second."""

LEAST_LOOKS = 4
"""In a loop: capacity is read from three or more, and Flink may owe one."""

LEAST_SAMPLES = 8
"""Of a worker, before its slope is believed: two loops."""

WARM_UP = 15.0
HALF_LIFE = 120.0
"""Seconds of ours: a JVM at a fifth of a core compiles for half a minute, in which its CPU says
little about its load, however compressed the run is. What it was then must be forgotten soon."""

DOWNTIME_UP, DOWNTIME_DOWN = 10.0, 3.0
"""Seconds of ours that a rescale is expected to cost before any was measured: real processes start
no faster in a compressed run."""

GRACE = 3.0
"""Seconds of ours until a service's event counts as missing: services are no faster."""

CONVERGE_WITHIN = 60.0
"""Seconds of ours, however compressed the run is, for a rescale of real processes."""

EXPIRY = 60.0
"""Seconds of ours until a command is void: starting workers takes 5 to 10 of them, and several
times that on a busy machine."""

TOLERATED = 2.0
"""Seconds of ours of delay that cost nothing: a job commits its offsets once a second, so that even
one without a backlog is seen that far behind."""


def commit_interval(options: Options) -> float:
    """Return the seconds of ours between two commits of a Kafka Streams job."""
    return max(1.0, COMMITS / options.factor)


def text(options: Options, *, bootstrap: str, engine: Mapping[str, Any]) -> str:
    """Return the job file as YAML; `engine` is where this stack's engine is asked."""
    spec: dict[str, Any] = yaml.safe_load((SOURCES / f"{options.job}.yaml").read_text())
    spec["engine"] |= engine
    spec["input"]["bootstrap"] = bootstrap
    spec["scale"]["max"] = options.max_workers
    spec["policy"] = {
        "mode": options.mode,
        "planner": options.planner,
        **durations(options.factor),
    }
    if spec["engine"]["kind"] == "kafka-streams":  # which nobody can ask for its interval
        spec["policy"]["checkpoint_interval"] = commit_interval(options)
    return yaml.safe_dump(spec, sort_keys=False)


def durations(factor: float) -> dict[str, Any]:
    """Return the policy's durations for a run that is `factor` times as fast; none at factor 1."""
    from daedalus_shared.job_spec import Policy  # noqa: PLC0415 - takes a while to import

    if factor == 1:
        return {}
    plain = Policy()
    compressed = plain.compressed(factor)
    sample = max(compressed.sample, LEAST_SAMPLE)
    loop = max(compressed.loop, LEAST_LOOKS * sample)
    compressed = compressed.model_copy(update={"loop": loop}).aligned(sample)
    changed = _changed(plain.model_dump(), compressed.model_dump())
    return {
        **changed,
        "warm_up": max(changed["warm_up"], WARM_UP),
        "forecast_grace": max(changed["forecast_grace"], GRACE),
        "half_life": min(changed["half_life"], HALF_LIFE),
        "least_samples": LEAST_SAMPLES,
        "downtime_up": max(changed["downtime_up"], DOWNTIME_UP),
        "downtime_down": max(changed["downtime_down"], DOWNTIME_DOWN),
        "converge_within": max(changed["converge_within"], CONVERGE_WITHIN),
        "command_expiry_loops": max(plain.command_expiry_loops, round(EXPIRY / compressed.loop, 1)),
        "prices": {**changed["prices"], "tolerated": TOLERATED},
    }


def _changed(plain: Mapping[str, Any], compressed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs, sections within sections too, to the millisecond."""
    found: dict[str, Any] = {}
    for name, value in compressed.items():
        if isinstance(value, Mapping):
            found[name] = _changed(plain[name], value)
        elif value != plain[name]:
            found[name] = round(value, 3)
    return found


def write(path: Path, options: Options, *, bootstrap: str, engine: Mapping[str, Any]) -> None:
    """Write the job file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(options, bootstrap=bootstrap, engine=engine))
