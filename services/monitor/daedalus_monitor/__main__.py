"""Start the monitor. The only module that reads the environment."""

import sys

from daedalus_monitor.adapters.clock import SystemClock
from daedalus_monitor.adapters.sources import Connections
from daedalus_monitor.monitor import Monitor
from daedalus_monitor.polling import Polling
from daedalus_monitor.settings import Settings
from daedalus_shared import streams, usage
from daedalus_shared.credentials import CredentialFileError, read_credentials


def wire(settings: Settings) -> tuple[Monitor, Polling]:
    """Connect the monitor to the outside world.

    Raises:
        CredentialFileError: A file of credentials is wrong.
    """
    credentials = read_credentials(settings.credentials, settings.variable("credentials"))
    connect = Connections(credentials, settings.connections_per_host)
    monitor = Monitor(settings.instance)
    return monitor, Polling(monitor, connect, SystemClock(), settings.still_after)


def main() -> None:
    """Run until SIGTERM."""
    usage.heed(Settings, "daedalus_monitor", sys.argv[1:])
    settings = Settings.read()
    try:
        monitor, polling = wire(settings)
    except CredentialFileError as error:
        sys.exit(f"daedalus-monitor: {error}")
    streams.run(monitor, settings, polling)


if __name__ == "__main__":
    main()
