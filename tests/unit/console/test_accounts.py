"""What was promised and spent, against what came: small jobs whose figures are known by hand."""

import doctest
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console, RenderableType

from daedalus_console import cli
from daedalus_console.accounts import books, forecasts
from daedalus_console.accounts import told as books_told
from daedalus_console.accounts.books import Rule
from daedalus_console.accounts.calibration import Calibration
from daedalus_console.accounts.courses import Cut, Totals
from daedalus_console.accounts.forecasts import Track, read
from daedalus_console.accounts.ledger import HPA, RAN, STATIC, Ledger, fed
from daedalus_console.accounts.loops import loop_of
from daedalus_console.errors import Exit, NotFoundError
from daedalus_console.runs import account as runs
from daedalus_console.views import accounts as views
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    CapacityUpdate,
    Decision,
    Declaration,
    Downtime,
    Event,
    Forecast,
    Forget,
    Promise,
    Recovery,
    ScaleOutcome,
    Status,
    Workload,
)
from daedalus_shared.job_spec import JobSpec

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(loops: float) -> datetime:
    return START + timedelta(minutes=loops)


@pytest.fixture
def control(ysb: JobSpec) -> JobControl:
    early = START - timedelta(hours=1)
    return JobControl().fold(Declaration(job="ysb", at=early, source="console/a", spec=ysb))


def declared(spec: JobSpec, when: datetime, most: int = 8, loop: float = 60.0) -> Declaration:
    scale = spec.scale.model_copy(update={"max": most})
    policy = spec.policy.model_copy(update={"loop": loop})
    changed = spec.model_copy(update={"scale": scale, "policy": policy})
    return Declaration(job="ysb", at=when, source="console/a", spec=changed)


def forget(loops: float, **changed: Any) -> Forget:
    return Forget(job="ysb", at=at(loops), source="console/a", author="a", **changed)


def update(loop: int, workers: int | None = 4, rate: float = 250.0, **changed: Any) -> Event:
    """A hundred records/s a worker; downtimes of 30 s up and 15 s down."""
    down = Downtime(mean=15.0, spread=0.0, seen=1)
    return CapacityUpdate(
        job="ysb",
        at=at(loop),
        tick=at(loop),
        source="analyzer/analyzer",
        loop=max(1, loop),
        scale_out=workers,
        table=tuple(
            CapacityPoint(scale_out=q, capacity=100.0 * q, basis=Basis.OBSERVED)
            for q in range(1, 9)
        ),
        workload=Workload(mean=rate, minimum=rate, maximum=rate, level=rate, slope=0.0),
        lag=0.0,
        checkpoint_interval=0.0,
        downtime_up=down.model_copy(update={"mean": 30.0}),
        downtime_down=down,
    ).model_copy(update=changed)


def decision(loop: int, planner: str, chosen: int, *, shadow: bool, now: int = 4) -> Decision:
    return Decision(
        job="ysb",
        at=at(loop),
        tick=at(loop),
        source=f"planner/{planner}",
        planner=planner,
        scale_out=now,
        chosen=chosen,
        reason="cheapest",
        sentence="",
        shadow=shadow,
    )


def told(found: RenderableType, width: int = 100) -> str:
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(found)
    return capture.get()


# -- costs ----------------------------------------------------------------------------------------


def test_an_hour_of_four_workers_beside_eight(control: JobControl) -> None:
    ledger = fed(Ledger(control, START), (update(loop) for loop in range(1, 61)))

    assert ledger.paid.hours == pytest.approx(4.0)
    assert ledger.allowed == pytest.approx(8 * 3600)
    static = ledger.rows[STATIC]
    assert static.own.hours == pytest.approx(8.0)
    assert static.beside.hours == pytest.approx(4.0)
    assert ledger.gap(at(60)) == 0.0
    ran = ledger.lines()[0]
    assert ran.name == RAN
    assert (ran.own.late_share, ran.own.price) == pytest.approx((0.0, 4.0))


def test_a_loop_without_workers_is_unknown_and_not_zero(control: JobControl) -> None:
    known = [update(loop) for loop in range(1, 31)]
    silent = [update(loop, None) for loop in range(31, 41)]
    after = [update(loop) for loop in range(51, 61)]

    ledger = fed(Ledger(control, START), [*known, *silent, *after])

    assert ledger.paid.seconds == pytest.approx(40 * 60)
    assert ledger.paid.mean == pytest.approx(4.0)
    assert ledger.gap(at(60)) == pytest.approx(20 * 60)
    assert ledger.gap(at(90)) == pytest.approx(50 * 60), "nothing was heard since"
    assert "40m known, 20m unknown and left out" in told(views.heading("ysb", ledger, at(60)))


def test_a_capacity_that_is_not_known_has_no_cost(control: JobControl) -> None:
    points = tuple(CapacityPoint(scale_out=4, capacity=400.0, basis=Basis.OBSERVED) for _ in "x")

    ledger = fed(Ledger(control, START), (update(k, table=points) for k in range(1, 11)))

    assert ledger.rows[STATIC].own.seconds == 0.0
    assert ledger.rows[RAN].own.seconds == 600.0
    lines = told(views.cost(ledger)).splitlines()
    assert next(line for line in lines if "the max" in line and "static" in line).count("?") >= 3


def test_a_rescale_is_paid_from_the_instant_that_it_was_seen(control: JobControl) -> None:
    moved = update(2, 6, scale_out_since=at(1) + timedelta(seconds=15))

    ledger = fed(Ledger(control, START), [update(1), moved])

    assert ledger.paid.workers == pytest.approx(60 * 4 + 15 * 4 + 45 * 6)
    assert ledger.paid.rescales == 1


def test_too_few_workers_are_late(control: JobControl) -> None:
    events = [update(loop, 2, rate=300.0) for loop in range(1, 11)]

    ledger = fed(Ledger(control, START), events)

    ran = ledger.rows[RAN].own
    assert ran.late_share == pytest.approx(1.0, abs=0.02)
    # 100 records/s more wait each second: 100 · t over 600 s, less a second's arrivals.
    assert ran.waiting == pytest.approx(100 * 600**2 / 2, rel=0.03)
    assert ran.price is not None
    assert ran.price > 2.0
    assert ledger.rows[STATIC].own.late_share == 0.0


def test_a_rescale_leaves_what_came_in_its_downtime_waiting(control: JobControl) -> None:
    events: list[Event] = [update(1), decision(1, "horizon", 5, shadow=False), update(2, 5)]

    ledger = fed(Ledger(control, START), events)

    (row,) = ledger.planners.values()
    assert row.own.rescales == 0, "it began with five"
    later = [decision(2, "horizon", 5, shadow=False), update(3, 5)]
    begun = [update(1), decision(1, "horizon", 4, shadow=False), update(2)]
    ledger = fed(Ledger(control, START), [*begun, *later])
    (row,) = ledger.planners.values()
    assert row.own.rescales == 1
    # 30 s at 250/s wait, and 250/s of room work them off again.
    assert row.own.late_share == pytest.approx(60 / 120, abs=0.1)


def test_the_hpa_holds_the_cpu_at_its_target(control: JobControl) -> None:
    events = [update(loop, 8, rate=200.0) for loop in range(1, 61)]

    ledger = fed(Ledger(control, START, target=0.5), events)

    hpa = ledger.rows[HPA].own
    assert hpa.mean is not None
    assert 4.0 <= hpa.mean < 6.0, "200/s at half of the CPU are four workers, after five minutes"
    assert ledger.rows[HPA].beside.mean == pytest.approx(8.0)


def test_the_hpa_begins_with_the_workers_that_ran(control: JobControl) -> None:
    silent = [update(loop, None, rate=200.0) for loop in range(1, 6)]
    many = [update(loop, 8, rate=200.0) for loop in range(6, 11)]
    few = [update(loop, 2, rate=100.0) for loop in range(700, 705)]

    ledger = fed(Ledger(control, START, target=0.5), silent)
    assert ledger.rows[HPA].own.seconds == 0.0, "nobody knows how many ran"

    ledger = fed(Ledger(control, START, target=0.5), [*silent, *many])
    assert ledger.rows[HPA].own.mean == pytest.approx(8.0)

    ledger = fed(Ledger(control, at(699), target=0.5), [*many, *few])
    assert ledger.rows[HPA].own.mean == pytest.approx(2.0), "what it had hours before is forgotten"


def test_an_update_that_is_told_again_counts_once(control: JobControl) -> None:
    ledger = fed(Ledger(control, START), [update(1), update(1), update(2), update(1)])

    assert ledger.paid.seconds == 120.0


def test_a_job_that_has_ended_counts_for_the_time_it_was_declared(control: JobControl) -> None:
    known = control.fold(forget(30, stays_declared=True)).fold(forget(60.5))
    later = at(6000)

    found = books.costs(
        {"ysb": known}, START, Rule(), map(update, range(1, 61)), static_at_mean=False
    )

    ledger = found["ysb"]
    assert (ledger.paid.hours, ledger.gap(later)) == pytest.approx((4.0, 0.0))
    assert ledger.ended == at(60.5)
    assert ", ended 2026-01-01" in told(views.heading("ysb", ledger, later))
    assert "ysb ended" in told(views.costs(found, START, later))
    assert books_told.cost("ysb", ledger, later)["ended"] == at(60.5).isoformat()


def test_the_time_between_an_end_and_the_next_declaration_is_not_unknown(
    control: JobControl, ysb: JobSpec
) -> None:
    known = control.fold(forget(60.5)).fold(declared(ysb, at(300.5)))
    loops = [*range(1, 61), *range(301, 361)]

    ledger = fed(Ledger(known, START), map(update, loops))

    assert ledger.ended is None
    assert ledger.paid.seconds == pytest.approx(7200 - 30), "declared in the midst of a loop"
    assert ledger.gap(at(360)) == 30.0, "the half of a loop before the end, which nobody told"


def test_the_command_tells_what_a_job_that_has_ended_cost(
    control: JobControl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"ysb": control.fold(forget(60.5))}
    monkeypatch.setattr(runs, "now", lambda: at(6000))
    monkeypatch.setattr(runs, "cluster", lambda _: None)
    monkeypatch.setattr(runs, "controls", lambda *_: known)
    monkeypatch.setattr(runs, "declared_jobs", lambda _: [])
    monkeypatch.setattr(runs, "_read", lambda *_: map(update, range(1, 61)))

    for job in ("ysb", None):
        assert runs.cost(job, "7d", Rule(), None, as_json=True) is Exit.OK
        (found,) = json.loads(capsys.readouterr().out)
        assert (found["job"], found["ended"]) == ("ysb", at(60.5).isoformat())
        assert found["lines"][0]["worker_hours"] == pytest.approx(4.0)
    with pytest.raises(NotFoundError, match="nobody"):
        runs.cost("nobody", "7d", Rule(), None, as_json=True)


def test_lines_that_know_less_of_the_time_are_told_beside_what_ran_in_it(ysb: JobSpec) -> None:
    known = JobControl().fold(declared(ysb, START - timedelta(hours=1), most=12))
    table = tuple(
        CapacityPoint(scale_out=q, capacity=100.0 * q, basis=Basis.OBSERVED) for q in range(1, 13)
    )
    loops: list[Event] = [update(loop, 8, rate=700.0, table=table) for loop in range(1, 121)]
    loops += [update(loop, 8, workload=None, table=table) for loop in range(121, 241)]

    ledger = fed(Ledger(known, START), loops)

    said = told(views.cost(ledger)).splitlines()
    assert said[1].split()[:2] == ["hours", "ran"]
    assert next(line for line in said if RAN in line).split()[3:5] == ["32.0", "32.0"]
    assert next(line for line in said if "the max" in line).split()[5:7] == ["24.0", "16.0"]
    assert "HPA rule 2h, static at 8 (the mean) 2h" in views.caution(ledger).plain
    assert "2h of 4h" in views.caution(ledger).plain
    bill = books_told.bill(ledger, at(240))
    assert (bill.paid, bill.unknown, bill.unknown_of_hpa) == pytest.approx((32.0, 0.0, 7200.0))
    both = told(views.costs({"a": ledger, "b": ledger}, START, at(240)))
    assert "HPA unknown" in both
    assert both.splitlines()[-2].split()[-1] == "4h"
    whole = fed(Ledger(known, START), loops[:120])
    assert not views.caution(whole)
    assert "HPA unknown" not in told(views.costs({"a": whole}, START, at(120)))


def test_a_loop_that_overlaps_the_one_before_counts_for_the_rest(
    control: JobControl, ysb: JobSpec
) -> None:
    known = control.fold(declared(ysb, at(10), loop=3600.0))

    ledger = fed(Ledger(known, START), [*map(update, range(1, 11)), update(12)])

    assert ledger.paid.seconds == ledger.rows[RAN].own.seconds == 720.0
    assert ledger.allowed == 720.0 * 8
    assert ledger.gap(at(60)) == 0.0, "the next tick is not due yet"


def test_a_loop_that_began_before_the_account_counts_for_the_rest(ysb: JobSpec) -> None:
    known = JobControl().fold(declared(ysb, START - timedelta(hours=2), loop=3600.0))

    ledger = fed(Ledger(known, at(59)), [update(60)])

    assert ledger.paid.seconds == 60.0
    assert "1m known" in told(views.heading("ysb", ledger, at(60)))


def test_what_is_left_of_a_loop_keeps_its_trend_line(ysb: JobSpec) -> None:
    load = Workload(mean=200.0, minimum=100.0, maximum=300.0, level=300.0, slope=1.0)
    closing = update(60, workload=load)
    assert isinstance(closing, CapacityUpdate)

    loop = loop_of(closing, ysb, at(60) - timedelta(seconds=20))

    assert (loop.seconds, loop.period) == (20.0, 60.0)
    assert (loop.rate(0.0), loop.rate(20.0)) == (280.0, 300.0)
    assert loop.records == 290.0 * 20.0


@pytest.mark.parametrize(
    ("seconds", "speed", "steps"),
    [
        pytest.param(60.0, 1.0, 12, id="a-minute"),
        pytest.param(6.0, 10.0, 12, id="a-minute-of-compressed-time"),
        pytest.param(15.0, 1.0, 12, id="short"),
        pytest.param(600.0, 1.0, 120, id="ten-minutes"),
        pytest.param(900.0, 1.0, 180, id="a-quarter"),
        pytest.param(86_400.0, 10_000.0, 1440, id="bounded"),
    ],
)
def test_a_step_is_short_enough_for_the_hpa(
    ysb: JobSpec, seconds: float, speed: float, steps: int
) -> None:
    policy = ysb.policy.model_copy(update={"loop": seconds})
    closing = update(60)
    assert isinstance(closing, CapacityUpdate)
    loop = loop_of(closing, ysb.model_copy(update={"policy": policy}), at(-10_000))

    cut = Cut.of(loop, speed)

    assert len(cut.steps) == steps
    assert cut.width * steps == pytest.approx(seconds)


@pytest.mark.parametrize("minutes", [10, 15, 60])
def test_the_hpa_acts_in_long_loops_as_in_short_ones(ysb: JobSpec, minutes: int) -> None:
    early = START - timedelta(days=1)

    def played(loop: int) -> Totals:
        known = JobControl().fold(declared(ysb, early, loop=60.0 * loop))
        loops = (update(end, 8, rate=200.0) for end in range(loop, 241, loop))
        return fed(Ledger(known, START, target=0.5), loops).rows[HPA].own

    long, short = played(minutes), played(1)

    assert long.rescales == short.rescales > 0
    assert long.mean == pytest.approx(short.mean)


def test_a_job_without_a_spec_has_no_account() -> None:
    ledger = fed(Ledger(JobControl(), START), [update(1)])

    assert ledger.paid.seconds == 0.0


def test_the_tables_of_costs(control: JobControl) -> None:
    ledger = fed(Ledger(control, START), (update(loop) for loop in range(1, 61)))

    one = told(views.cost(ledger))
    assert "static at 4 (the mean)" in one
    assert "static at 8 (the max)" in one
    both = told(views.costs({"a": ledger, "b": ledger}, START, at(60)))
    assert both.splitlines()[-2].split()[:5] == ["all", "8.0", "16.0", "50", "%"]
    assert max(len(line.rstrip()) for line in one.splitlines()) <= 80
    names = [line["name"] for line in books_told.lines(ledger)]
    assert names == [RAN, HPA, "static at 4 (the mean)", "static at 8 (the max)"]


# -- standings ------------------------------------------------------------------------------------


def played(loops: Iterable[int], shadow: int = 3) -> list[Event]:
    found: list[Event] = []
    for loop in loops:
        found += [
            update(loop),
            decision(loop, "horizon", 4, shadow=False),
            decision(loop, "mine", shadow, shadow=True),
        ]
    return found


def test_a_shadow_that_needs_fewer_workers_leads(control: JobControl) -> None:
    ledger = fed(Ledger(control, START), played(range(1, 61)))

    first, second = ledger.standings()

    assert (first.name, first.obeyed) == ("mine", False)
    assert first.own.mean == pytest.approx(3.0)
    assert first.ratio == pytest.approx(0.75)
    assert first.agreement == 0.0
    assert (second.name, second.obeyed) == ("horizon", True)
    assert second.ratio == pytest.approx(1.0)
    table = told(views.planners([first, second]))
    assert table.index("mine") < table.index("horizon")
    assert "-25 %" in table


def test_a_shadow_that_saves_too_much_pays_for_it(control: JobControl) -> None:
    ledger = fed(Ledger(control, START), played(range(1, 61), shadow=2))

    assert [line.name for line in ledger.standings()] == ["horizon", "mine"]


def test_a_planner_that_came_later_is_held_against_its_own_time(control: JobControl) -> None:
    alone = [event for event in played(range(1, 31)) if getattr(event, "planner", "") != "mine"]

    ledger = fed(Ledger(control, START), [*alone, *played(range(31, 61))])

    times = {line.name: line.own.seconds for line in ledger.standings()}
    assert times == {"horizon": 59 * 60.0, "mine": 29 * 60.0}
    mine = next(line for line in ledger.standings() if line.name == "mine")
    assert mine.beside.seconds == mine.own.seconds


def test_a_planner_that_went_away_is_not_credited(control: JobControl) -> None:
    gone = [event for event in played(range(31, 61)) if getattr(event, "planner", "") != "mine"]

    ledger = fed(Ledger(control, START), [*played(range(1, 31)), *gone])

    times = {line.name: line.own.seconds for line in ledger.standings()}
    assert times["mine"] <= 32 * 60.0


def waiting(loops: Iterable[int], planner: str) -> list[Event]:
    """Loops in which the job has four workers again, and one planner waits for it to settle."""
    found: list[Event] = []
    for loop in loops:
        settles = {"reason": "settling"}
        obeyed = decision(loop, "horizon", 4, shadow=False)
        shadow = decision(loop, "mine", 4, shadow=True)
        obeyed = obeyed.model_copy(update=settles if planner == "horizon" else {})
        shadow = shadow.model_copy(update=settles if planner == "mine" else {})
        found += [update(loop), obeyed, shadow]
    return found


def test_a_shadow_that_only_waits_is_not_judged_by_it(control: JobControl) -> None:
    events = [*played(range(1, 11)), *waiting(range(11, 21), "mine"), *played(range(21, 31))]

    ledger = fed(Ledger(control, START), events)

    mine = next(line for line in ledger.standings() if line.name == "mine")
    assert (mine.own.mean, mine.own.rescales) == pytest.approx((3.0, 0))
    assert mine.own.seconds == mine.beside.seconds == 19 * 60.0
    assert ledger.agreements["mine"].both == 19, "the loops at whose start both said something"


def test_the_obeyed_planner_that_only_waits_wants_what_it_wanted(control: JobControl) -> None:
    events = [*played(range(1, 11)), *waiting(range(11, 21), "horizon")]

    ledger = fed(Ledger(control, START), events)

    obeyed = next(line for line in ledger.standings() if line.obeyed)
    assert obeyed.own.seconds == 19 * 60.0


def test_time_before_the_first_declaration_is_not_unknown(control: JobControl) -> None:
    long_ago = START - timedelta(days=30)

    ledger = fed(Ledger(control, long_ago), [update(1)])

    assert ledger.since == START - timedelta(hours=1)
    assert ledger.gap(at(1)) == pytest.approx(3600.0)


# -- forecasts ------------------------------------------------------------------------------------


def forecast(loop: int, forecaster: str, rate: float, **changed: Any) -> Forecast:
    return Forecast(
        job="ysb",
        at=at(loop),
        tick=at(loop),
        source=f"forecaster/{forecaster}",
        step=60.0,
        horizon=600.0,
        mean=(rate,) * 10,
        quantiles={"0.1": (rate - 20,) * 10, "0.9": (rate + 20,) * 10},
        forecaster=forecaster,
        model="line",
    ).model_copy(update=changed)


def scored(rates: Iterable[float]) -> Track:
    track = Track()
    for loop, rate in enumerate(rates, start=1):
        came = update(loop, rate=rate)
        assert isinstance(came, CapacityUpdate)
        track.came(came, "daedalus")
        track.issue(forecast(loop, "daedalus", 90.0))
        track.issue(forecast(loop, "mine", 70.0))
    return track


def test_forecasters_are_scored_on_the_same_truth() -> None:
    track = scored([100.0] * 20)

    near, far = track.scores["daedalus", 60.0], track.scores["daedalus", 300.0]
    assert (near.scored, near.wape, near.coverage) == pytest.approx((19, 0.1, 1.0))
    assert (far.scored, far.wape) == pytest.approx((15, 0.1))
    mine = track.scores["mine", 60.0]
    assert (mine.wape, mine.wape_beside) == pytest.approx((0.3, 0.1))
    assert (mine.coverage, mine.above) == (0.0, 19)
    assert ("daedalus", 900.0) not in track.scores, "its horizon ends before"
    table = told(views.forecasters(track, "daedalus"))
    assert table.index("daedalus") < table.index("mine")
    assert "10.0 % (100 %)" in table
    assert "+200 %" in table
    assert [one["name"] for one in books_told.forecasters(track, "daedalus")] == [
        "daedalus",
        "mine",
    ]


def test_what_was_forecast_and_not_seen_is_missed_and_not_scored() -> None:
    track = Track()
    track.issue(forecast(0, "daedalus", 90.0))
    unknown = update(1, workload=None)
    seen = update(7, rate=100.0)
    assert isinstance(unknown, CapacityUpdate)
    assert isinstance(seen, CapacityUpdate)

    track.came(unknown, None)
    track.came(seen, None)

    assert track.scores == {}
    assert track.missed == 2


def test_a_forecast_is_read_at_the_middle_of_the_loop() -> None:
    rising = forecast(0, "daedalus", 90.0, mean=tuple(60.0 * (k + 1) for k in range(10)))

    assert read(rising, 270.0).mean == pytest.approx(270.0)
    assert doctest.testmod(forecasts).failed == 0
    assert doctest.testmod(views).failed == 0
    assert doctest.testmod(books_told).failed == 0


# -- calibration ----------------------------------------------------------------------------------


def outcome(loop: float, command: str = "c", **changed: Any) -> ScaleOutcome:
    return ScaleOutcome(
        job="ysb",
        at=at(loop),
        tick=at(loop),
        source="executor/executor",
        command=command,
        from_scale_out=4,
        to_scale_out=6,
        scale_out=6,
        generation=1,
        status=Status.APPLIED,
        downtime=45.0,
        started_at=at(loop),
        converged_at=at(loop),
        promise=Promise(capacity=500.0, downtime=30.0, recovery=100.0),
    ).model_copy(update=changed)


def recovery(loop: float, seconds: float | None, command: str = "c") -> Recovery:
    return Recovery(
        job="ysb",
        at=at(loop),
        tick=at(loop),
        source="analyzer/analyzer",
        command=command,
        to_scale_out=6,
        recovery=seconds,
        promise=Promise(capacity=500.0, downtime=30.0, recovery=100.0),
    )


def measured(loop: int, workers: int = 6, capacity: float = 550.0, **changed: Any) -> Event:
    return update(loop, workers, capacity=capacity, capacity_error=5.0, **changed)


def test_promises_are_held_against_what_came(control: JobControl) -> None:
    found = Calibration(control, START, at(60), 2)

    for event in [
        outcome(10),
        outcome(10),  # told again
        recovery(13, 80.0),
        measured(11, capacity=900.0),  # still warming up
        measured(14),
        measured(15, capacity=700.0),  # not the first
        outcome(40, "d", status=Status.REFUSED, started_at=None),
        outcome(45, "e", promise=None),
        recovery(50, None, "e"),
    ]:
        found.take(event)

    first, second = found.periods
    assert (first.rescales, second.rescales) == (1, 1)
    assert first.downtime.ratio == pytest.approx(1.5)
    assert first.downtime.kept == 0.0
    assert (first.recovery.ratio, first.recovery.kept) == pytest.approx((0.8, 1.0))
    assert first.capacity.ratio == pytest.approx(1.1)
    assert first.capacity.off == pytest.approx(0.1)
    assert first.capacity.kept == found.total.capacity.kept == 1.0, "more is no worse"
    assert (second.recovery.never, second.recovery.kept) == (1, 0.0)
    total = found.total
    assert total.rescales == 2
    assert total.recovery.kept == 0.5
    table = told(views.calibration(found, at(60)))
    assert "1.50 x" in table
    assert "0.80 x" in table


def test_a_capacity_below_the_promise_is_not_kept(control: JobControl) -> None:
    found = Calibration(control, START, at(60), 1)

    for event in [outcome(10), measured(14, capacity=450.0)]:
        found.take(event)

    assert found.total.capacity.kept == 0.0


def test_another_rescale_before_the_capacity_was_measured_leaves_it_unknown(
    control: JobControl,
) -> None:
    found = Calibration(control, START, at(60), 1)

    for event in [outcome(10), outcome(12, "d", promise=None), measured(20)]:
        found.take(event)

    assert found.total.capacity.ratio is None
    assert "-" in told(views.calibrations({"ysb": found}))


def test_the_band_of_the_forecaster_in_use_is_judged(control: JobControl) -> None:
    found = Calibration(control, START, at(60), 1)

    for loop in range(1, 31):
        found.take(update(loop, rate=100.0 if loop < 21 else 200.0))
        found.take(forecast(loop, "daedalus", 90.0))
        found.take(forecast(loop, "mine", 500.0))

    assert (found.total.banded, found.total.inside) == (25, 15)
    assert found.total.above == 10
    assert found.total.as_json()["band"]["coverage"] == pytest.approx(0.6)


# -- the command ----------------------------------------------------------------------------------


def test_compare_live_is_another_name_of_standings() -> None:
    assert cli.renamed(["compare", "ysb", "--live", "--json"]) == ["standings", "ysb", "--json"]
    assert cli.renamed(["compare", "shape:sine"]) == ["compare", "shape:sine"]
    assert cli.renamed([]) == []
