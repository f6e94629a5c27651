"""Where workers are: the addresses of a name, and lists in files."""

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path

import pytest

from daedalus_monitor.adapters.targets import Resolve, Target, Targets, resolved
from daedalus_monitor.ports import SourceError


def names(**known: list[str]) -> Resolve:
    async def resolve(host: str, port: int) -> Iterable[str]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known[host]

    return resolve


def find(*places: str, resolve: Resolve | None = None, job: str = "wordcount") -> list[Target]:
    return asyncio.run(Targets(places, job, resolve or resolved).find())


async def test_a_name_is_asked_at_each_of_its_addresses() -> None:
    resolve = names(wordcount=["10.0.0.3", "10.0.0.2"])

    found = await Targets(["http://wordcount:9401/metrics"], "wordcount", resolve).find()

    assert found == [
        Target("10.0.0.2:9401", "http://10.0.0.2:9401"),
        Target("10.0.0.3:9401", "http://10.0.0.3:9401"),
    ]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(
            "http://127.0.0.1:9401",
            Target("127.0.0.1:9401", "http://127.0.0.1:9401", "/metrics"),
            id="Prometheus' path by default",
        ),
        pytest.param(
            "http://[::1]:9401/m?a=b",
            Target("[::1]:9401", "http://[::1]:9401", "/m?a=b"),
            id="IPv6, with a path of its own",
        ),
        pytest.param(
            "https://127.0.0.1/metrics",
            Target("127.0.0.1:443", "https://127.0.0.1:443", "/metrics", "127.0.0.1"),
            id="certified for the name, not for the address",
        ),
    ],
)
def test_an_address_is_a_worker(place: str, expected: Target) -> None:
    assert find(place) == [expected]


def test_a_worker_that_is_named_twice_is_asked_once() -> None:
    resolve = names(a=["10.0.0.1"], b=["10.0.0.1", "10.0.0.2"])

    found = find("http://a:1/metrics", "http://b:1", resolve=resolve)

    assert [target.id for target in found] == ["10.0.0.1:1", "10.0.0.2:1"]


async def test_a_name_with_addresses_of_both_kinds_counts_those_of_one() -> None:
    assert await resolved("127.0.0.1", 80) == {"127.0.0.1"}
    assert await resolved("::1", 80) == {"::1"}
    assert await resolved("localhost", 80) in ({"127.0.0.1"}, {"::1"})


def test_a_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(SourceError, match="wordcount has no address: Name or service not known"):
        find("http://wordcount:9401/metrics", resolve=names())


LIST = """[
  {"targets": ["127.0.0.1:9401", "127.0.0.1:9402"], "labels": {"job": "wordcount"}},
  {"targets": ["127.0.0.1:9501"], "labels": {"job": "another"}},
  {"targets": ["w:1"], "labels": {"__scheme__": "https", "__metrics_path__": "/m"}}
]"""


def test_reads_the_form_of_prometheus_lists(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    file.write_text(LIST)

    assert find(f"file://{file}") == [
        Target("127.0.0.1:9401", "http://127.0.0.1:9401"),
        Target("127.0.0.1:9402", "http://127.0.0.1:9402"),
        Target("w:1", "https://w:1", "/m"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(None, "cannot be read: No such file", id="no file"),
        pytest.param("[]", "no worker of wordcount is listed in file:///", id="no worker"),
        pytest.param(
            '[{"targets": ["a:1"], "labels": {"job": "x"}}]', "no worker of wordcount", id="others"
        ),
        pytest.param("root:x:0:0:secret", "is no list of targets", id="no JSON"),
        pytest.param(LIST[:40], "is no list of targets", id="half written"),
        pytest.param('{"targets": []}', "is no list of targets", id="no list"),
        pytest.param('[{"target": []}]', "is no list of targets: 0.targets", id="misspelt"),
        pytest.param('[{"targets": ["secret"]}]', "is no `host:port`", id="no port"),
        pytest.param('[{"targets": ["http://a:1/m"]}]', "is no `host:port`", id="a whole URL"),
        pytest.param(
            '[{"targets": ["a:1"], "labels": {"__scheme__": "file"}}]', "__scheme__", id="scheme"
        ),
        pytest.param("[" + " " * 1024 * 1024, "more than", id="too long"),
    ],
)
def test_a_file_that_is_no_list_is_one_line_without_what_it_holds(
    tmp_path: Path, text: str | None, why: str
) -> None:
    file = tmp_path / "targets.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(SourceError) as found:
        find(f"file://{file}")

    assert why in str(found.value)
    assert "\n" not in str(found.value)
    assert "secret" not in str(found.value)


def test_a_list_that_grows_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    file.write_text('[{"targets": ["a:1"]}]')
    targets = Targets([f"file://{file}"], "wordcount")
    assert [target.id for target in asyncio.run(targets.find())] == ["a:1"]

    file.write_text('[{"targets": ["a:1", "b:1"]}]')

    assert [target.id for target in asyncio.run(targets.find())] == ["a:1", "b:1"]


def test_a_worker_that_is_listed_in_two_ways_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    file.write_text('[{"targets": ["127.0.0.1:9401"], "labels": {"__scheme__": "https"}}]')

    found = find(f"file://{file}", "https://127.0.0.1:9401/metrics", "https://127.0.0.1:9401/m")

    assert [target.id for target in found] == ["127.0.0.1:9401"]


def test_each_worker_may_have_a_list_of_its_own(tmp_path: Path) -> None:
    place = f"file://{tmp_path}/endpoints/*.json"
    with pytest.raises(SourceError, match="no worker of wordcount is listed in file:"):
        find(place)

    (tmp_path / "endpoints").mkdir()
    for name in ("w1", "w2"):
        (tmp_path / "endpoints" / f"{name}.json").write_text(f'[{{"targets": ["{name}:1"]}}]')
    (tmp_path / "endpoints" / ".w3.json.partial").write_text("[")

    assert [target.id for target in find(place)] == ["w1:1", "w2:1"]

    (tmp_path / "endpoints" / "w2.json").write_text("[")
    with pytest.raises(SourceError, match=r"w2\.json is no list of targets"):
        find(place)


def test_a_worker_that_takes_its_list_back_meanwhile_has_left(tmp_path: Path) -> None:
    (tmp_path / "w1.json").write_text('[{"targets": ["w1:1"]}]')
    (tmp_path / "w2.json").symlink_to(tmp_path / "gone.json")  # is found, and not there

    assert [target.id for target in find(f"file://{tmp_path}/*.json")] == ["w1:1"]
