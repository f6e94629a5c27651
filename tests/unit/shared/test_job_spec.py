"""Job files: right ones are read, wrong ones are refused by field, value and remedy."""

import re

import pytest

from daedalus_shared.job_spec import JobSpec, Policy, SpecError, read_spec
from daedalus_shared.section import hidden

RIGHT = """
apiVersion: daedalus/v1
job: ysb
engine: {kind: flink, rest: http://jobmanager:8081, name: ysb}
input: {bootstrap: kafka:9092, topics: [ad-events], group: ysb}
workers: {kind: processes, pool: flink}
scale: {min: 1, max: 12}
policy: {mode: act, loop: 30s, settle: 3m}
"""


def test_reads_durations_as_people_write_them() -> None:
    policy = read_spec(RIGHT).policy

    assert (policy.loop, policy.settle, policy.recovery_target) == (30.0, 180.0, 600.0)


def test_advises_unless_told_to_act() -> None:
    assert read_spec(RIGHT.replace("mode: act, ", "")).policy.mode == "advise"


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        pytest.param("job: ysb", "job: YSB", "job: 'YSB'", id="upper-case name"),
        pytest.param("job: ysb", "jop: ysb", "job: is missing", id="missing name"),
        pytest.param("job: ysb", "jop: ysb", "jop: is not a field", id="misspelt field"),
        pytest.param("max: 12", "max: 0", "scale.max: 0", id="max of zero"),
        pytest.param("min: 1", "min: 13", "min 13 is above max 12", id="min above max"),
        pytest.param("kind: flink,", "kind: spark,", "engine.kind: 'spark'", id="engine"),
        pytest.param("rest: http://jobmanager:8081, ", "", "flink needs `rest`", id="no rest"),
        pytest.param("rest: http:", "rest: ftp:", "engine.rest", id="rest of another kind"),
        pytest.param("topics: [ad-events]", "topics: []", "input.topics", id="no topics"),
        pytest.param("pool: flink", "poool: flink", "workers.poool", id="misspelt pool"),
        pytest.param(", pool: flink", "", "processes needs `pool`", id="no pool"),
        pytest.param("30s", "30", "report 15s", id="a number is seconds"),
        pytest.param("30s", "soon", "'soon' is not a duration", id="no duration"),
        pytest.param("30s", "-5", "policy.loop: -5", id="negative"),
        pytest.param("30s", ".nan", "policy.loop", id="not a number"),
        pytest.param("30s", "10s", "report 15s is above loop 10s", id="report above loop"),
        pytest.param("30s", "30s, sample: 12s", "fewer than 3 looks", id="too few looks"),
        pytest.param("mode: act", "mode: go", "policy.mode: 'go'", id="mode"),
        pytest.param("daedalus/v1", "daedalus/v2", "apiVersion: 'daedalus/v2'", id="version"),
        pytest.param(RIGHT, "[1, 2]", "is a mapping", id="no mapping"),
        pytest.param(RIGHT, "a: [", "no YAML", id="no YAML"),
        pytest.param(RIGHT, "", "is a mapping", id="empty"),
    ],
)
def test_refuses_a_wrong_file(was: str, becomes: str, message: str) -> None:
    if becomes == "30":
        assert read_spec(RIGHT.replace(was, becomes)).policy.loop == 30.0
        return
    with pytest.raises(SpecError, match=r"(?s).+") as refusal:
        read_spec(RIGHT.replace(was, becomes))

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_compressed_policy_divides_every_duration_and_nothing_else() -> None:
    policy = Policy().compressed(10)

    assert (policy.loop, policy.settle, policy.half_life, policy.report) == (6, 18, 720, 1.5)
    assert policy.poor_in_a_row == Policy().poor_in_a_row
    assert policy.wape_gate == Policy().wape_gate
    durations = [
        name
        for name, field in Policy.model_json_schema()["properties"].items()
        if field.get("format") == "duration"
    ]
    assert len(durations) >= 20
    for name in durations:
        assert getattr(policy, name) == getattr(Policy(), name) / 10


def test_a_spec_survives_its_own_json() -> None:
    spec = read_spec(RIGHT)

    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize("factor", [1.0, 3.0, 7.0, 10.0, 16.0, 60.0])
def test_a_compressed_policy_can_be_brought_back_onto_one_grid(factor: float) -> None:
    compressed = Policy().compressed(factor)

    found = compressed.aligned(compressed.sample)

    assert found.report / found.sample == pytest.approx(3)
    assert found.loop / found.report == pytest.approx(4)
    assert found.loop == pytest.approx(60 / factor, rel=0.01)


STREAMS = RIGHT.replace(
    "{kind: flink, rest: http://jobmanager:8081, name: ysb}",
    '{kind: kafka-streams, metrics: ["http://wordcount:9401/metrics"], cores: 0.5}',
)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("http://wordcount:9401/metrics", id="a name"),
        pytest.param("https://tasks.word_count", id="no port, no path"),
        pytest.param("http://127.0.0.1:9401/actuator/prometheus?a=b", id="a path of its own"),
        pytest.param("http://[::1]:9401/metrics", id="IPv6"),
        pytest.param("file:///run/daedalus/wordcount.json", id="a list"),
        pytest.param("file:///run/daedalus/endpoints/*.json", id="a list a worker"),
    ],
)
def test_a_kafka_streams_job_says_where_its_workers_tell(place: str) -> None:
    engine = read_spec(STREAMS.replace("http://wordcount:9401/metrics", place)).engine

    assert engine.metrics == (place,)
    assert engine.cores == 0.5


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("wordcount:9401", id="no scheme"),
        pytest.param("ftp://wordcount:9401", id="another scheme"),
        pytest.param("http://wordcount:99999/metrics", id="no port has this number"),
        pytest.param("http://user:secret@wordcount:9401", id="credentials"),
        pytest.param("file://targets.json", id="a file without its whole path"),
        pytest.param("http://", id="no host"),
    ],
)
def test_a_place_that_is_none_is_refused_with_what_would_be_right(place: str) -> None:
    with pytest.raises(SpecError) as refusal:
        read_spec(STREAMS.replace("http://wordcount:9401/metrics", place))

    assert str(refusal.value) == (
        f"engine.metrics.0: {hidden(repr(place))}: is neither an address such as "
        "http://wordcount:9401/metrics nor a file such as file:///run/wordcount.json"
    )


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        pytest.param(
            "cores: 0.5",
            "cores: 0",
            "engine.cores: 0: Input should be greater than 0",
            id="no core",
        ),
        pytest.param(
            "kind: kafka-streams",
            "kind: flink, rest: http://jobmanager:8081",
            "engine: `metrics` and `cores` are for kafka-streams; flink is asked by `rest`",
            id="Flink's workers are not asked",
        ),
        pytest.param(
            "metrics: [", "metrics: [{}, ", "engine.metrics.0: ", id="a place that is no text"
        ),
        pytest.param("group: ysb", "group: ysb, repartition: x", "input.repartition", id="no list"),
    ],
)
def test_refuses_a_wrong_kafka_streams_job(was: str, becomes: str, message: str) -> None:
    assert was in STREAMS

    with pytest.raises(SpecError) as refusal:
        read_spec(STREAMS.replace(was, becomes))

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", ["deployment", "statefulset"])
def test_a_job_names_its_workload_on_kubernetes(kind: str) -> None:
    workers = f"{{kind: kubernetes, namespace: jobs, {kind}: words}}"
    spec = read_spec(STREAMS.replace("{kind: processes, pool: flink}", workers))

    assert getattr(spec.workers, kind) == "words"


@pytest.mark.parametrize(
    ("base", "workers", "why"),
    [
        pytest.param(
            STREAMS, "namespace: jobs", "needs one of `deployment`, `statefulset`", id="none"
        ),
        pytest.param(
            STREAMS, "namespace: jobs, deployment: a, statefulset: b", "needs one of", id="two"
        ),
        pytest.param(STREAMS, "deployment: a", "needs `namespace`", id="no namespace"),
        pytest.param(
            STREAMS, "namespace: jobs, deployment: ../secrets", "workers.deployment", id="a path"
        ),
        pytest.param(
            STREAMS, "namespace: jobs, flinkdeployment: a", "is for engine.kind flink", id="engine"
        ),
        pytest.param(
            RIGHT,
            "namespace: jobs, statefulset: a",
            "use a Deployment, or rescale: reactive",
            id="Flink frees any",
        ),
    ],
)
def test_a_workload_that_cannot_be_meant_is_refused(base: str, workers: str, why: str) -> None:
    text = base.replace("{kind: processes, pool: flink}", f"{{kind: kubernetes, {workers}}}")

    with pytest.raises(SpecError, match=re.escape(why)):
        read_spec(text)
