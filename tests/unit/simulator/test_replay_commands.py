"""`daedalus replay | whatif` on an exported file: what they print, and their exit codes."""

import gzip
import json
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from daedalus_shared.events import (
    CapacityUpdate,
    Direction,
    Event,
    Forget,
    JobMetrics,
    Override,
    OverrideKind,
    ScaleOutcome,
)
from daedalus_simulator.adapters.recording import Wanted, address, of_file
from daedalus_simulator.backtest import play
from daedalus_simulator.commands import register
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.learned import LearnedWorld, Record, RecordError
from daedalus_simulator.domain.shapes import generate
from daedalus_simulator.domain.world import World
from daedalus_simulator.policies.daedalus import JOB, DaedalusPolicy, declared
from daedalus_simulator.runs.moments import moment

RUN = CliRunner()
MINUTES = 25


def app() -> typer.Typer:
    found = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    register(found)
    return found


def run(*arguments: str, code: int = 0, columns: int = 100) -> str:
    found = RUN.invoke(app(), arguments, env={"COLUMNS": str(columns)})
    assert found.exit_code == code, found.output
    return found.output


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """A run of the rules, as `daedalus export` writes it."""
    rates = generate("sine", seed=1, seconds=60 * MINUTES).rates
    policy = DaedalusPolicy(declared(policy={"planner": "rules"}), keep=True)
    play(World(rates, ENGINES["flink"], 1), policy)
    events: Iterable[Event] = (*policy._controller._control.declarations, *policy.events)
    return tuple(
        {"type": type(event).__name__, "event": event.model_dump(mode="json")} for event in events
    )


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., str]:
    def write(rows: Iterable[Any] | None = None, name: str = "run.jsonl") -> str:
        path = tmp_path / name
        lines = (json.dumps(row) + "\n" for row in (recorded() if rows is None else rows))
        raw = "".join(lines).encode()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return str(path)

    return write


def tampered() -> list[dict[str, Any]]:
    rows = json.loads(json.dumps(recorded()))
    reports = [row for row in rows if row["type"] == "JobMetrics"]
    reports[len(reports) // 2]["event"]["samples"][0]["workload"] *= 1.01
    return list(rows)


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_all_the_same_ends_with_code_0(export: Callable[..., str], name: str) -> None:
    text = run("replay", export(name=name))

    assert "All decisions are those that the code takes." in text


@pytest.mark.parametrize("columns", [60, 120])
def test_a_difference_is_shown_field_by_field(export: Callable[..., str], columns: int) -> None:
    path = export(tampered())

    text = run("replay", path, code=1, columns=columns)

    assert "first difference: backtest at" in text
    assert "CapacityUpdate" in text
    assert max(map(len, text.splitlines())) <= columns
    found = json.loads(run("replay", path, "--json", code=1))
    assert found["different"] >= 1
    first = found["jobs"][0]["first_difference"]["fields"][0]
    assert first["field"] == "workload.mean"
    assert first["recorded"] != first["replayed"]


def test_what_cannot_be_judged_has_a_code_of_its_own(export: Callable[..., str]) -> None:
    rows = [row for row in recorded() if row["type"] != "Declaration"]

    text = run("replay", export(rows), code=5)

    assert "cannot be judged: the job's spec of that time is not in the recording" in text
    assert "All that can be judged is the same." in text


def test_what_is_another_programs_is_told_as_taken_from_the_record(
    export: Callable[..., str],
) -> None:
    rows = json.loads(json.dumps(recorded()))
    ids = {}
    for row in rows:
        if row["type"] == "CapacityUpdate":
            before = CapacityUpdate.model_validate(row["event"]).id
            row["event"]["source"] = "analyzer/blue"
            ids[before] = CapacityUpdate.model_validate(row["event"]).id
        elif row["type"] == "Decision":
            row["event"]["inputs"] = [ids.get(each, each) for each in row["event"]["inputs"]]
    path = export(rows)

    text = run("replay", path)

    assert "with what analyzer/blue said as recorded: it was not made again here" in text
    assert "by the planner alone" not in text
    [job] = json.loads(run("replay", path, "--json"))["jobs"]
    assert job["taken_as_recorded"] == {"analyzer/blue": job["same"]}
    assert job["planner_alone"] == job["same"]


def test_garbage_in_a_file_is_counted_and_said(export: Callable[..., str]) -> None:
    garbage = [
        {"type": None, "error": "no ce_type header: not an event"},
        {"type": "Invented", "event": {}},
        {"type": "JobMetrics", "event": {"job": "backtest"}},
        ["no object"],
        {"key": "backtest/JobSpec", "tombstone": True},
    ]

    path = Path(export([*garbage, *recorded()]))
    path.write_text(path.read_text() + "[" * 100_000 + "\n")

    text = run("replay", str(path))

    assert "5 records are no event and left aside, first record 1: no ce_type header" in text


def test_a_damaged_file_is_told_in_a_line(export: Callable[..., str]) -> None:
    path = Path(export(name="run.jsonl.gz"))
    raw = bytearray(path.read_bytes())
    raw[10] = 0xFF  # the first byte after the header: a kind of block that there is not
    path.write_bytes(raw)

    text = run("replay", str(path), code=1)

    assert text.startswith(f"daedalus: {path}: cannot be read: ")
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["replay", "none.jsonl"], 4, "none.jsonl: no such file", id="no file"),
        pytest.param(["replay", "FILE.txt"], 2, "is no *.jsonl", id="no format"),
        pytest.param(["replay", "FILE", "--job", "nobody"], 4, "decision of nobody", id="nobody"),
        pytest.param(["replay", "FILE", "--since", "soon"], 2, "'soon' is no time", id="no time"),
        pytest.param(["whatif", "nobody", "--from", "FILE", "--set", "scale.min=2", "--since",
                      "start"], 4, "no job 'nobody' is declared", id="whatif no job"),
        pytest.param(["whatif", "backtest", "--from", "FILE"], 2, "name a setting", id="unset"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--since", "start", "--set",
                      "policy.planer=x"], 2, "did you mean policy.planner?", id="no such setting"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--set", "scale.min=2"], 4,
                     "no reports, or no capacity", id="nothing since yesterday"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--set", "scale.min=2", "--since",
                      "1h", "--until", "2h"], 2, "--until 2h is not after --since 1h", id="empty"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--since", "start", "--until",
                      "2026-01-01T00:05:00Z", "--set", "scale.min=2"], 4, "s are recorded, 600 s",
                     id="too short"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--since", "start", "--set",
                      "scale.min=2", "--set", "policy.recovery_target=soon"], 2,
                     "policy.recovery_target: 'soon'", id="no such value"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--since", "start", "--set",
                      "scale.min"], 2, "write it like --set", id="no assignment"),
        pytest.param(["whatif", "backtest", "--from", "FILE", "--since", "start", "--set",
                      "policy.planner=mine"], 2, "no planner 'mine'", id="no such planner"),
        pytest.param(["whatif", "backtest", "--from", "NOSPEC", "--set", "scale.min=2"], 4,
                     "no job 'backtest' is declared in", id="no spec"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(
    export: Callable[..., str], arguments: list[str], code: int, said: str
) -> None:
    undeclared = [row for row in recorded() if row["type"] != "Declaration"]
    files = {
        "FILE": export(),
        "FILE.txt": export(name="run.txt"),
        "NOSPEC": export(undeclared, "nospec.jsonl"),
    }

    text = run(*(files.get(each, each) for each in arguments), code=code)

    assert said in text
    assert text.count("\n") == 1


def test_a_kafka_that_does_not_answer_is_told_in_a_line() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        where = f"127.0.0.1:{nobody.getsockname()[1]}"
        text = run("replay", "topics", "--bootstrap", where, code=3)

    assert text.startswith(f"daedalus: Kafka does not answer at {where}")


@pytest.mark.parametrize("columns", [60, 120])
def test_whatif_shows_record_and_model_side_by_side(
    export: Callable[..., str], columns: int
) -> None:
    asked = ["whatif", JOB, "--from", export(), "--since", "start", "--set", "scale.min=14"]
    if columns == 60:
        text = run(*asked, columns=columns)
        assert max(map(len, text.splitlines())) <= columns
        for part in ("recorded", "as it is set", "changed", "worker-hours", "played on one model"):
            assert part in text
        return
    found = json.loads(run(*asked, "--json"))

    assert found["changed"]["workers"] > found["modelled"]["workers"]
    assert found["changed"]["workers"] >= 13
    hours = found["modelled"]["worker_hours"] / found["modelled"]["workers"]
    assert hours == pytest.approx(MINUTES / 60, rel=0.1)
    assert found["recorded"]["workers"] == pytest.approx(found["modelled"]["workers"], rel=0.25)
    assert found["settings"] == ["scale.min=14"]


def test_a_file_tells_where_its_records_lay(export: Callable[..., str]) -> None:
    placed = [
        {**row, "topic": "daedalus.any", "partition": 0, "offset": number}
        for number, row in enumerate(recorded()[:3])
    ]
    recording = of_file(Path(export([*placed, recorded()[3]])), Wanted(kinds=(Event,)))

    places = [recording.place for _ in recording.events]

    assert places == [("daedalus.any", 0), ("daedalus.any", 1), ("daedalus.any", 2), None]


def asked(kind: str, minute: float, until: float, **more: Any) -> dict[str, Any]:
    """A row of something that a person asked for, at minutes of the run."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    override = Override(
        job=JOB,
        at=at + timedelta(minutes=minute),
        until=at + timedelta(minutes=until),
        source="console/ada",
        author="ada",
        kind=OverrideKind(kind),
        **more,
    )
    return {"type": "Override", "event": override.model_dump(mode="json")}


def test_whatif_plays_in_both_what_people_asked_for(export: Callable[..., str]) -> None:
    forgotten = Forget(
        job=JOB,
        at=datetime(2026, 1, 1, tzinfo=UTC) - timedelta(minutes=100),
        source="console/bob",
        author="bob",
    )
    wishes = [
        asked("pause", -120, 600, direction=Direction.UP),  # over when its job was forgotten
        {"type": "Forget", "event": forgotten.model_dump(mode="json")},
        asked("pin", -90, -30, scale_out=3),  # long over
        asked("pause", -60, 600),
        asked("pause", -50, -50),  # taken back
        asked("floor", -5, 600, scale_out=16),
        asked("ceiling", 15, 600, scale_out=16),
    ]
    settings = ["--set", "scale.min=2", "--set", "policy.recovery_target=180s"]
    path = export([*recorded(), *wishes])

    found = json.loads(run("whatif", JOB, "--from", path, "--since", "start", *settings, "--json"))

    for column in ("modelled", "changed"):
        assert 15 < found[column]["workers"] <= 16, "from the first minutes on"
    notes = " ".join(found["notes"])
    assert "what people asked for is played in both: 2 overrides" in notes
    assert "as it is set, the model" in notes
    assert found["settings"] == settings[1::2]


def test_what_was_asked_of_the_record_is_asked_of_the_model_at_the_same_second() -> None:
    begin = datetime(2026, 1, 1, 12, 0, 7, tzinfo=UTC)
    event = Override(
        job=JOB,
        at=begin + timedelta(seconds=100),
        until=datetime.max.replace(tzinfo=UTC),
        source="console/ada",
        author="ada",
        kind=OverrideKind.PIN,
        scale_out=3,
    )
    policy = DaedalusPolicy(declared(), begin=begin, control=[event])

    run = play(World(np.full(400, 1_000.0), ENGINES["flink"], 1), policy)

    # Ticks end with whole minutes of the run, and the grace is 30 s.
    assert [(each.second, each.after) for each in run.rescales] == [(180, 3)]


def test_whatif_says_what_it_cannot_play(export: Callable[..., str]) -> None:
    rows = json.loads(json.dumps(recorded()))
    [declaration] = [row for row in rows if row["type"] == "Declaration"]
    policy = declaration["event"]["spec"]["policy"]
    policy |= {"mode": "advise", "planner": "mine", "forecaster": "theirs"}

    text = run("whatif", JOB, "--from", export(rows), "--since", "start", "--set", "scale.min=2",
               columns=200)  # fmt: skip

    assert "planner mine may be another's: horizon is played in its place" in text
    assert "forecaster theirs is another's: ours is played in its place" in text
    assert "nothing shows how true they are" in text
    assert "as it is set, the model" not in text


def test_the_model_has_the_learned_capacities_and_goes_on_beyond_them() -> None:
    world = LearnedWorld(np.full(60, 10.0), ENGINES["flink"], 0, {2: 200.0, 4: 360.0}, 8)

    assert world.capacity(2) == pytest.approx(200.0)
    assert world.capacity(4) == pytest.approx(360.0)
    assert 360.0 < world.capacity(6) < 540.0
    with pytest.raises(RecordError, match="no capacity"):
        LearnedWorld(np.full(60, 10.0), ENGINES["flink"], 0, {}, 8)


def test_the_record_is_scored_as_it_was() -> None:
    kinds: dict[str, type[JobMetrics | CapacityUpdate | ScaleOutcome]] = {
        kind.__name__: kind for kind in (JobMetrics, CapacityUpdate, ScaleOutcome)
    }
    record = Record()
    rows = [row for row in recorded() if row["type"] in kinds]
    for row in rows:
        record.take(kinds[row["type"]].model_validate(row["event"]))

    begin, end = record.span
    world = LearnedWorld(record.arrivals(), record.engine(), 0, record.capacities(), 18)
    played = record.played(world)

    assert world.seconds == int((end - begin).total_seconds())
    assert record.gaps == {}
    assert record.unknown == frozenset()
    applied = [row for row in rows if row["type"] == "ScaleOutcome"]
    assert len(played.rescales) == len(applied)
    assert played.workers[0] == 12


def test_what_a_record_does_not_tell_is_unknown_and_not_zero(export: Callable[..., str]) -> None:
    rows = json.loads(json.dumps(recorded()))
    for row in rows:
        if row["type"] == "JobMetrics":
            for sample in row["event"]["samples"]:
                sample |= {"lag": None, "scale_out": None}
                sample["unknown"] |= {"lag": "not_asked", "scale_out": "not_asked"}
        elif row["type"] == "ScaleOutcome":
            row["event"]["downtime"] = None
    asked = ["whatif", JOB, "--from", export(rows), "--since", "start", "--set", "scale.min=2"]

    found = json.loads(run(*asked, "--json"))

    was = found["recorded"]
    known = {name for name, value in was.items() if value is not None}
    assert known == {"rescales", "rescales_per_6h"}
    assert None not in found["modelled"].values()
    notes = " ".join(found["notes"])
    for note in ("tell its lag", "tell its workers", "downtime of a rescale was not measured"):
        assert note in notes
    assert "as it is set, the model" not in notes, "there is nothing to hold it against"
    lines = [line.strip() for line in run(*asked, columns=200).splitlines()]
    for name in ("workers, mean", "later than 1 s", "outages in all"):
        [line] = [line for line in lines if line.startswith(name)]
        assert line.removeprefix(name).split()[0] == "?"


def test_stretches_that_are_filled_are_told(export: Callable[..., str]) -> None:
    rows = json.loads(json.dumps(recorded()))
    reports = [row["event"] for row in rows if row["type"] == "JobMetrics"]
    for report in reports[len(reports) // 3 : len(reports) // 2]:
        for sample in report["samples"]:
            sample |= {"lag": None, "scale_out": None}

    text = run("whatif", JOB, "--from", export(rows), "--since", "start", "--set", "scale.min=2",
               columns=200)  # fmt: skip

    assert " s of the lag are unknown, and bridged straight" in text
    assert " s of the workers are unknown, and taken as before" in text
    assert "of the workload are unknown" not in text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("2026-01-01T11:00:00+01:00", "2026-01-01T10:00:00+00:00", id="ISO 8601"),
        pytest.param("9999d", None, id="a duration, which leads back"),
        pytest.param("yesterday 18:30", None, id="of another day"),
    ],
)
def test_times_are_written_as_for_all_commands(text: str, instant: str | None) -> None:
    found = moment(text)

    assert found < datetime.now(UTC)
    assert instant in (None, found.isoformat())


def test_the_address_is_given_else_the_stacks_else_the_default(tmp_path: Path) -> None:
    assert address("k:1", tmp_path)[0] == "k:1"
    assert address(None, tmp_path)[0] == "localhost:9092"
    (tmp_path / ".daedalus").mkdir()
    (tmp_path / ".daedalus" / "stack.json").write_text('{"bootstrap": "127.0.0.1:29092"}')
    assert address(None, tmp_path / "a" / "b")[0] == "127.0.0.1:29092"
