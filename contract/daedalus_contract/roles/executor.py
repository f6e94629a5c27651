"""An executor: reads commands, carries them out once, and says what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from daedalus_contract.engine import Engine
from daedalus_contract.found import Answer, answers, of, other_sources, seconds_between
from daedalus_contract.jobs import MOST, PLAYER, declaration, names, spec
from daedalus_contract.process import say
from daedalus_contract.stage import Stage
from daedalus_contract.tick_play import Request
from daedalus_contract.ticks import RESTART
from daedalus_contract.verdicts import Mark, Verdict, judged, skipped
from daedalus_shared.events import (
    Event,
    Forget,
    Promise,
    ScaleCommand,
    ScaleOutcome,
    Status,
)

START = 2
"""Workers at first."""

PROMISE = Promise(capacity=300.0, downtime=2.0, recovery=9.0)

_CONVERGE = 30.0
"""Seconds that a rescale may take, beside the grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command, and what must come of it."""

    check: str
    """The check that it belongs to."""

    command: ScaleCommand
    expected: frozenset[Status]
    why: str
    """What speaks against carrying it out, or that nothing does."""

    silence: bool = False
    """Whether no outcome at all is right too."""

    generation: int | None = None
    """By how many changes the generation is above that of the job's first outcome."""

    changes: tuple[int, ...] = ()
    """What the engine was asked for while the command was in hand."""

    sent_at: datetime | None = None
    """Its Kafka timestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """All that was commanded, and what came of it."""

    source: str
    partitions: int
    grace: float
    cases: tuple[Case, ...]
    answers: tuple[Answer, ...]
    others: Sequence[str] = ()
    restarted: bool = False


@dataclass
class ExecutorPlay:
    """Commands in rounds; each waits for the outcomes of the one before."""

    stage: Stage
    engine: Engine
    request: Request
    cases: list[Case] = field(default_factory=list)
    _jobs: Sequence[str] = ()
    _ticks: int = 0

    def run(self) -> Executed:
        """Command, and return what came of it."""
        stage, request = self.stage, self.request
        jobs = names(request.run, 5, stage.partitions)
        self._jobs = jobs
        free, checked, advised, meddled, undeclared = jobs
        engine = {"kind": "flink", "rest": self.engine.url}
        at = datetime.now(UTC) - timedelta(seconds=60)
        for job in jobs:
            self.engine.add(job, START)
            mode = "advise" if job == advised else "act"
            if job != undeclared:
                declared = spec(job, request.grace, engine=engine, mode=mode, planner=PLAYER)
                stage.send(declaration(declared, at))
        stage.flush()
        if self._first(free):
            self._refusals(free, checked, advised, meddled)
            self._more(free, advised, meddled, undeclared)
            self._after_garbage(free)
            self._restart(checked)
        stage.listen(1.5)
        forgotten = datetime.now(UTC)
        stage.send(
            *(
                Forget(job=job, at=forgotten, source=f"console/{PLAYER}", author=PLAYER)
                for job in jobs
            )
        )
        stage.flush()
        return Executed(
            source=request.source,
            partitions=stage.partitions,
            grace=request.grace,
            cases=tuple(self.cases),
            answers=answers(stage.found, request.source, jobs),
            others=other_sources(stage.found, request.source, jobs),
            restarted=request.process is not None,
        )

    # -- rounds -----------------------------------------------------------------------------------

    def _first(self, free: str) -> bool:
        return self._round(
            self._case("applies", free, 3, {Status.APPLIED}, "nothing speaks against it", grows=1),
            patience=self.request.patience,
        )

    def _refusals(self, free: str, checked: str, advised: str, meddled: str) -> None:
        known = self._generation(free)
        self._round(
            self._case(
                "applies", free, 4, {Status.APPLIED}, "it expects the present generation",
                expected_generation=known, from_scale_out=3, grows=2,
            ),
            self._case(
                "expired", checked, 3, {Status.EXPIRED}, "it was void a minute ago",
                expires_at=datetime.now(UTC) - timedelta(seconds=60),
            ),
            self._case(
                "dry run", advised, 4, {Status.WOULD_APPLY}, "it is a dry run", dry_run=True
            ),
            self._case(
                "refuses", meddled, START + 1, {Status.REFUSED},
                "it comes from a planner that the spec does not name", source="planner/stranger",
            ),
        )  # fmt: skip
        self._round(
            self._case(
                "refuses", free, 5, {Status.REFUSED}, f"it expects generation {known}, and one "
                "more change was made since", expected_generation=known, from_scale_out=4,
            ),
            self._case(
                "refuses", checked, MOST + 1, {Status.REFUSED}, f"the spec allows {MOST} workers"
            ),
            self._case("refuses", advised, 4, {Status.REFUSED}, "the job's mode is advise"),
            self._case(
                "already there", meddled, START, {Status.ALREADY_THERE}, "so many run already"
            ),
        )  # fmt: skip

    def _more(self, free: str, advised: str, meddled: str, undeclared: str) -> None:
        self.engine.meddle(meddled, 6)
        unknown = self._case(
            "refuses", undeclared, 3, {Status.REFUSED}, "the job was never declared"
        )
        self._round(
            self._case(
                "refuses", meddled, 3, {Status.REFUSED}, "it assumes 2 workers, somebody set 6",
                grows=1,
            ),
            replace(unknown, silence=True),
            self._case(
                "dry run", advised, 5, {Status.WOULD_APPLY}, "it is a dry run", dry_run=True
            ),
        )  # fmt: skip
        before = self.engine.changes(free)
        again = [case.command for case in self.cases if case.command.job == free]
        self.stage.send(*again)
        self.stage.flush()
        self.stage.listen(2.0)
        after = self.engine.changes(free)
        case = self._case("once", free, 4, {Status.APPLIED}, "it was delivered again")
        self.cases.append(replace(case, command=again[1], changes=tuple(after[len(before) :])))

    def _after_garbage(self, free: str) -> None:
        self.stage.send_garbage(ScaleCommand, free)
        self._round(
            self._case(
                "bad input", free, 3, {Status.APPLIED}, "nothing speaks against it",
                expected_generation=self._generation(free), from_scale_out=4, grows=3,
            )
        )  # fmt: skip

    def _restart(self, job: str) -> None:
        process = self.request.process
        if process is None:
            return
        ended = {Status.APPLIED, Status.ALREADY_THERE}  # by who remembers, and by who looks
        case = self._case("restart", job, 3, ended, "killed with the command in hand")
        self._send(case)
        self.stage.until(lambda: bool(self.engine.changes(job)), self.request.grace)
        process.kill()
        process.start()
        self._await([case], self.request.patience + _CONVERGE)
        self.cases.append(self._ended(case))

    # -- one round --------------------------------------------------------------------------------

    def _round(self, *cases: Case, patience: float | None = None) -> bool:
        for case in cases:
            self._send(case)
        seconds = _CONVERGE + self.request.grace if patience is None else patience + _CONVERGE
        answered = self._await([case for case in cases if not case.silence], seconds)
        self.cases += [self._ended(case) for case in cases]
        say(f"{len(self.cases)} commands: {'answered' if answered else 'not all answered'}")
        return answered

    def _case(
        self,
        check: str,
        job: str,
        wanted: int,
        expected: set[Status],
        why: str,
        *,
        grows: int | None = None,
        **changed: object,
    ) -> Case:
        self._ticks += 1
        now = datetime.now(UTC)
        fields: dict[str, object] = {
            "job": job,
            "at": now,
            "tick": now + timedelta(milliseconds=self._ticks),
            "source": f"planner/{PLAYER}",
            "from_scale_out": START,
            "to_scale_out": wanted,
            "expires_at": now + timedelta(minutes=10),
            "decision": "00000000-0000-4000-8000-000000000002",
            "promise": PROMISE,
        }
        return Case(
            check=check,
            command=ScaleCommand.model_validate({**fields, **changed}),
            expected=frozenset(expected),
            why=why,
            generation=grows,
        )

    def _send(self, case: Case) -> None:
        self.stage.send(case.command)
        self.stage.flush()

    def _await(self, cases: Sequence[Case], seconds: float) -> bool:
        wanted = {case.command.id for case in cases}

        def done() -> bool:
            return wanted <= {outcome.command for outcome in self._outcomes()}

        return self.stage.until(done, seconds)

    def _ended(self, case: Case) -> Case:
        """Return the case with what was changed by it: all that came since the job's last case."""
        job = case.command.job
        before = sum(len(each.changes) for each in self.cases if each.command.job == job)
        changes = tuple(self.engine.changes(job)[before:])
        return replace(case, changes=changes, sent_at=self.stage.written_at(case.command))

    def _generation(self, job: str) -> int:
        return max(
            (outcome.generation for outcome in self._outcomes() if outcome.job == job), default=0
        )

    def _outcomes(self) -> list[ScaleOutcome]:
        found = answers(self.stage.found, self.request.source, self._jobs)
        return [event for _, event in of(ScaleOutcome, found)]


# -- verdicts -------------------------------------------------------------------------------------


OUTPUTS: tuple[type[Event], ...] = (ScaleOutcome,)

MENDS = {
    "applies": "Set the job to the wanted workers once, wait until it runs so, and say `applied`",
    "expired": "Compare `expires_at` with the clock right before each change, and say `expired`",
    "dry run": "Go through all checks, change nothing, and say `would_apply`",
    "refuses": "Change nothing, and say `refused` and why",
    "already there": "Look first; change nothing, and say `already_there`",
    "once": "Remember the newest tick of a job; a command that is not newer is a duplicate",
    "bad input": "Skip what you cannot read, commit it, and go on",
    "restart": "Store the command before you change anything, and take it up again at the start",
}


def verdicts(play: Executed) -> list[Verdict]:
    """Return what an executor alone is judged by."""
    found = [answered(play), in_time(play)]
    found += [of_check(play, check, mend) for check, mend in MENDS.items() if check != "restart"]
    found += [generations(play), echoes(play)]
    if not play.restarted:
        return [*found, skipped("restart", RESTART)]
    return [*found, of_check(play, "restart", MENDS["restart"])]


def answered(play: Executed) -> Verdict:
    """Each command has one outcome."""
    said = _by_command(play)
    commands = {case.command.id: case for case in play.cases}
    wrong = [
        f"no outcome of the command of {case.command.job} to {case.command.to_scale_out}"
        for case in commands.values()
        if case.command.id not in said and not case.silence
    ]
    wrong += [
        f"{len({each.id for each in outcomes})} outcomes of one command of {outcomes[0].job}: "
        + ", ".join(dict.fromkeys(each.status.value for each in outcomes))
        for outcomes in said.values()
        if len({each.id for each in outcomes}) > 1
    ]
    mend = "Each command ends in one outcome, which no restart changes"
    if not said:
        who = f"; {', '.join(play.others)} answered" if play.others else ""
        wrong = [f"nothing came from {play.source}{who}"]
        mend = "Does the executor run on this Kafka, under this source, and may it change the "
        mend += "engine that the kit plays (EXECUTOR_ALLOWED_REST of ours)?"
    well = f"{len(commands)} commands, one outcome each"
    return judged("one a command", wrong, well=well, mend=mend)


def in_time(play: Executed) -> Verdict:
    """An outcome comes within `converge_within` and the grace."""
    least = _CONVERGE + play.grace
    first: dict[str, datetime] = {}
    for message, event in of(ScaleOutcome, play.answers):
        first.setdefault(event.command, message.written_at)
    waits = [
        (seconds_between(case.sent_at, first[case.command.id]), case)
        for case in play.cases[1:]
        if case.sent_at and case.command.id in first and case.check != "restart"
    ]
    if not waits:
        return Verdict("in time", Mark.FAILED, "no second command was answered")
    wrong = [
        f"{case.command.job} to {case.command.to_scale_out}: after {wait:.1f} s"
        for wait, case in waits
        if wait > least
    ]
    slowest = max(wait for wait, _ in waits)
    return judged(
        "in time",
        wrong,
        well=f"the slowest outcome took {slowest:.1f} s",
        mend=f"Expected within policy.converge_within and the grace, {least:g} s here",
    )


def of_check(play: Executed, check: str, mend: str) -> Verdict:
    """The cases of one check ended as they must, and changed the engine as they must."""
    said = _by_command(play)
    cases = [case for case in play.cases if case.check == check]
    wrong = []
    for case in cases:
        wanted = case.command.to_scale_out
        about = f"{case.command.from_scale_out} → {wanted} ({case.why})"
        expected = " or ".join(sorted(status.value for status in case.expected))
        outcomes = said.get(case.command.id, [])
        right = (wanted,) if Status.APPLIED in case.expected and check != "once" else ()
        if not outcomes and not case.silence:
            wrong.append(f"{about}: expected {expected}, nothing came")
        elif outcomes and outcomes[-1].status not in case.expected:
            came = f"{outcomes[-1].status.value} ({outcomes[-1].why})"
            wrong.append(f"{about}: expected {expected}, came {came}")
        elif case.changes != right:
            told = list(case.changes) or "nothing"
            wrong.append(
                f"{about}: the engine was set to {told}, expected {list(right) or 'no change'}"
            )
    if not cases:
        wrong.append("it was silent before, so this was not played")
    return judged(check, wrong, well=f"{len(cases)} commands, as expected", mend=mend)


def generations(play: Executed) -> Verdict:
    """The generation rises by one with each change, its own and others'."""
    said = _by_command(play)
    start: dict[str, int] = {}
    wrong = []
    for case in play.cases:
        outcomes = said.get(case.command.id, [])
        if not outcomes or case.check == "once":
            continue
        came = outcomes[-1].generation
        if case.generation is None:
            continue
        base = start.setdefault(case.command.job, came - case.generation)
        if came != base + case.generation:
            wrong.append(
                f"{case.command.job} to {case.command.to_scale_out} ({case.why}): generation "
                f"{came}, expected {base + case.generation}"
            )
    seen = _seen_before_meddling(play, said)
    wrong += [f"a change by somebody else left the generation at {came}" for came in seen]
    return judged(
        "generation",
        wrong,
        well="it rises by one with each change, also with one that somebody else made",
        mend="Compare the scale-out found with the one known, and count each difference",
    )


def _seen_before_meddling(play: Executed, said: dict[str, list[ScaleOutcome]]) -> list[int]:
    looked = [case for case in play.cases if case.check == "already there"]
    for case in looked:
        before = said.get(case.command.id, [])
        job = case.command.job
        after = [
            outcome
            for other in play.cases
            if other.command.job == job and other.generation is not None
            for outcome in said.get(other.command.id, [])
        ]
        if before and after and after[-1].generation != before[-1].generation + 1:
            return [after[-1].generation]
    return []


def echoes(play: Executed) -> Verdict:
    """An outcome repeats what its command says."""
    commands = {case.command.id: case.command for case in play.cases}
    wrong = []
    for message, event in of(ScaleOutcome, play.answers):
        command = commands.get(event.command)
        if command is None:
            wrong.append(f"{message.place}: command {event.command!r} was never sent")
            continue
        for name in ("tick", "to_scale_out", "promise", "dry_run"):
            came, wanted = getattr(event, name), getattr(command, name)
            if came != wanted:
                wrong.append(f"{message.place}: {name} is {came}, the command's is {wanted}")
    return judged(
        "echo",
        wrong,
        well="tick, to_scale_out, promise and dry_run are those of the command",
        mend="Copy them, so that promise and outcome stand side by side",
    )


def _by_command(play: Executed) -> dict[str, list[ScaleOutcome]]:
    found: dict[str, list[ScaleOutcome]] = {}
    for _, event in of(ScaleOutcome, play.answers):
        found.setdefault(event.command, []).append(event)
    return found
