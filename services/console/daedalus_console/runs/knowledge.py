"""`knowledge export` and `knowledge import`."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from daedalus_console import output
from daedalus_console.adapters.groups import running
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, records
from daedalus_console.adapters.writing import publish
from daedalus_console.errors import ConsoleError, Exit, NotFoundError, UsageError
from daedalus_console.runs.common import cluster
from daedalus_shared.events import Knowledge
from daedalus_shared.events.codec import explain

LINE = 4_000_000
"""Characters of a line at most; Kafka takes 1 MB a record unless told otherwise."""


def export(file: Path, job: str | None, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Write the newest snapshots to a new file."""
    found = newest(cluster(bootstrap), job)
    try:
        with file.open("x", encoding="utf-8") as out:
            file.chmod(0o600)  # workloads and capacities are not everybody's business
            out.writelines(known.model_dump_json() + "\n" for known in found.values())
    except FileExistsError as error:
        raise UsageError(f"{file} is there already") from error
    except OSError as error:
        raise ConsoleError(f"{file} cannot be written: {error.strerror}") from error
    jobs = len({known.job for known in found.values()})
    if as_json:
        output.document({"file": str(file), "snapshots": len(found), "jobs": jobs})
    else:
        output.line(f"wrote {len(found)} snapshots of {jobs} jobs to {file}")
    return Exit.OK


def import_(
    file: Path,
    job: str | None,
    bootstrap: str | None,
    *,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> Exit:
    """Write snapshots back; none where the file or the cluster does not do.

    Where Kafka fails midway, the same once more writes what is lacking.
    """
    wanted = [known for known in _read(file) if job in (None, known.job)]
    kafka = cluster(bootstrap)
    if not dry_run and (groups := running(kafka)):
        raise ConsoleError(
            f"services are running ({', '.join(groups)}), and would write over it: stop them first"
        )
    there = newest(kafka, job)
    kept = [known for known in wanted if known.key in there and not overwrite]
    told = [_above(known, there.get(known.key)) for known in wanted if known not in kept]
    if not dry_run:
        publish(kafka, told)
    if as_json:
        output.document(
            {
                "written": [known.key for known in told],
                "kept": [known.key for known in kept],
                "dry_run": dry_run,
            }
        )
        return Exit.OK
    verb = "would write" if dry_run else "wrote"
    output.line(f"{verb} {len(told)} snapshots of {len({known.job for known in told})} jobs")
    if kept:
        output.line(f"{len(kept)} are known here already and stay; --overwrite replaces them")
    return Exit.OK


def newest(kafka: Kafka, job: str | None) -> dict[str, Knowledge]:
    """Return the snapshot of each key that its owner would take."""
    found: dict[str, Knowledge] = {}
    for record in records(kafka, [Knowledge.NAME], Window(), job=job):
        if record.tombstone:
            found.pop(record.key or "", None)
        elif isinstance(record.event, Knowledge):
            before = found.get(record.event.key)
            if before is None or record.event.rank >= before.rank:
                found[record.event.key] = record.event
    return found


def _above(known: Knowledge, there: Knowledge | None) -> Knowledge:
    """Return a snapshot as it counts here.

    The offsets that it covers are those of the topics that it came from; the state itself knows, by
    event time, what it has seen. Above what is there its owner takes it.
    """
    epoch = known.epoch if there is None else max(known.epoch, there.epoch + 1)
    return known.model_copy(update={"covers": {}, "epoch": epoch})


def _read(file: Path) -> Iterable[Knowledge]:
    """Return the snapshots of a file, of a key the last, or raise before anything is written."""
    found: dict[str, Knowledge] = {}
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LINE), ""), start=1):
                if not line.endswith("\n") and len(line) >= LINE:
                    raise UsageError(f"{file}, line {number}: longer than {LINE} characters")
                known = Knowledge.model_validate_json(line)
                found[known.key] = known
    except ValidationError as error:
        raise UsageError(f"{file}, line {number}: no snapshot: {explain(error)}") from error
    except FileNotFoundError as error:
        raise NotFoundError(f"no such file: {file}") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8") from error
    if not found:
        raise UsageError(f"{file} holds no snapshot")
    return found.values()
