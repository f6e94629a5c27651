"""Prometheus' text format, as a worker writes it itself (version 0.0.4)."""

from prometheus_client.parser import text_string_to_metric_families

from daedalus_monitor.domain.scrapes import Point

_SHOWN = 80


def points(text: str) -> list[Point]:
    """Return all series of an exposition.

    Raises:
        ValueError: It is none; the message says so in one line.
    """
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError as error:
        said = " ".join(str(error).split())[:_SHOWN]
        raise ValueError(
            f"what is no Prometheus metrics: {said}" if said else "nonsense"
        ) from error
    return [
        (sample.name, sample.labels, sample.value)
        for family in families
        for sample in family.samples
    ]
