"""Start the monitor. The only module that reads the environment."""

from pathlib import Path

from daedalus_monitor.adapters.clock import SystemClock
from daedalus_monitor.adapters.sources import Connections
from daedalus_monitor.monitor import Monitor
from daedalus_monitor.polling import Polling
from daedalus_monitor.settings import Settings
from daedalus_shared import streams


def wire(settings: Settings) -> tuple[Monitor, Polling]:
    """Connect the monitor to the outside world."""
    connect = Connections(_properties(settings.input_kafka), settings.connections_per_host)
    monitor = Monitor(settings.instance)
    return monitor, Polling(monitor, connect, SystemClock(), settings.still_after)


def main() -> None:
    """Run until SIGTERM."""
    settings = Settings.read()
    monitor, polling = wire(settings)
    streams.run(monitor, settings, polling)


def _properties(file: Path | None) -> dict[str, str]:
    """Return the `name=value` lines of a file."""
    lines = file.read_text().splitlines() if file else []
    pairs = [line.partition("=") for line in lines if line.strip() and line[0] != "#"]
    return {name.strip(): value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    main()
