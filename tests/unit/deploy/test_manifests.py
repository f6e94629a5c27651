"""What the Kubernetes manifests render to is right in itself; no API server is asked."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from pydantic_settings import BaseSettings

from daedalus_analyzer.settings import AnalyzerSettings
from daedalus_console.settings import ConsoleSettings
from daedalus_console.web.access import TokenFile
from daedalus_console.web.settings import Settings as PageSettings
from daedalus_executor.settings import Settings as ExecutorSettings
from daedalus_forecaster.settings import Settings as ForecasterSettings
from daedalus_monitor.settings import Settings as MonitorSettings
from daedalus_planner.settings import Settings as PlannerSettings
from daedalus_shared.job_spec import read_spec
from daedalus_shared.settings import ServiceSettings
from harness.fixtures import need_tools
from harness.manifests import (
    FOLDER,
    PAGE,
    SERVICES,
    Manifest,
    Network,
    Pod,
    called,
    containers,
    environment,
    job_files,
    of_kind,
    rendered,
    selected,
    whole_namespace,
    workloads,
)
from harness.pod_security import breaches

OVERLAYS = ("demo", "production")

SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "monitor": MonitorSettings,
    "analyzer": AnalyzerSettings,
    "forecaster": ForecasterSettings,
    "planner": PlannerSettings,
    "executor": ExecutorSettings,
    "declare": ConsoleSettings,
    PAGE: ConsoleSettings,
}

UNASKED = {
    "declare": "ends by itself on what it cannot mend, and is ready when the job files are right",
    "load": "only writes records",
}
"""Containers without all three probes, and why."""

VERSIONS = ("1.27", "1.33", "1.37")
"""The oldest that has every field used, a common one, and the newest of which there is a schema."""

Overlays = Mapping[str, list[Manifest]]


@pytest.fixture(scope="module")
def overlays() -> Overlays:
    need_tools("kubectl")
    return {name: rendered(FOLDER / "overlays" / name) for name in OVERLAYS}


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the Secrets hold: some settings are read as far as their files."""
    need_tools("openssl")
    folder = tmp_path_factory.mktemp("etc")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca",
         "-keyout", folder / "ca.key", "-out", folder / "ca.crt"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (folder / "password").write_text("secret")
    (folder / "tokens.yaml").write_text(f"- {{name: ada, sha256: {'a' * 64}, role: steer}}\n")
    (folder / "credentials").mkdir()
    (folder / "credentials" / "input").write_text("at=kafka:9093\nsecurity.protocol=SASL_SSL\n")
    return folder


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, overlays: Overlays) -> list[Manifest]:
    return overlays[request.param]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_field_by_field(
    overlays: Overlays, version: str, tmp_path: Path
) -> None:
    for manifest in chain(*overlays.values(), whole_namespace(tmp_path, "any")):
        if manifest["kind"] == "PodMonitor":  # an API of the Prometheus operator
            continue
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            pytest.fail(f"{called(manifest)}: {where}: {error.message}")


def test_namespaces_come_first_and_nothing_comes_twice(manifests: list[Manifest]) -> None:
    kinds = [found["kind"] for found in manifests]
    named = Counter(called(found) for found in manifests)

    last = max(at for at, kind in enumerate(kinds) if kind == "Namespace")
    assert set(kinds[: last + 1]) == {"Namespace"}
    assert [name for name, times in named.items() if times > 1] == []


def test_every_object_says_what_it_belongs_to(manifests: list[Manifest]) -> None:
    for found in manifests:
        labels = found["metadata"].get("labels", {})
        assert labels.get("app.kubernetes.io/part-of", "").startswith("daedalus"), called(found)
        assert labels.get("app.kubernetes.io/managed-by") == "kustomize", called(found)


def test_every_pod_keeps_to_the_restricted_standard(manifests: list[Manifest]) -> None:
    for found in workloads(manifests):
        assert breaches(found["spec"]["template"]["spec"]) == [], called(found)
        for container in containers(found):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, called(found)
    for found in of_kind(manifests, "Namespace"):
        assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_container_has_bounds_of_cpu_and_memory(manifests: list[Manifest]) -> None:
    for found in workloads(manifests):
        for container in containers(found):
            for bound in ("requests", "limits"):
                assert set(container["resources"][bound]) == {"cpu", "memory"}, called(found)


def test_every_container_is_asked_how_it_is(manifests: list[Manifest]) -> None:
    for found in workloads(manifests):
        for container in containers(found, first=False):
            if container["name"] in UNASKED:
                continue
            ports = {port["name"] for port in container["ports"]}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                asked = container[probe].get("httpGet") or container[probe]["tcpSocket"]
                assert asked["port"] in ports, called(found)


def test_a_service_is_ready_by_readyz_and_alive_by_healthz(manifests: list[Manifest]) -> None:
    for service in (*SERVICES, PAGE):
        [container] = containers(_deployment(manifests, service))
        paths = [
            container[probe]["httpGet"]["path"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        ]
        assert paths == ["/healthz", "/healthz", "/readyz"]


def test_the_executor_alone_has_a_token(manifests: list[Manifest]) -> None:
    holders = [
        found["metadata"]["name"]
        for found in workloads(manifests)
        if found["spec"]["template"]["spec"].get("automountServiceAccountToken") is not False
    ]
    assert holders == ["executor"]
    for account in of_kind(manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    assert of_kind(manifests, "ClusterRole", "ClusterRoleBinding") == []


def test_each_of_ours_has_an_account_of_its_own(manifests: list[Manifest]) -> None:
    accounts = {
        (found["metadata"]["namespace"], found["metadata"]["name"])
        for found in of_kind(manifests, "ServiceAccount")
    }
    used = Counter(
        (found["metadata"]["namespace"], found["spec"]["template"]["spec"]["serviceAccountName"])
        for found in workloads(manifests)
        if "serviceAccountName" in found["spec"]["template"]["spec"]
    )
    assert dict(used) == dict.fromkeys(accounts, 1)
    assert {("daedalus", name) for name in SETTINGS} <= accounts


def test_selectors_mean_their_own_pods_and_no_others(manifests: list[Manifest]) -> None:
    for found in workloads(manifests):
        selector = found["spec"]["selector"]
        assert _selected(manifests, found, selector) == [found], called(found)


def test_services_lead_to_ports_that_are_there(manifests: list[Manifest]) -> None:
    for service in of_kind(manifests, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        [target] = _selected(manifests, service, selector)
        for port in service["spec"]["ports"]:
            assert Pod.of(target).ports[port["targetPort"]] == port["port"], called(service)


def test_every_service_may_lose_one_replica_to_a_drain(manifests: list[Manifest]) -> None:
    covered = []
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        [found] = _selected(manifests, budget, budget["spec"]["selector"])
        covered.append(found["metadata"]["name"])
        # With one replica too: `minAvailable: 1` would hold up every drain.
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert sorted(covered) == sorted((*SERVICES, PAGE))


def test_replicas_are_spread_over_nodes_and_zones(overlays: Overlays) -> None:
    for overlay, hard in (("demo", "ScheduleAnyway"), ("production", "DoNotSchedule")):
        for service in SERVICES:
            found = _deployment(overlays[overlay], service)
            pod = found["spec"]["template"]
            assert found["spec"].get("replicas", 1) == (2 if overlay == "production" else 1)
            spread = {
                each["topologyKey"]: each["whenUnsatisfiable"]
                for each in pod["spec"]["topologySpreadConstraints"]
                if selected(each["labelSelector"], pod["metadata"]["labels"])
                and each["matchLabelKeys"][0] in pod["metadata"]["labels"]
            }
            assert spread == {
                "kubernetes.io/hostname": hard,
                "topology.kubernetes.io/zone": "ScheduleAnyway",
            }


@pytest.mark.parametrize("service", SETTINGS)
def test_variables_are_settings_of_the_service_and_right(
    manifests: list[Manifest], service: str, mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS[service]
    prefix = str(settings.model_config["env_prefix"])
    found = _deployment(manifests, service)
    for container in containers(found):
        variables = environment(manifests, found, container)
        given = " ".join(container.get("args", []))
        unknown = {
            name
            for name in variables
            if not _is_setting(settings, prefix, name)
            and not (service == PAGE and _is_setting(PageSettings, "CONSOLE_", name))
            and f"$({name})" not in given
        }
        assert unknown == set()

        for name, value in variables.items():
            monkeypatch.setenv(name, str(mounted / Path(value).name) if _is_file(value) else value)
        read = settings.read()
        assert read.bootstrap.startswith("kafka.")
        if service in SERVICES:
            assert (read.http_host, read.http_port) == ("0.0.0.0", 8080)  # noqa: S104 -- in a pod
            assert Pod.of(found).ports == {"http": read.http_port}


def test_who_may_see_the_page_is_said(
    overlays: Overlays, mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, PageSettings] = {}
    for overlay, manifests in overlays.items():
        deployment = _deployment(manifests, PAGE)
        variables = environment(manifests, deployment, containers(deployment)[0])
        with monkeypatch.context() as here:
            for name, value in variables.items():
                here.setenv(name, str(mounted / Path(value).name) if _is_file(value) else value)
            found[overlay] = PageSettings()
        assert Pod.of(deployment).ports == {"http": found[overlay].port}
        assert not found[overlay].on_loopback  # or a kubelet could not ask it
        # A page is bound to the process that made it.
        assert deployment["spec"]["replicas"] == 1

    demo, production = (found[overlay] for overlay in OVERLAYS)
    assert (demo.anybody_reads, demo.signed_in, demo.local) == (True, False, "read")
    assert production.tokens is not None
    assert [token.name for token in TokenFile(production.tokens).known()] == ["ada"]
    assert production.hosts == ("daedalus.example.com",)


def test_the_page_is_reached_by_the_reverse_proxy_and_a_prometheus_alone(
    overlays: Overlays,
) -> None:
    production = overlays["production"]
    page = Pod.of(_deployment(production, PAGE))
    network = Network([*production, *_open_namespaces("monitoring", "ingress", "jobs")])
    reaching = {
        name
        for name in ("monitoring", "ingress", "jobs")
        if network.allows(Pod(name, {}, {}), page, 8080)
    }
    assert reaching == {"monitoring", "ingress"}
    [service] = of_kind(production, "Service")
    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_production_talks_to_kafka_as_somebody_and_the_files_are_mounted(
    overlays: Overlays,
) -> None:
    manifests = overlays["production"]
    users = {}
    for service, settings in SETTINGS.items():
        prefix = settings.model_config["env_prefix"]
        found = _deployment(manifests, service)
        for container in containers(found):
            variables = environment(manifests, found, container)
            files = {Path(value) for value in variables.values() if _is_file(value)}
            assert {file.name for file in files} >= {"password", "ca.crt"}
            assert files == _mounted(found, container), called(found)
            assert variables[f"{prefix}SECURITY"] == "sasl_ssl"
            users[service] = variables[f"{prefix}USERNAME"]
    assert users == {**{name: name for name in SERVICES}, "declare": "console", PAGE: "console"}


def test_what_is_referred_to_is_there_or_named_in_the_readme(manifests: list[Manifest]) -> None:
    readme = (FOLDER / "README.md").read_text()
    present = {called(found) for found in manifests}
    for found in workloads(manifests):
        for kind, name in _references(found):
            full = f"{kind} {found['metadata']['namespace']}/{name}"
            if kind == "Secret":
                assert full not in present  # nothing secret is written down here
                assert f"`{name}`" in readme or f"secret generic {name}" in readme, full
            else:
                assert full in present


def test_images_come_from_where_the_overlay_says(overlays: Overlays) -> None:
    for found in workloads(overlays["demo"]):
        for container in containers(found):
            if container["image"].startswith("daedalus/"):  # a stranger could use the name
                assert container["imagePullPolicy"] == "Never", called(found)
            else:
                assert re.fullmatch(r"apache/kafka:\d+\.\d+\.\d+", container["image"])
    for found in workloads(overlays["production"]):
        for container in containers(found):
            assert re.fullmatch(
                r"registry\.example\.com/daedalus/[a-z]+:\d+\.\d+\.\d+", container["image"]
            )


def test_job_files_are_right_and_their_targets_permitted(manifests: list[Manifest]) -> None:
    executor = _deployment(manifests, "executor")
    variables = environment(manifests, executor, containers(executor)[0])
    allowed = json.loads(variables["EXECUTOR_KUBERNETES_TARGETS"])
    [job] = job_files(manifests)
    namespace, deployment = job.workers.namespace, job.workers.deployment

    assert allowed == [f"{namespace}/{deployment}"]
    if job.engine.rest:
        assert json.loads(variables["EXECUTOR_ALLOWED_REST"]) == [job.engine.rest]
    roles = of_kind(manifests, "Role")
    assert {role["metadata"]["namespace"] for role in roles} == {namespace}
    named = {
        resource: rule.get("resourceNames")
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
        if rule["apiGroups"] == ["apps"]
    }
    assert named == {
        "deployments": [deployment],
        "deployments/scale": [deployment],
        "statefulsets": [deployment],
        "statefulsets/scale": [deployment],
    }
    account = executor["spec"]["template"]["spec"]["serviceAccountName"]
    for binding in of_kind(manifests, "RoleBinding"):
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": account, "namespace": "daedalus"}
        ]


def test_the_demos_job_is_that_of_compose_elsewhere(overlays: Overlays) -> None:
    [job] = job_files(overlays["demo"])
    compose = read_spec((FOLDER.parent / "compose" / "jobs" / "wordcount.yaml").read_text())

    assert (job.policy, job.scale) == (compose.policy, compose.scale)
    workers = _deployment(overlays["demo"], str(job.workers.deployment))
    assert workers["metadata"]["namespace"] == job.workers.namespace
    # A number in the file would set the executor's back at each `apply`.
    assert "replicas" not in workers["spec"]


def test_nothing_is_reached_that_need_not_be(overlays: Overlays) -> None:
    manifests = overlays["demo"]
    network = Network(manifests)
    pods = {found["metadata"]["name"]: Pod.of(found) for found in workloads(manifests)}
    kafka = {(name, "kafka", 9092) for name in (*SETTINGS, "wordcount", "load")}

    open_ways = {
        (source, target, port)
        for source in pods
        for target in pods
        for port in pods[target].ports.values()
        if source != target and network.allows(pods[source], pods[target], port)
    }

    assert open_ways == kafka | {("monitor", "wordcount", 9400)}


@pytest.mark.parametrize(("overlay", "broker"), [("demo", 9092), ("production", 9093)])
def test_ways_out_are_few(overlays: Overlays, overlay: str, broker: int) -> None:
    network = Network(overlays[overlay])
    common = {53, broker}

    found = {
        name: network.ways_out(Pod.of(_deployment(overlays[overlay], name))) for name in SETTINGS
    }

    assert found == {
        "analyzer": common,
        "forecaster": common,
        "planner": common,
        "declare": common,
        PAGE: common,
        "monitor": common | {8081, 9400, 9090},
        "executor": common | {443, 6443, 8081},
    }


def test_a_prometheus_reaches_every_service_and_a_stranger_none(manifests: list[Manifest]) -> None:
    network = Network([*manifests, *_open_namespaces("monitoring", "elsewhere")])
    prometheus, stranger = Pod("monitoring", {}, {}), Pod("elsewhere", {}, {})
    for service in (*SERVICES, PAGE):
        pod = Pod.of(_deployment(manifests, service))
        assert network.allows(prometheus, pod, 8080)
        assert not network.allows(stranger, pod, 8080)


def test_every_namespace_with_pods_denies_by_default(manifests: list[Manifest]) -> None:
    denied = {
        found["metadata"]["namespace"]
        for found in of_kind(manifests, "NetworkPolicy")
        if found["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    assert {found["metadata"]["namespace"] for found in workloads(manifests)} == denied
    for found in of_kind(manifests, "NetworkPolicy"):
        assert _selected(manifests, found, found["spec"]["podSelector"]), called(found)


def test_a_pod_monitor_finds_every_service(overlays: Overlays) -> None:
    [monitor] = of_kind(overlays["production"], "PodMonitor")
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    found = {
        workload["metadata"]["name"]
        for workload in _selected(overlays["production"], monitor, monitor["spec"]["selector"])
        if endpoint["port"] in Pod.of(workload).ports
    }
    assert found == {*SERVICES, PAGE}


def _is_file(value: str) -> bool:
    return value.startswith("/etc/")


def _deployment(manifests: list[Manifest], name: str) -> Manifest:
    [found] = [
        each for each in of_kind(manifests, "Deployment") if each["metadata"]["name"] == name
    ]
    return found


def _selected(manifests: list[Manifest], beside: Manifest, selector: Manifest) -> list[Manifest]:
    return [
        found
        for found in workloads(manifests)
        if found["metadata"]["namespace"] == beside["metadata"]["namespace"]
        and selected(selector, found["spec"]["template"]["metadata"]["labels"])
    ]


def _is_setting(settings: type[BaseSettings], prefix: str, name: str) -> bool:
    field = name.removeprefix(prefix).split("__")[0].lower()
    return name.startswith(prefix) and field in settings.model_fields


def _mounted(workload: Manifest, container: Manifest) -> set[Path]:
    """Return the files of Secrets that a container finds."""
    volumes = {found["name"]: found for found in workload["spec"]["template"]["spec"]["volumes"]}
    files: set[Path] = set()
    for mount in container["volumeMounts"]:
        place, volume = Path(mount["mountPath"]), volumes[mount["name"]]
        for source in volume.get("projected", {}).get("sources", []):
            files |= {place / item["path"] for item in source["secret"]["items"]}
        if "secret" in volume:  # the whole folder, where no file of it is named
            items = volume["secret"].get("items", [{"path": "."}])
            files |= {place / item["path"] for item in items}
    return files


def _references(workload: Manifest) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()

    def look(part: Any) -> None:
        if isinstance(part, list):
            for each in part:
                look(each)
        elif isinstance(part, dict):
            for name, value in part.items():
                if name in {"configMapRef", "configMapKeyRef", "configMap"}:
                    found.add(("ConfigMap", value["name"]))
                elif name in {"secretRef", "secretKeyRef"}:
                    found.add(("Secret", value["name"]))
                elif name == "secret":
                    found.add(("Secret", value.get("name") or value["secretName"]))
                else:
                    look(value)

    look(workload["spec"]["template"]["spec"])
    return found


def _open_namespaces(*names: str) -> list[Manifest]:
    return [
        {
            "kind": "NetworkPolicy",
            "metadata": {"name": "open", "namespace": name},
            "spec": {
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [{"ports": [{"port": 8080}]}],
            },
        }
        for name in names
    ]
