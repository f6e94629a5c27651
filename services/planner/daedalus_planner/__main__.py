"""Start the planner. The only module that reads the environment or owns the process."""

import sys
from typing import NoReturn

from daedalus_planner.domain import programme
from daedalus_planner.planner import Planner
from daedalus_planner.settings import Settings
from daedalus_planner.state import PlannerState
from daedalus_shared import telemetry, usage
from daedalus_shared.control import JobControl
from daedalus_shared.relay import Hooks
from daedalus_shared.streams import run


class Telling(Hooks[PlannerState]):
    """Exports what a job file asks for, to hold what happens against."""

    def stored(self, job: str, control: JobControl, state: PlannerState | None) -> None:
        """Export the newest declaration of a job."""
        del job, state
        if control.newest is not None:
            telemetry.JOBS.fold(control.declarations[-1])


def main() -> NoReturn:
    """Run until SIGTERM."""
    usage.heed(Settings, "daedalus_planner", sys.argv[1:])
    settings = Settings.read()
    programme.compiled()
    run(Planner(settings.instance, settings.plan), settings, Telling())


if __name__ == "__main__":
    main()
