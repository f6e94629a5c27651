"""`topics` and `schemas`."""

from pathlib import Path

from daedalus_console import output
from daedalus_console.adapters import topics as adapter
from daedalus_console.adapters.topics import TopicFacts
from daedalus_console.errors import ConsoleError, Exit
from daedalus_console.figures import UNKNOWN, number, span
from daedalus_console.runs.common import cluster
from daedalus_console.views.fitting import Fitting
from daedalus_console.views.tables import cell, grid
from daedalus_shared.schemas import documents


def create_topics(
    bootstrap: str | None, partitions: int, replication: int, *, as_json: bool
) -> Exit:
    """Create the topics that are missing."""
    created = adapter.create(cluster(bootstrap), partitions, replication)
    if as_json:
        output.document({"created": created})
    elif created:
        for name in created:
            output.line(f"created {name}, {partitions} partitions")
    else:
        output.line("all topics are there")
    return Exit.OK


def list_topics(bootstrap: str | None, *, as_json: bool) -> Exit:
    """List the topics."""
    found = adapter.facts(cluster(bootstrap))
    if as_json:
        output.document(
            [
                {
                    "topic": topic.name,
                    "partitions": topic.partitions,
                    "records": topic.records,
                    "keeps": keeps(topic),
                    "compression": topic.config.get("compression.type"),
                }
                for topic in found
            ]
        )
        return Exit.OK
    if not found:
        output.line("no topics yet: daedalus topics create")
        return Exit.OK
    table = grid("topic", "partitions", "records", "keeps", right=("partitions", "records"))
    for topic in found:
        table.add_row(
            cell(topic.name, "bold"),
            cell(str(topic.partitions)),
            cell(number(topic.records)),
            cell(keeps(topic)),
        )
    output.console().print(Fitting(table, {"keeps": 12}))
    return Exit.OK


def export_schemas(folder: Path, *, as_json: bool) -> Exit:
    """Write the schemas of all events, and the AsyncAPI document."""
    written: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in documents().items():
            (folder / name).write_text(text, encoding="utf-8")
            written.append(name)
    except OSError as error:
        raise ConsoleError(f"{folder} cannot be written: {error.strerror}") from error
    if as_json:
        output.document({"folder": str(folder), "written": written})
    else:
        output.line(f"wrote {len(written)} documents to {folder}")
    return Exit.OK


def keeps(topic: TopicFacts) -> str:
    """Return what a topic keeps, in words."""
    if "compact" in topic.config.get("cleanup.policy", ""):
        return "the newest of each key"
    retention = topic.config.get("retention.ms", "")
    if retention == "-1":
        return "all for ever"
    return span(float(retention) / 1000) if retention.isdigit() else UNKNOWN
