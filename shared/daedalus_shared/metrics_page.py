"""The page of all metrics, made from the code: names, types, labels and meanings."""

from collections.abc import Mapping, Sequence

from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Declaration,
    Event,
    Forecast,
    JobMetrics,
    Recovery,
    ScaleOutcome,
)
from daedalus_shared.job_gauges import GAUGES, JOB
from daedalus_shared.telemetry import Metric

_HEAD = f"""\
# Metrics

Made from the code by `make schemas`; a test holds it equal.

Each service answers `/metrics` on the port of its health checks (8080 in the images). Names end in
their unit; times are seconds, a share lies between 0 and 1.

## Of each job

Gauges, all labelled `{JOB}`. They are read off the newest event about the job by the service that
publishes it, so any other program that takes its place under our shell has them too; a simulated
job has what a monitor and an executor would tell of it.

- **What is not known has no series.** A zero is a measured zero. `daedalus_job_unknown_readings`
  says which signals are missing.
- A measurement that nobody renews ends after 5 minutes, or three times its usual interval. What
  happened (`last_…`, an outcome's or a recovery's figures) stays until it happens again.
- One replica exports a job: its owner. When the job moves to another replica, or is forgotten, its
  series end there. So `max by ({JOB}) (…)` over all replicas is the job's value.
- After a restart or a move each series comes back with the next event about it, so a decision
  within a loop; the last outcome at once.
- The label is `{JOB}` since Prometheus calls what it scrapes `job`: a label of that name would
  be stored as `exported_job`, or with `honor_labels` hide Prometheus' own, by which one tells the
  services apart. Flink's reporter says `{JOB}` too.
- Labels hold no ids and no worker names. A job has about 45 series, whatever its scale-out; the
  capacity of each scale-out is in the event.

| metric | further labels | meaning | exported by |
|---|---|---|---|
"""

_SERVICES = """
## Of each service

Over all jobs that the process owns. `rate()` and `increase()` over the replicas are sums. Those of
Python and of the process (`python_…`, `process_…`) are there too.

| metric | type | labels | meaning | exported by |
|---|---|---|---|---|
"""

_BY: Mapping[type[Event], str] = {
    JobMetrics: "monitor",
    CapacityUpdate: "analyzer",
    Forecast: "forecaster",
    Decision: "planner",
    ScaleOutcome: "executor",
    Recovery: "analyzer",
    Declaration: "planner",
}


def page(metrics: Sequence[Metric]) -> str:
    """Return the page, in Markdown, with the metrics of services given."""
    jobs = [
        f"| `{each.name}` | {_listed(each.labels)} | {each.meaning} | {_BY[each.event]} |"
        for each in GAUGES
    ]
    services = [
        f"| `{each.name}` | {each.kind} | {_listed(each.labels)} | {each.meaning} | {each.by} |"
        for each in sorted(metrics, key=lambda each: (each.by != "all", each.by))
    ]
    return _HEAD + "\n".join(jobs) + "\n" + _SERVICES + "\n".join(services) + "\n"


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
