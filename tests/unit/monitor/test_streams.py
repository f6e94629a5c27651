"""A Kafka Streams job from the scrapes of its workers: shares, rates, and who is one of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_monitor.domain.counters import FIRST, Moment
from daedalus_monitor.domain.looks import WorkerLook
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.domain.scrapes import Scrape
from daedalus_monitor.domain.streams import (
    Pair,
    alive,
    cpu,
    engine_look,
    run,
    throughput,
    uptime,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
INNER = "wordcount-by-word-repartition"


def moment(seconds: float) -> Moment:
    return Moment(NOON + timedelta(seconds=seconds), seconds)


def scrape(seconds: float = 0.0, lines: float = 1000.0, **changes: Any) -> Scrape:
    """A worker with three partitions of `lines`, which uses a quarter of its quota."""
    return replace(
        Scrape(
            at=moment(seconds),
            state="RUNNING",
            started=1_767_268_800.0,
            cpu=10.0 + 0.0625 * seconds,
            quota=0.25,
            processed=2 * lines,
            assigned={"lines": 3.0, INNER: 2.0},
            consumed={"lines": lines, INNER: lines},
            latency=0.5,
        ),
        **changes,
    )


def check(found: Reading[float], expected: float | str) -> None:
    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(scrape(), scrape(5), 0.25, id="seconds used of the seconds allowed"),
        pytest.param(scrape(), scrape(5, cpu=10.0), 0.0, id="none used"),
        pytest.param(scrape(), scrape(5, cpu=11.3), 1.0, id="a little above by measuring"),
        pytest.param(scrape(), scrape(5, cpu=15.0), "not a share of 1", id="above its quota"),
        pytest.param(None, scrape(5), "first look", id="no earlier one"),
        pytest.param(scrape(), scrape(5, started=1.0), "restarted", id="another process"),
        pytest.param(scrape(), scrape(5, cpu=0.2), "began anew", id="the counter fell"),
        pytest.param(scrape(quota=1.0), scrape(5), "quota has changed", id="narrowed meanwhile"),
        pytest.param(
            scrape(), scrape(5, quota=Unknown("not told")), "not told", id="quota not told"
        ),
        pytest.param(scrape(), scrape(5, cpu=Unknown("NaN")), "NaN", id="CPU not told"),
    ],
)
def test_the_cpu_is_a_share_of_the_quota(
    before: Scrape | None, now: Scrape, expected: float | str
) -> None:
    check(cpu(before, now, 5.0), expected)


NONE: dict[str, Any] = {"assigned": {}, "consumed": {}, "processed": 0.0}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(scrape(), scrape(5, 2000), 200.0, id="the input topics alone"),
        pytest.param(scrape(), scrape(5), 0.0, id="nothing arrives"),
        pytest.param(None, scrape(5), FIRST.why, id="no earlier one"),
        pytest.param(None, scrape(5, **NONE), 0.0, id="a new one that warms up"),
        pytest.param(None, scrape(5, lines=0), 0.0, id="a new one that has just got partitions"),
        pytest.param(
            None, scrape(5, assigned={INNER: 2.0}), 0.0, id="a new one between the steps alone"
        ),
        pytest.param(scrape(**NONE), scrape(5, 500), 100.0, id="its first records"),
        pytest.param(
            scrape(), scrape(5, 1100, assigned={}), 20.0, id="it gave its partitions away"
        ),
        pytest.param(scrape(), scrape(5, 2000, started=1.0), "restarted", id="another process"),
        pytest.param(scrape(), scrape(5, 10), "began anew", id="another thread of the process"),
        pytest.param(
            scrape(consumed={INNER: 1.0}, assigned={INNER: 2.0}),
            scrape(5, consumed={INNER: 9.0}, assigned={INNER: 2.0}),
            0.0,
            id="it works between the steps alone",
        ),
        pytest.param(
            scrape(), scrape(5, consumed={}), "source_records_total of lines", id="counter not told"
        ),
        pytest.param(
            scrape(),
            scrape(5, consumed={}, assigned={}),
            "source_records_total of lines",
            id="it processed and tells nothing of what",
        ),
        pytest.param(
            scrape(),
            scrape(5, consumed={}, processed=Unknown("not told")),
            "not told",
            id="nothing is told",
        ),
        pytest.param(
            scrape(), scrape(5, consumed={"lines": Unknown("NaN")}), "NaN", id="not a number"
        ),
        pytest.param(scrape(**NONE), scrape(5, **NONE), 0.0, id="it still warms up"),
    ],
)
def test_the_throughput_is_what_was_consumed_of_the_input(
    before: Scrape | None, now: Scrape, expected: float | str
) -> None:
    check(throughput(before, now, 5.0, ["lines"]), expected)


def test_several_input_topics_are_summed_and_dots_may_be_underscores() -> None:
    before = scrape(consumed={"a_b": 100.0, "c": 50.0})
    now = scrape(5, consumed={"a_b": 200.0, "c": 100.0})

    assert throughput(before, now, 5.0, ["a.b", "c"]) == 30.0


def test_an_interval_that_is_not_believed_has_no_rates() -> None:
    jumped = Unknown("the clock jumped")

    assert throughput(scrape(), scrape(5, 2000), jumped, ["lines"]) == jumped
    assert cpu(scrape(), scrape(5), jumped) == jumped


@given(
    before=st.floats(0, 1e12),
    now=st.floats(0, 1e12),
    partitions=st.integers(0, 3),
    told=st.booleans(),
)
def test_no_throughput_is_ever_negative(
    before: float, now: float, partitions: int, told: bool
) -> None:
    assigned = {"lines": float(partitions)} if partitions else {}
    later = scrape(5, now, assigned=assigned, **({} if told else {"consumed": {}}))

    found = throughput(scrape(0, before), later, 5.0, ["lines"])

    assert isinstance(found, Unknown) or found >= 0


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param(["RUNNING", "REBALANCING", "CREATED"], ["a", "b", "c"], id="all are alive"),
        pytest.param(["RUNNING", "PENDING_SHUTDOWN"], ["a"], id="one leaves"),
        pytest.param(["NOT_RUNNING"], "all 1 workers are shutting down", id="nobody stays"),
        pytest.param(["RUNNING", "ERROR"], "b is in state ERROR", id="one is dead and stays"),
        pytest.param(["RUNNING", "FOO"], "b is in state FOO", id="no known state"),
        pytest.param(["RUNNING", Unknown("untold")], "b: untold", id="no state"),
    ],
)
def test_who_is_alive(states: list[Reading[str]], expected: list[str] | str) -> None:
    workers = {name: scrape(state=state) for name, state in zip("abc", states, strict=False)}

    found = alive(workers)

    if isinstance(expected, str):
        assert found == Unknown(expected)
    else:
        assert not isinstance(found, Unknown)
        assert list(found) == expected


def seen(*looks: Mapping[str, Scrape]) -> Reading[float]:
    """Return the uptime at the last of some looks, 5 s apart."""
    going = None
    for number, workers in enumerate(looks):
        going = run(going, moment(5.0 * number), workers)
    return uptime(going, moment(5.0 * (len(looks) - 1)), looks[-1])


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([{"a": scrape()}], 0.0, id="the first look"),
        pytest.param([{"a": scrape()}] * 3, 10.0, id="nothing changes"),
        pytest.param([{"a": scrape()}] * 2 + [{"a": scrape(), "b": scrape()}], 0.0, id="one joins"),
        pytest.param([{"a": scrape(), "b": scrape()}] * 2 + [{"a": scrape()}], 0.0, id="one left"),
        pytest.param(
            [{"a": scrape()}] * 2 + [{"a": scrape(started=1.0)}] * 2, 5.0, id="one restarted"
        ),
        pytest.param(
            [{"a": scrape()}] * 2 + [{"a": scrape(state="REBALANCING")}] + [{"a": scrape()}] * 2,
            5.0,
            id="a rebalance",
        ),
        pytest.param(
            [{"a": scrape(), "b": scrape(state="REBALANCING")}],
            "1 of 2 workers do not run: b is REBALANCING",
            id="during a rebalance",
        ),
    ],
)
def test_the_uptime_counts_from_when_all_were_seen_to_run(
    looks: list[Mapping[str, Scrape]], expected: float | str
) -> None:
    check(seen(*looks), expected)


def test_a_look_lists_a_worker_that_warms_up() -> None:
    pairs = {
        "w2": Pair(None, scrape(5, **NONE, latency=Unknown("none yet")), FIRST),
        "w1": Pair(scrape(), scrape(5, 2000), 5.0),
    }

    look = engine_look(pairs, 60.0, ["lines"])

    since = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (look.scale_out, look.uptime, look.latency) == (2, 60.0, 0.5)
    assert look.workers == (
        WorkerLook("w1", 0.25, 200.0, since),
        WorkerLook("w2", FIRST, 0.0, since),
    )
    assert isinstance(look.max_parallelism, Unknown)
    assert isinstance(look.checkpoint_interval, Unknown)


def test_without_a_latency_the_look_says_why() -> None:
    pair = Pair(None, scrape(latency=Unknown("no worker tells it")), FIRST)

    assert engine_look({"w": pair}, 0.0, ["lines"]).latency == Unknown("no worker tells it")


def test_a_start_beyond_all_calendars_is_left_out() -> None:
    look = engine_look({"w": Pair(None, scrape(started=1e300), FIRST)}, 0.0, ["lines"])

    assert not isinstance(look.workers, Unknown)
    assert look.workers[0].since is None
