"""The console with very many jobs on a real broker: start-up, memory, CPU, latency.

    python tests/benchmark/console.py --jobs 1 100 1000 --hours 1 --live 60

One simulated job is copied to many names, each some seconds apart, so that they report in turn.
For each number of jobs a console is started: how long until its list is whole, and how it answers
meanwhile and after. For the last number the jobs then go on at their normal rate, seen by a
listener of the event stream and, with `--page`, by a Chromium that looks at the list.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from playwright.sync_api import Page

from daedalus_shared.events import Event
from harness.broker import PARTITIONS, Broker, running_broker
from harness.console import browsing
from harness.copies import Filler, Message, copied, keep_for_ever, renamed, simulated
from harness.replicas import Replica

VARIANTS = 30
"""Copies of the simulated job that are made whole; all others are renamed ones."""

TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Fill the topics, start consoles, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 100, 1000], metavar="N")
    parser.add_argument("--hours", type=float, default=1.0, help="past of each job (1)")
    parser.add_argument("--live", type=int, default=60, help="seconds at the normal rate (60)")
    parser.add_argument("--page", action="store_true", help="also time the list in Chromium")
    given = parser.parse_args()
    print("· simulating a job", flush=True)
    seconds = int(given.hours * 3600)
    begin = datetime.now(UTC) - timedelta(seconds=seconds)
    copies = variants(simulated(seconds + 60 * VARIANTS + 7200, begin))
    for count in sorted(given.jobs):
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            # Each number on topics of its own, which then are in the order of time.
            broker = stack.enter_context(running_broker(directory / "kafka"))
            keep_for_ever(broker.admin)
            jobs = Jobs(broker, copies)
            written = jobs.fill(count, datetime.now(UTC))
            until = datetime.now(UTC)
            written += jobs.fill(count, until)  # what has come due while it was written
            print(f"· {count} jobs: {written} records on the topics", flush=True)
            console = Replica(
                "console",
                ["-m", "daedalus_console", "serve", "--port", "0"],
                {"DAEDALUS_BOOTSTRAP": broker.bootstrap, "PYTHONUNBUFFERED": "1"},
                directory,
            )
            stack.callback(console.kill)
            look = Look(console)
            look.start_up(count, until)
            look.answers()
            if count == max(given.jobs):
                look.live(jobs, given.live, page=given.page)


def variants(events: Sequence[Event]) -> list[list[Message]]:
    """Return copies of the events, each some seconds before the next, by time."""
    apart = 60 / VARIANTS
    return [
        sorted(
            copied(events, f"v-{number:02}", timedelta(seconds=-apart * number)),
            key=lambda one: one.at,
        )
        for number in range(VARIANTS)
    ]


class Jobs:
    """The copies of one simulated job, and how far they have been written."""

    def __init__(self, broker: Broker, copies: Sequence[Sequence[Message]]) -> None:
        self._filler = Filler(broker.bootstrap, PARTITIONS)
        self.count = 0
        """Jobs that there are."""
        self._until: datetime | None = None
        self._copies = copies
        self.sent: dict[tuple[str, datetime], float] = {}
        """When a report was sent while playing, by job and its instant; monotonic seconds."""

    def fill(self, count: int, until: datetime) -> int:
        """Write what `count` jobs have said up to an instant; returns the records written."""
        records = 0
        for variant, one in self._by_time():
            if one.at > until:
                break
            for number in range(variant, count, VARIANTS):
                if number >= self.count or self._until is None or one.at > self._until:
                    records += self._filler.write(self._of(number, [one]))
        self.count, self._until = count, until
        self._filler.flush()
        return records

    def play(self, seconds: float) -> int:
        """Write what the jobs say from now on, at its time; returns the records written."""
        begin = datetime.now(UTC)
        self.fill(self.count, begin)
        end, records = begin + timedelta(seconds=seconds), 0
        for variant, one in self._by_time():
            at = one.at
            if not begin < at <= end:
                continue
            time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
            for number in range(variant, self.count, VARIANTS):
                records += self._filler.write(self._of(number, [one]), now=True)
                if one.topic == "daedalus.metrics":
                    self.sent[f"job-{number:04}", at] = time.monotonic()
        self._filler.flush()
        self._until = end
        return records

    def _by_time(self) -> Iterator[tuple[int, Message]]:
        """Yield all that the variants say, in its order of time, as it comes to lie on topics."""
        every = (
            (one.at, variant, one) for variant, said in enumerate(self._copies) for one in said
        )
        for _, variant, one in sorted(every, key=lambda each: each[:2]):
            yield variant, one

    def _of(self, number: int, messages: Iterable[Message]) -> Iterator[Message]:
        return renamed(messages, f"v-{number % VARIANTS:02}", f"job-{number:04}")


class Look:
    """A console as a process, and somebody who looks at it."""

    def __init__(self, console: Replica) -> None:
        self._console = console
        self._client = httpx.Client(timeout=60)

    def start_up(self, jobs: int, until: datetime) -> None:
        """Start it, and tell how long it takes until all is read."""
        began = time.monotonic()
        self._console.start()
        assert self._console.until_logged("The console is at"), self._console.tail()
        [url] = re.findall(r"The console is at (\S+)", self._console.log.read_text())
        self._client.base_url = url
        self._seconds("/", first_byte=True)
        told("first byte of the page", self._since(began))
        asked, listed = list[float](), False
        while True:
            asked.append(self._seconds("/api/standing"))
            standing = self._client.get("/api/standing").json()
            if not listed and standing["jobs"] >= jobs and self._all_seen(jobs, until):
                listed = True
                told("list whole", self._since(began))
            if not standing["reading"]:
                break
            time.sleep(0.5)
        told("past read too", self._since(began))
        told("  /api/standing meanwhile", middle(sorted(asked)))
        told("memory", f"{memory(self._console.pid):.0f} MB")

    def answers(self) -> None:
        """Tell how long and large its answers are."""
        for path in ("/", "/jobs/job-0000", "/api/jobs?limit=1000", "/api/jobs/job-0000/series"):
            each = sorted(self._seconds(path) for _ in range(5))
            size = len(self._client.get(path).content)
            told(
                path,
                f"{each[2] * 1000:.0f} ms, {each[-1] * 1000:.0f} at worst, {size / 1e3:.0f} kB",
            )

    def live(self, jobs: Jobs, seconds: int, *, page: bool) -> None:
        """Let the jobs go on, and tell what it costs and how late news are."""
        until = datetime.now(UTC)
        jobs.fill(jobs.count, until)
        while not self._all_seen(jobs.count, until):
            time.sleep(2)
        for watched in (False, True) if page else (False,):
            with ExitStack() as stack:
                if watched:
                    show = stack.enter_context(browsing()).new_page()
                    looks(show, str(self._client.base_url))
                stop = threading.Event()
                late: list[float] = []
                heard = threading.Thread(target=self._listen, args=(jobs, late, stop))
                heard.start()
                asked: list[float] = []
                asking = threading.Thread(target=self._ask, args=(asked, stop))
                asking.start()
                before, began = processor(self._console.pid), time.monotonic()
                records = jobs.play(seconds)
                cpu = (processor(self._console.pid) - before) / (time.monotonic() - began)
                stop.set()
                heard.join()
                asking.join()
            who = "live, with the list open" if watched else "live, nobody at the page"
            told(who, f"{records / seconds:.0f} records/s, {cpu:.0%} of a core")
            late.sort()
            told("  event → stream", f"{middle(late)}, {len(late)} of {len(jobs.sent)} reports")
            told("  /healthz meanwhile", middle(sorted(asked)))
            told("  memory", f"{memory(self._console.pid):.0f} MB")
            jobs.sent.clear()

    def _since(self, began: float) -> str:
        cpu = processor(self._console.pid)
        return f"{time.monotonic() - began:.1f} s after the start, {cpu:.1f} s of CPU"

    def _all_seen(self, jobs: int, until: datetime) -> bool:
        """Whether each job is listed with its load and what its newest reports say."""
        rows = self._client.get("/api/jobs?limit=1000").json()["items"]
        since = (until - timedelta(minutes=1)).isoformat()
        fresh = [row for row in rows if (row["seen"] or "") > since and row["load"] is not None]
        return len(fresh) >= jobs

    def _seconds(self, path: str, *, first_byte: bool = False) -> float:
        began = time.monotonic()
        with self._client.stream("GET", path) as answer:
            assert answer.status_code == 200, f"{path}: {answer.read().decode()}"
            if not first_byte:
                answer.read()
            return time.monotonic() - began

    def _ask(self, found: list[float], stop: threading.Event) -> None:
        while not stop.wait(0.5):
            found.append(self._seconds("/healthz"))

    def _listen(self, jobs: Jobs, late: list[float], stop: threading.Event) -> None:
        with self._client.stream("GET", "/api/events") as answer:
            for line in answer.iter_lines():
                if stop.is_set():
                    return
                if not line.startswith('data: {"job"'):
                    continue
                row = json.loads(line.removeprefix("data: "))
                seen = datetime.fromisoformat(row["seen"] or "1970-01-01T00:00:00Z")
                sent = jobs.sent.get((row["job"], seen))
                if sent is not None:
                    late.append(time.monotonic() - sent)


def looks(page: Page, url: str) -> None:
    """Open the list in a browser, and tell how long search, sort and paging take."""

    def timed(what: str, act: Callable[[], object], done: str) -> None:
        began = time.monotonic()
        act()
        page.wait_for_function(done)
        told(f"  browser: {what}", f"{(time.monotonic() - began) * 1000:.0f} ms")

    first = "document.querySelector('#jobs tbody tr th a')?.textContent"
    count = "document.querySelector('.d-search + [role=status]')?.textContent ?? ''"
    timed("list shown", lambda: page.goto(url), f"() => {first}")
    timed("next page", lambda: page.get_by_role("button", name="Next →").click(),
          "() => document.body.textContent.includes('page 2 of')")  # fmt: skip
    timed("sort", lambda: page.get_by_role("button", name="Lag, records").click(),
          "() => document.querySelector('th[aria-sort=descending]')")  # fmt: skip
    timed("search", lambda: page.get_by_role("searchbox").fill("job-0007"),
          f"() => ({count}).startsWith('1 of')")  # fmt: skip
    page.get_by_role("searchbox").fill("")


def told(what: str, figure: str) -> None:
    """Print a row of the table."""
    print(f"  {what:<30}{figure}", flush=True)


def middle(found: Sequence[float]) -> str:
    """Return median, 99th percentile and maximum of sorted seconds."""
    if not found:
        return "nothing came"
    p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
    return f"{p50 * 1000:.0f} ms p50, {p99 * 1000:.0f} p99, {found[-1] * 1000:.0f} at worst"


def memory(pid: int) -> float:
    """Return a process's resident megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(kilobytes) / 1024


def processor(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
