"""One run of the kit: connect, start the service where its command is given, play, judge."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from daedalus_contract import judge
from daedalus_contract.engine import Engine, EngineError
from daedalus_contract.found import intruders
from daedalus_contract.jobs import PLAYER
from daedalus_contract.process import ServiceProcess, say
from daedalus_contract.roles import executor, monitor
from daedalus_contract.roles.analyzer import AnalyzerRole
from daedalus_contract.roles.forecaster import ForecasterRole
from daedalus_contract.roles.planner import PlannerRole
from daedalus_contract.stage import Stage, StageError
from daedalus_contract.tick_play import Request, TickPlay, TickRole
from daedalus_contract.verdicts import Verdict
from daedalus_shared.settings import ServiceSettings


class Role(StrEnum):
    """What a service is in the loop."""

    MONITOR = "monitor"
    ANALYZER = "analyzer"
    FORECASTER = "forecaster"
    PLANNER = "planner"
    EXECUTOR = "executor"


class ContractError(RuntimeError):
    """The test cannot be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of a run."""

    role: Role
    source: str
    grace: float = 5.0
    patience: float = 60.0
    engine_port: int = 0
    command: tuple[str, ...] = ()
    log: Path | None = None
    """Where the output of the command goes; a temporary file by default."""


def run(settings: ServiceSettings, options: Options) -> list[Verdict]:
    """Play a role's inputs, and judge what comes back.

    Raises:
        ContractError: Kafka, the engine's port or the command are not as they must be.
    """
    with ExitStack() as stack:
        try:
            return _run(settings, options, stack)
        except (StageError, EngineError) as error:
            raise ContractError(str(error)) from error
        except OSError as error:
            raise ContractError(f"{' '.join(options.command)}: {error.strerror}") from error


def _run(settings: ServiceSettings, options: Options, stack: ExitStack) -> list[Verdict]:
    role = _tick_role(options.role)
    run_name = uuid4().hex[:8]
    outputs, inputs = (role.outputs, role.inputs) if role else (_OUTPUTS[options.role], ())
    stage = Stage(settings, run_name, outputs, inputs)
    stack.callback(stage.close)
    engine = None
    if role is None:
        engine = stack.enter_context(Engine(options.engine_port).running())
        say(f"playing a Flink JobManager at {engine.url}")
    request = Request(
        source=options.source,
        run=run_name,
        grace=options.grace,
        patience=options.patience,
        process=_started(options, stack),
    )
    if role is not None:
        played = TickPlay(stage, role, request).run()
        _alone(stage, run_name)
        return judge.of_ticks(role, played)
    assert engine is not None  # noqa: S101 -- made above for these two roles
    if options.role is Role.EXECUTOR:
        return judge.of_executor(executor.ExecutorPlay(stage, engine, request).run())
    return judge.of_monitor(monitor.MonitorPlay(stage, engine, request).run())


_OUTPUTS = {Role.EXECUTOR: executor.OUTPUTS, Role.MONITOR: monitor.OUTPUTS}


def _alone(stage: Stage, run_name: str) -> None:
    """Refuse to judge where others spoke as the kit does: the service saw more than was played."""
    found = intruders(stage.overheard, PLAYER, run_name)
    if found:
        raise ContractError(
            f"{', '.join(found)} spoke of the test's jobs too, so that nothing can be judged: "
            "stop the other services, or use a Kafka without them"
        )


def _tick_role(role: Role) -> TickRole | None:
    match role:
        case Role.FORECASTER:
            return ForecasterRole()
        case Role.ANALYZER:
            return AnalyzerRole()
        case Role.PLANNER:
            return PlannerRole()
    return None


def _started(options: Options, stack: ExitStack) -> ServiceProcess | None:
    if not options.command:
        return None
    log = options.log or Path(tempfile.mkstemp(prefix="daedalus-contract-", suffix=".log")[1])
    process = ServiceProcess(options.command, log)
    process.start()
    stack.callback(process.stop)
    say(f"started {_told(options.command)}; its output is in {log}")
    return process


def _told(command: Sequence[str]) -> str:
    return " ".join(command)
