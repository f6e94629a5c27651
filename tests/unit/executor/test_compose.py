"""Scaling a compose service, against a Docker API in this process."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from daedalus_executor.adapters.compose import ComposeProjects, ComposeWorkers, Engine
from daedalus_executor.adapters.kafka_streams import KafkaStreamsTarget
from daedalus_executor.domain.containers import copy_of, name_of
from daedalus_executor.ports import NotAllowedError, Patience, TargetError
from harness.fake_docker import IMAGE, FakeDocker
from harness.rescaling import Clock, Permits


@pytest.fixture
async def docker(tmp_path: Path) -> AsyncIterator[FakeDocker]:
    fake = FakeDocker()
    fake.compose_up("counter")
    fake.compose_up("kafka")
    async with fake.at(tmp_path / "docker.sock"):
        yield fake


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(address=f"unix://{tmp_path / 'docker.sock'}", fresh=2.0, patience=2.0)


def workers(engine: Engine, service: str = "counter", project: str = "shop") -> ComposeWorkers:
    return ComposeWorkers(engine, project, service, most=4, clock=Clock())


def target(engine: Engine) -> KafkaStreamsTarget:
    clock = Clock()
    pool = ComposeWorkers(engine, "shop", "counter", most=4, clock=clock)
    return KafkaStreamsTarget(pool, Patience(converge=20, sample=0.5), clock)


async def test_up_and_down_as_compose_would(docker: FakeDocker, engine: Engine) -> None:
    up = await target(engine).scale(3, Permits())

    assert (up.scale_out, up.why) == (3, "")
    assert docker.states() == {
        "shop-counter-1": "running",
        "shop-kafka-1": "running",
        "shop-counter-2": "running",
        "shop-counter-3": "running",
    }

    docker.calls.clear()
    down = await target(engine).scale(1, Permits())

    assert down.scale_out == 1
    assert sorted(docker.states()) == ["shop-counter-1", "shop-kafka-1"]
    assert sorted(docker.calls) == [
        "delete shop-counter-2",
        "delete shop-counter-3",
        "stop shop-counter-2",
        "stop shop-counter-3",
    ]


async def test_the_lowest_free_number_is_given_again(docker: FakeDocker, engine: Engine) -> None:
    docker.compose_up("counter", 3)

    await workers(engine).start(1, Permits())

    assert "shop-counter-2" in docker.states()


async def test_a_copy_is_what_compose_makes(docker: FakeDocker, engine: Engine) -> None:
    (worker,) = await workers(engine).start(1, Permits())

    [body] = docker.created
    assert body["Image"] == "shop/counter"
    assert body["Labels"]["com.docker.compose.container-number"] == "2"
    assert body["Labels"]["com.docker.compose.config-hash"] == "abc"
    assert (body["Env"], body["StopTimeout"]) == (["A=1"], 15)
    assert body["HostConfig"]["NanoCpus"] == 400_000_000
    assert body["HostConfig"]["Mounts"][0]["Source"] == "shop_data"
    # A host name, an address and aliases of its own, not the template's.
    assert "Hostname" not in body
    aliases = {"Aliases": ["shop-counter-2", "counter"]}
    assert body["NetworkingConfig"]["EndpointsConfig"] == {"shop_default": aliases}
    [(network, joined)] = docker.joined
    assert (network, joined["EndpointConfig"]) == ("shop_back", aliases)
    assert joined["Container"].startswith(worker)


async def test_after_a_new_build_a_copy_has_the_old_image(
    docker: FakeDocker, engine: Engine
) -> None:
    docker.image = "sha256:" + "2" * 64

    await workers(engine).start(1, Permits())

    assert docker.created[0]["Image"] == IMAGE


async def test_ready_are_the_healthy_and_those_without_a_check(
    docker: FakeDocker, engine: Engine
) -> None:
    second = docker.compose_up("counter", 2, State={"Status": "running"})
    docker.compose_up("counter", 3, State={"Status": "running", "Health": {"Status": "starting"}})
    docker.compose_up("counter", 4, State={"Status": "restarting"})

    pool = workers(engine)

    first, *others = await pool.workers()
    assert len(others) == 3
    assert dict(await pool.ready()) == {first: None, second: None}


@pytest.mark.parametrize("becomes", ["ended", "restarting"])
async def test_a_container_that_ends_at_once_is_told_and_cleared_away(
    docker: FakeDocker, engine: Engine, becomes: Any
) -> None:
    docker.becomes = becomes

    with pytest.raises(TargetError, match=r"ended while .*: no such port: 70000"):
        await target(engine).scale(2, Permits())

    assert sorted(docker.states()) == ["shop-counter-1", "shop-kafka-1"]


async def test_a_container_that_is_never_healthy_is_told_and_taken_back(
    docker: FakeDocker, engine: Engine
) -> None:
    docker.becomes = "starting"

    rescaled = await target(engine).scale(2, Permits())

    assert rescaled.converged_at is None
    assert rescaled.why.endswith("did not work after 20 s: no such port: 70000")
    assert sorted(docker.states()) == ["shop-counter-1", "shop-kafka-1"]


async def test_a_rescale_cut_short_is_completed_by_the_next_executor(
    docker: FakeDocker, engine: Engine
) -> None:
    await workers(engine).start(1, Permits())  # and the executor is killed
    # ... and another, half way in the next:
    docker.compose_up("counter", 3, State={"Status": "created"})
    made = docker.containers[list(docker.containers)[-1]]
    made["Config"]["Labels"]["daedalus.executor"] = "1"

    found = await target(engine).read()
    rescaled = await target(engine).scale(3, Permits())

    assert (found.scale_out, found.running, found.stepwise) == (2, True, True)
    assert rescaled.scale_out == 3
    assert docker.states()["shop-counter-3"] == "running"


async def test_a_start_that_docker_refuses_leaves_nothing(
    docker: FakeDocker, engine: Engine
) -> None:
    docker.refuses["start"] = "Bind for 127.0.0.1:9400 failed: port is already allocated"

    with pytest.raises(TargetError, match=r"Docker refuses: Bind for 127\.0\.0\.1:9400 failed"):
        await workers(engine).start(1, Permits())

    assert sorted(docker.states()) == ["shop-counter-1", "shop-kafka-1"]


async def test_what_was_permitted_too_long_ago_is_not_started(
    docker: FakeDocker, tmp_path: Path
) -> None:
    engine = Engine(address=f"unix://{tmp_path / 'docker.sock'}", fresh=-1.0)

    with pytest.raises(TargetError, match="Docker takes more than"):
        await workers(engine).start(1, Permits())

    assert docker.created == []


@pytest.mark.parametrize(
    ("project", "service", "why"),
    [
        ("shop", "count", r"project shop has no container of a service 'count', only of counter"),
        ("shed", "counter", r"Docker has no compose project 'shed', or it is down"),
    ],
)
async def test_who_is_not_there_is_named(
    docker: FakeDocker, engine: Engine, project: str, service: str, why: str
) -> None:
    with pytest.raises(TargetError, match=why):
        await workers(engine, service, project).workers()


async def test_an_engine_that_goes_in_the_middle_of_a_rescale_is_told(
    tmp_path: Path, engine: Engine
) -> None:
    fake = FakeDocker()
    fake.compose_up("counter")
    fake.becomes = "starting"
    running = AsyncExitStack()
    await running.enter_async_context(fake.at(tmp_path / "docker.sock"))

    class Ends(Clock):
        async def sleep(self, seconds: float) -> None:
            await running.aclose()
            await super().sleep(seconds)

    clock = Ends()
    pool = ComposeWorkers(engine, "shop", "counter", most=4, clock=clock)
    here = KafkaStreamsTarget(pool, Patience(converge=20, sample=0.5), clock)

    with pytest.raises(TargetError, match=r"docker\.sock is not there: .* must be mounted"):
        await here.scale(2, Permits())

    # What was started stands: whoever comes back with the engine finds two, one of them not ready.
    async with fake.at(tmp_path / "docker.sock"):
        found = await here.read()
    assert (found.scale_out, found.running) == (2, False)


async def test_a_socket_that_may_not_be_opened_is_told(
    docker: FakeDocker, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "docker.sock").chmod(0)
    root = os.geteuid() == 0
    if root:  # who may open every socket
        os.seteuid(65534)
    try:
        with pytest.raises(TargetError, match="may not be opened by this executor"):
            await workers(engine).workers()
    finally:
        if root:
            os.seteuid(0)


async def test_a_dead_engine_is_told(tmp_path: Path, engine: Engine) -> None:
    with socket.socket(socket.AF_UNIX) as left:  # bound once, and nobody listens
        left.bind(str(tmp_path / "docker.sock"))

    with pytest.raises(TargetError, match=r"docker\.sock does not answer: Connection refused"):
        await workers(engine).workers()


@pytest.mark.parametrize(
    ("allowed", "project", "why"),
    [
        ((), "shop", "EXECUTOR_COMPOSE_PROJECTS of this executor is empty"),
        (("shed",), "shop", "shop/counter is not in .*, only shed"),
        (("shop/kafka",), None, "shop/counter is not in .*, only shop/kafka"),
        (("shed", "shop"), None, "workers.project is needed: .* has shed, shop"),
    ],
)
def test_refuses_what_its_settings_do_not_name(
    engine: Engine, allowed: tuple[str, ...], project: str | None, why: str
) -> None:
    projects = ComposeProjects(allowed, engine, most=4, clock=Clock())

    with pytest.raises(NotAllowedError, match=why):
        projects.service(project, "counter")


@pytest.mark.parametrize("allowed", ["shop", "shop/counter"])
def test_the_only_project_need_not_be_named(engine: Engine, allowed: str) -> None:
    projects = ComposeProjects((allowed,), engine, most=4, clock=Clock())

    assert projects.service(None, "counter").name == "shop/counter"


async def test_more_than_the_machine_is_to_hold_is_told(docker: FakeDocker, engine: Engine) -> None:
    found = await target(engine).read()

    assert (found.most, found.limit) == (4, "shop/counter holds 4 workers")


def test_a_container_name_of_its_own_cannot_be_scaled() -> None:
    docker = FakeDocker()
    docker.compose_up("counter", 1, Name="/the-counter")
    [template] = docker.containers.values()

    with pytest.raises(ValueError, match="called 'the-counter'"):
        name_of(template, 2)


def test_a_host_name_that_was_chosen_is_kept() -> None:
    docker = FakeDocker()
    docker.compose_up("counter")
    [template] = docker.containers.values()
    template["Config"]["Hostname"] = "counter"

    assert copy_of(template, 2, "i")["Hostname"] == "counter"
