"""From what was played and answered to the verdicts, role by role."""

from collections.abc import Sequence

from daedalus_contract import common, ticks
from daedalus_contract.found import Answer
from daedalus_contract.roles import executor, monitor
from daedalus_contract.roles.executor import Executed
from daedalus_contract.roles.monitor import Watched
from daedalus_contract.tick_play import TickRole
from daedalus_contract.ticks import Play
from daedalus_contract.verdicts import Verdict
from daedalus_shared.events import Event


def of_ticks(role: TickRole, play: Play) -> list[Verdict]:
    """Judge a service that answers ticks."""
    return [
        ticks.one_a_tick(play, role.kind),
        ticks.echo(play, role.kind),
        ticks.in_time(play, role.kind),
        *_form(play.answers, role.outputs, play.partitions),
        ticks.unknown_jobs(play),
        ticks.survives(play, role.kind),
        ticks.restart(play, role.kind),
        *role.verdicts(play),
    ]


def of_executor(play: Executed) -> list[Verdict]:
    """Judge an executor."""
    return [
        *executor.verdicts(play),
        *_form(play.answers, executor.OUTPUTS, play.partitions),
    ]


def of_monitor(play: Watched) -> list[Verdict]:
    """Judge a monitor."""
    return [
        *monitor.verdicts(play),
        *_form(play.answers, monitor.OUTPUTS, play.partitions),
    ]


def _form(
    answers: Sequence[Answer], kinds: Sequence[type[Event]], partitions: int
) -> list[Verdict]:
    return [
        common.decodes(answers, kinds),
        common.values(answers),
        common.heads(answers),
        common.keys(answers),
        common.places(answers, partitions),
        common.ids(answers),
        common.repeats(answers),
    ]
