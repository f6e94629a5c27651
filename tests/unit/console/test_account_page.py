"""What API and page tell of accounts, made from the real ledgers of small jobs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from nicegui import Client

from daedalus_console.accounts import books, told
from daedalus_console.accounts.books import Account, Rule
from daedalus_console.accounts.ledger import RAN
from daedalus_console.adapters.reading import Bounds
from daedalus_console.brokers import Address
from daedalus_console.errors import NotFoundError
from daedalus_console.page import account_words as words
from daedalus_console.page.charts import account as charts
from daedalus_console.page.charts import worker_hours
from daedalus_console.page.costs import Bills
from daedalus_console.page.forgetting import forgetting
from daedalus_console.page.parts import Text
from daedalus_console.page.spanned import Spanned
from daedalus_console.web import account_shapes as shapes
from daedalus_console.web import accounts as web
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
END = START + timedelta(hours=1)


@pytest.fixture
def control(ysb: JobSpec) -> JobControl:
    early = START - timedelta(hours=1)
    return JobControl().fold(Declaration(job="ysb", at=early, source="console/a", spec=ysb))


def at(loop: float) -> datetime:
    return START + timedelta(minutes=loop)


def loops(job: str = "ysb") -> list[Event]:
    """An hour of four workers, where eight may be; a shadow wants three."""
    found: list[Event] = []
    down = Downtime(mean=20.0, spread=0.0, seen=1)
    table = tuple(
        CapacityPoint(scale_out=q, capacity=100.0 * q, basis=Basis.OBSERVED) for q in range(1, 9)
    )
    load = Workload(mean=250.0, minimum=250.0, maximum=250.0, level=250.0, slope=0.0)
    for loop in range(1, 61):
        common: dict[str, Any] = {"job": job, "at": at(loop), "tick": at(loop)}
        found.append(
            CapacityUpdate(
                **common,
                source="analyzer/analyzer",
                loop=loop,
                scale_out=4,
                capacity=410.0,
                capacity_error=4.0,
                table=table,
                workload=load,
                lag=0.0,
                downtime_up=down,
                downtime_down=down,
            )
        )
        found += [
            Decision(
                **common,
                source=f"planner/{name}",
                planner=name,
                scale_out=4,
                chosen=chosen,
                reason="cheapest",
                sentence="",
                shadow=name == "mine",
            )
            for name, chosen in (("horizon", 4), ("mine", 3))
        ]
        found.append(
            Forecast(
                **common,
                source="forecaster/daedalus",
                step=60.0,
                horizon=600.0,
                mean=(240.0,) * 10,
                quantiles={"0.1": (230.0,) * 10, "0.9": (260.0,) * 10},
                forecaster="daedalus",
                model="line",
            )
        )
    return found


def rescale() -> list[Event]:
    promise = Promise(capacity=400.0, downtime=30.0, recovery=100.0)
    common: dict[str, Any] = {"job": "ysb", "tick": at(10), "command": "c", "promise": promise}
    return [
        ScaleOutcome(
            **common,
            at=at(10),
            source="executor/executor",
            from_scale_out=3,
            to_scale_out=4,
            scale_out=4,
            generation=1,
            status=Status.APPLIED,
            downtime=45.0,
            started_at=at(10),
            converged_at=at(10),
        ),
        Recovery(
            **common,
            at=at(12),
            source="analyzer/analyzer",
            to_scale_out=4,
            recovery=80.0,
        ),
    ]


@pytest.fixture
def account(control: JobControl) -> Account:
    events = sorted([*loops(), *rescale()], key=lambda event: event.at)
    return books.account(control, START, END, 4, Rule(), events)


def same(shape: Any, document: Any) -> bool:
    """Whether the API gives the fields that the command prints, and no other."""

    def plain(found: Any) -> Any:
        return json.loads(json.dumps(found).replace("+00:00", "Z"))

    return bool(plain(json.loads(shape.model_dump_json())) == plain(document))


def test_the_api_gives_what_the_command_prints(control: JobControl, account: Account) -> None:
    ledger = account.standing.ledger
    standings = told.standings("ysb", account.standing, "daedalus", END)
    calibration = told.calibration("ysb", account.promises)
    cost = told.cost("ysb", ledger, END)

    assert same(shapes.Standings.model_validate(standings), standings)
    assert same(shapes.Calibration.model_validate(calibration), calibration)
    assert same(shapes.Cost.model_validate(cost), cost)
    bill = told.bill(ledger, END).as_json()
    assert same(shapes.Bill.model_validate(bill), bill)
    # One reading of all is what each tells alone.
    alone = books.costs({"ysb": control}, START, Rule(), loops(), static_at_mean=True)
    assert told.cost("ysb", alone["ysb"], END) == cost
    ranked = books.standing(control, START, loops())
    assert told.standings("ysb", ranked, "daedalus", END) == standings
    held = books.promises(
        {"ysb": control}, START, END, 4, sorted([*loops(), *rescale()], key=lambda one: one.at)
    )
    assert told.calibration("ysb", held["ysb"]) == calibration


def test_the_sum_of_all_jobs(control: JobControl) -> None:
    both = {"a": control, "b": control, "silent": control}
    events = [*loops("a"), *loops("b"), *loops("of nobody".replace(" ", "-"))]

    found = books.costs(both, START, Rule(), events, static_at_mean=False)

    assert list(found) == ["a", "b"], "of the third nothing is known"
    total = told.summed(told.bill(each, END) for each in found.values())
    assert (total.paid, total.allowed) == pytest.approx((8.0, 16.0))
    assert words.against(words.saved(shapes.Bill.model_validate(total.as_json()))) == "50 % less"


class Now:
    """Readings that are made at once."""

    async def get(self, _key: Any, read: Any) -> Any:
        return read(Bounds(None, lambda: None))


async def test_the_api_tells_what_a_job_that_has_ended_cost(
    control: JobControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = END + timedelta(seconds=30)
    forget = Forget(job="ysb", at=ended, source="console/a", author="a")
    known = {"ysb": control.fold(forget), "open": control}
    monkeypatch.setattr(web, "controls", lambda *_: known)
    monkeypatch.setattr(web, "_events", lambda *_: iter([*loops(), *loops("open")]))
    later = END + timedelta(days=3)
    address = Address("localhost:1", "test")
    accounts = web.Accounts(address, lambda: later, cast("Any", Now()), 1.0)

    one = await accounts.cost("ysb", "7d", Rule())
    alike = await accounts.costs("7d", Rule())

    assert one.ended == ended
    assert one.unknown_seconds == pytest.approx(3600.0), "it was declared an hour before"
    assert one.lines[0].worker_hours == pytest.approx(4.0)
    assert [(bill.job, bill.ended) for bill in alike.jobs] == [("open", None), ("ysb", ended)]
    assert alike.total.worker_hours == pytest.approx(8.0)
    with pytest.raises(NotFoundError):
        await accounts.cost("nobody", "7d", Rule())
    monkeypatch.setattr(web, "_events", lambda *_: iter(()))
    silent = await accounts.cost("ysb", "7d", Rule())
    assert (silent.lines, silent.ended, silent.unknown_seconds) == ((), ended, 7230.0)


async def test_the_page_of_all_costs_tells_who_has_ended_and_what_the_hpa_lacks(
    client: Client,
) -> None:
    bill = shapes.JobBill(
        job="ysb",
        ended=END,
        worker_hours=32.0,
        worker_hours_at_max=48.0,
        worker_hours_of_hpa=19.1,
        against_hpa=16 / 19.1,
        unknown_seconds=0.0,
        unknown_seconds_of_hpa=7200.0,
    )

    with client:
        Bills([bill])

    told = [one.text for one in client.elements.values() if isinstance(one, Text)]
    assert "ysb (ended)" in told
    assert told[-2:] == ["none", "2h"]


def told_of(account: Account) -> shapes.Account:
    ledger = account.standing.ledger
    return shapes.Account.model_validate(
        {
            "calibration": told.calibration("ysb", account.promises),
            "standings": told.standings("ysb", account.standing, "daedalus", END),
            "cost": told.cost("ysb", ledger, END),
            "planner": "horizon",
            "forecaster": "daedalus",
        }
    )


def test_the_page_says_it_in_sentences(account: Account) -> None:
    found = told_of(account)

    assert words.spent(found.cost).startswith(
        "4 worker-hours: 50 % less than as many workers as allowed all the time, "
    )
    assert words.known(found.cost.known_seconds, found.cost.unknown_seconds) == "1h known."
    total = found.calibration.total
    assert words.promised(total) == (
        "1 rescale: too few to judge by, choose a longer time. "
        "Medians of seen / promised, 1 is right."
    )
    assert words.kept(total.downtime) == "1.50\u00a0x, kept\u00a00\u00a0%"
    assert words.kept(total.recovery) == "0.80\u00a0x, kept\u00a0100\u00a0%"
    assert words.capacity(total.capacity).startswith("1.02\u00a0x, off\u00a0by\u00a02.5")
    assert words.banded(total).startswith("100 % of 54 workloads were within the band")
    few = total.model_copy(update={"band": total.band.model_copy(update={"count": 1})})
    assert words.banded(few).startswith("Bands are judged 1 of 20 times yet")
    assert words.uneven(found.cost) == ""
    ran, *others = found.cost.lines
    later = [one.model_copy(update={"seconds": one.seconds / 2}) for one in others]
    cut = found.cost.model_copy(update={"lines": (ran, *later)})
    assert "compare like with like" in words.uneven(cut)
    assert "HPA rule 30m" in words.uneven(cut)
    assert "30m of 1h" in words.uneven(cut)
    assert words.shadows(found) == (1, 0)
    (forecaster,) = found.standings.forecasters
    assert [head for head, _ in words.error(forecaster)] == ["1m ahead", "5m ahead"]


def test_where_nothing_is_known_it_says_what_to_do(control: JobControl) -> None:
    found = told_of(books.account(control, START, END, 4, Rule(), []))

    assert "mode advise nothing is carried out" in words.promised(found.calibration.total)
    assert "Choose a longer time" in words.banded(found.calibration.total)
    assert words.shadows(found) == (0, 0)
    assert words.kept(found.calibration.total.downtime) == "none"
    assert words.spent(found.cost.model_copy(update={"lines": ()})) == ""


def test_the_charts_hold_what_is_known_and_gaps_elsewhere(account: Account) -> None:
    found = told_of(account)
    ends = (START, END)
    ratios = [
        (one.start, one.downtime.median_seen_over_promised) for one in found.calibration.periods
    ]

    options = charts.promises(ratios, [], [], ends)
    bars = [(line.name, line.worker_hours) for line in found.cost.lines]

    downtime, recovery, _ = options["series"]
    assert [value for _, value in downtime["data"]] == [1.5, None, None, None]
    assert downtime["showSymbol"], "a period alone is seen"
    assert downtime["markLine"]["data"] == [{"yAxis": 1.0}]
    assert recovery["data"] == []
    inside = [(one.start, one.band.coverage) for one in found.calibration.periods]
    assert charts.bands(inside, ends)["series"][0]["data"][-1][1] == 1.0
    drawn = worker_hours.bars(bars)
    assert drawn["yAxis"]["data"][-1] == RAN, "what ran is on top"
    assert drawn["series"][0]["data"][-1]["value"] == pytest.approx(4.0)
    json.dumps([options, drawn], allow_nan=False)


def test_who_forgets_is_told_what_is_lost_and_what_stays() -> None:
    question = forgetting("ysb", "ada")

    names = [name for name, _ in question.facts]
    said = " ".join(sentence for _, sentences in question.facts for sentence in sentences)
    assert names[:2] == ["Lost", "Stays"]
    assert "daedalus knowledge export FILE --job ysb" in said


async def test_an_account_that_fails_says_so_and_can_be_asked_for_again(client: Client) -> None:
    async def read(_since: str) -> Account:
        raise OverflowError("a bug")

    with client:
        part = Spanned(cast("Any", None), "24h", read, lambda _: None)
        part.begin()
    assert part._reading is not None
    with pytest.raises(OverflowError):
        await part._reading

    told = [one.text for one in client.elements.values() if isinstance(one, Text)]
    assert "Reading the topics …" not in told
    assert "The console failed; its log says why." in told
    assert "Try again" in told
