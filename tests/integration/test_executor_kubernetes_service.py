"""The executor as it is deployed: a process with an account's token, and commands on a topic."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from daedalus_shared.events import Status
from harness.broker import Broker
from harness.commands import Commander, declare, executor
from harness.control_plane import ControlPlane
from harness.fake_flink import FakeFlink
from harness.kubernetes import deployment, namespace
from harness.manifests import whole_namespace
from harness.replicas import running

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

JOBS = "jobs"


def test_commands_on_the_topic_scale_a_deployment_through_kills(
    broker: Broker, control_plane: ControlPlane, tmp_path: Path, rng: random.Random
) -> None:
    plane = control_plane
    plane.apply(namespace(JOBS), namespace("daedalus"))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "executor"}}
    plane.apply(account, namespace="daedalus")
    plane.apply(*whole_namespace(tmp_path, JOBS), deployment("words", 2), namespace=JOBS)
    plane.kubectl("rollout", "status", "-n", JOBS, "deploy/words", "--timeout=30s")
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
        for wanted in (5, 3, 6, 1):
            commander.send("words", wanted)
            time.sleep(rng.uniform(0, 3))
            replica.kill()
            replica.start()
            deadline = time.monotonic() + 60
            while commander.open():
                commander.listen()
                replica.tend()
                assert time.monotonic() < deadline, replica.tail()

        commander.listen(3.0)  # and nothing more comes
        told = {event["message"].partition(" (")[0] for event in _events(plane)}

    outcomes = [
        outcome
        for command in commander.all()
        for outcome in commander.outcomes[command.id].values()
    ]
    commander.close()
    assert [(each.status, each.scale_out) for each in outcomes] == [
        (Status.APPLIED, wanted) for wanted in (5, 3, 6, 1)
    ]
    found = plane.call("GET", f"/apis/apps/v1/namespaces/{JOBS}/deployments/words")
    assert (found["spec"]["replicas"], found["status"]["readyReplicas"]) == (1, 1)
    assert found["metadata"]["generation"] == 5, "made, and changed once by each command"
    scaled = {
        "scaled from 2 to 5",
        "scaled from 5 to 3",
        "scaled from 3 to 6",
        "scaled from 6 to 1",
    }
    # Events are for people: one may be lost with a process that is killed just then, none is wrong.
    assert "scaled from 6 to 1" in told
    assert told <= scaled


def _events(plane: ControlPlane) -> list[Any]:
    items = plane.call("GET", f"/api/v1/namespaces/{JOBS}/events")["items"]
    return [each for each in items if each["source"].get("component") == "daedalus-executor"]
