"""What is published about the events and settings, written from the code.

`python -m daedalus_shared DIR`: the events' schemas, the AsyncAPI document, and a page an event;
their examples lie in `DIR/examples`.
`python -m daedalus_shared settings FILE PACKAGE…`: the page of settings, with those of services.
`python -m daedalus_shared metrics FILE MODULE…`: the page of metrics, with those that the modules
make when they are imported.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

from daedalus_shared import metrics_page, telemetry
from daedalus_shared.event_pages import pages
from daedalus_shared.events.codec import BY_TYPE
from daedalus_shared.schemas import documents
from daedalus_shared.settings_page import page, settings_of


def main() -> None:
    """Write what is asked for."""
    match sys.argv[1:]:
        case ["settings", file, *packages]:
            write_settings(Path(file), packages)
        case ["metrics", file, *modules]:
            write_metrics(Path(file), modules)
        case [directory]:
            write_events(Path(directory))
        case _:
            raise SystemExit(
                "usage: python -m daedalus_shared "
                "(DIR | settings FILE PACKAGE… | metrics FILE MODULE…)"
            )


def write_events(directory: Path) -> None:
    """Write all documents, and remove those that no event stands for any more."""
    directory.mkdir(parents=True, exist_ok=True)
    examples = {
        path.stem: json.loads(path.read_text()) for path in (directory / "examples").glob("*.json")
    }
    if missing := sorted(BY_TYPE.keys() - examples.keys()):
        raise SystemExit(
            f"{directory / 'examples' / missing[0]}.json is missing: record one (headers, key, "
            "value), such as by `daedalus tap TOPIC --json --headers`"
        )
    made = documents() | pages(examples)
    for path in (*directory.glob("*.json"), *directory.glob("*.md")):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (directory / name).write_text(text)
    print(f"{len(made)} documents in {directory}")


def write_settings(file: Path, packages: list[str]) -> None:
    """Write the page, with the settings of the services' packages given."""
    services = [settings_of(import_module(f"{package}.settings")) for package in packages]
    file.write_text(page(services))
    print(f"settings of the job file and {len(services)} services in {file}")


def write_metrics(file: Path, modules: list[str]) -> None:
    """Write the page, with the metrics that the modules make."""
    for module in modules:
        import_module(module)
    file.write_text(metrics_page.page(telemetry.CATALOGUE))
    print(f"gauges of each job and {len(telemetry.CATALOGUE)} metrics of services in {file}")


if __name__ == "__main__":
    main()
