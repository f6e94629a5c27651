"""Start the planner. The only module that reads the environment or owns the process."""

from typing import NoReturn

from prometheus_client import Counter

from daedalus_planner.domain import programme
from daedalus_planner.planner import Planner
from daedalus_planner.settings import Settings
from daedalus_planner.state import PlannerState
from daedalus_shared.events import Decision, Event
from daedalus_shared.relay import Hooks
from daedalus_shared.streams import run

DECISIONS = Counter("planner_decisions_total", "Decisions taken, by their reason.", ["reason"])


class Counting(Hooks[PlannerState]):
    """Counts the decisions."""

    def published(self, event: Event) -> None:
        """Count a decision by its reason."""
        if isinstance(event, Decision):
            DECISIONS.labels(event.reason).inc()


def main() -> NoReturn:
    """Run until SIGTERM."""
    settings = Settings.read()
    programme.compiled()
    run(Planner(settings.instance, settings.plan), settings, Counting())


if __name__ == "__main__":
    main()
