"""The executor as it is deployed: a process with an account's token, and commands on a topic."""

import json
import random
import time
from pathlib import Path

import pytest

from daedalus_shared.events import Status
from harness.broker import Broker
from harness.commands import Commander, declare, executor
from harness.control_plane import ControlPlane
from harness.fake_flink import FakeFlink
from harness.kubernetes import deployment, namespace
from harness.manifests import whole_namespace
from harness.replicas import running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

JOBS = "jobs"

PATIENCE = 240.0
"""Seconds for a command to have its outcome, on a slow machine and after a kill."""


def test_commands_on_the_topic_scale_a_deployment_through_kills(
    broker: Broker, control_plane: ControlPlane, tmp_path: Path, rng: random.Random
) -> None:
    plane = control_plane
    plane.apply(namespace(JOBS), namespace("daedalus"))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "executor"}}
    plane.apply(account, namespace="daedalus")
    plane.apply(*whole_namespace(tmp_path, JOBS), deployment("words", 2), namespace=JOBS)
    plane.kubectl("rollout", "status", "-n", JOBS, "deploy/words", "--timeout=180s")
    flink = FakeFlink(rng)  # asked for nothing: the job is on Kafka Streams
    settings = {
        "KUBECONFIG": str(plane.account("daedalus", "executor")),
        "KUBERNETES_TARGETS": json.dumps([f"{JOBS}/words"]),
    }
    commander = Commander(broker)
    replica = executor(0, broker, flink, tmp_path, **settings)
    with flink.running(), running(replica):
        commander.add("words", 2)
        declare(
            broker,
            flink,
            "words",
            engine={"kind": "kafka-streams"},
            workers={"kind": "kubernetes", "namespace": JOBS, "deployment": "words"},
        )
        for wanted, killed in ((5, True), (3, True), (6, True), (2, True), (1, False)):
            commander.send("words", wanted)
            if killed:
                time.sleep(rng.uniform(0, 3))
                replica.kill()
                replica.start()
            deadline = time.monotonic() + PATIENCE
            while commander.open():
                commander.listen()
                replica.tend()
                assert time.monotonic() < deadline, replica.tail()

        commander.listen(3.0)  # and nothing more comes
        # Events are for people: one may be lost with a process that is killed just then.
        deadline = time.monotonic() + PATIENCE
        while "scaled from 2 to 1" not in (told := _told(plane)):
            assert time.monotonic() < deadline, f"{told}\n{replica.tail()}"
            time.sleep(0.2)

    outcomes = [
        outcome
        for command in commander.all()
        for outcome in commander.outcomes[command.id].values()
    ]
    commander.close()
    assert [(each.status, each.scale_out) for each in outcomes] == [
        (Status.APPLIED, wanted) for wanted in (5, 3, 6, 2, 1)
    ]
    found = plane.call("GET", f"/apis/apps/v1/namespaces/{JOBS}/deployments/words")
    assert (found["spec"]["replicas"], found["status"]["readyReplicas"]) == (1, 1)
    assert found["metadata"]["generation"] == 6, "made, and changed once by each command"
    scaled = {
        "scaled from 2 to 5",
        "scaled from 5 to 3",
        "scaled from 3 to 6",
        "scaled from 6 to 2",
        "scaled from 2 to 1",
    }
    assert told <= scaled, "none is wrong"


def _told(plane: ControlPlane) -> set[str]:
    """What the executor's Events say, without their commands."""
    items = plane.call("GET", f"/api/v1/namespaces/{JOBS}/events")["items"]
    ours = [each for each in items if each["source"].get("component") == "daedalus-executor"]
    return {each["message"].partition(" (")[0] for each in ours}
