"""Credentials are bound to addresses, come from files, and are never shown."""

import doctest
from pathlib import Path

import pytest

from daedalus_shared import credentials, section
from daedalus_shared.credentials import CredentialFileError, Credentials, read_credentials
from daedalus_shared.job_spec import SpecError, read_spec

SECRET = "hush-4711"


def folder(path: Path, **files: str) -> Credentials:
    for name, text in files.items():
        (path / name).write_text(text)
    return read_credentials(path, "MONITOR_CREDENTIALS")


def test_each_address_gets_what_its_file_holds_and_no_other(tmp_path: Path) -> None:
    token = tmp_path / ".token"
    token.write_text("old\n")
    found = folder(
        tmp_path,
        kafka=f"# ours\nat = a:9093, b:9093\n\nsasl.password = {SECRET}=x\n",
        prometheus=f"at=https://prometheus:9090\nbearer={SECRET}\n",
        flink=f"at=http://jobmanager:8081\nusername=me\npassword={SECRET}\n",
        own=f"at=https://own/\nbearer.file={token}\n",
    )

    assert found.kafka("b:9093,a:9093") == {"sasl.password": f"{SECRET}=x"}
    assert found.kafka("a:9093,evil:9093") == {}
    assert found.kafka("evil:9093") == {}
    assert found.http("http://prometheus:9090") is None, "not in the clear"
    assert found.http("https://prometheus:9091") is None
    assert found.http("https://prometheus.evil:9090") is None
    by_token = found.http("https://Prometheus:9090/prefix")
    by_name = found.http("http://jobmanager:8081")
    by_file = found.http("https://own:443/x")
    assert by_token is not None
    assert by_token.headers() == {"Authorization": f"Bearer {SECRET}"}
    assert by_name is not None
    assert by_name.headers() == {"Authorization": "Basic bWU6aHVzaC00NzEx"}
    assert by_file is not None
    assert by_file.headers() == {"Authorization": "Bearer old"}
    token.write_text("new\n")
    assert by_file.headers() == {"Authorization": "Bearer new"}
    assert SECRET not in repr(found) + repr(by_token) + repr(by_name)


def test_without_a_folder_there_are_none() -> None:
    found = read_credentials(None, "MONITOR_CREDENTIALS")

    assert (found.kafka("a:1"), found.http("http://a")) == ({}, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(f"bearer={SECRET}", "a line such as at=kafka:9093", id="no address"),
        pytest.param(f"at=a:1\n{SECRET}", "line 2 is not written as name=value", id="no value"),
        pytest.param("at=a:1,https://p", "`at` mixes brokers and HTTP servers", id="mixed"),
        pytest.param(f"at=http://a\ntoken={SECRET}", "token: there are at, bearer", id="unknown"),
        pytest.param(
            f"at=http://a\nusername=u\nbearer={SECRET}", "either bearer or username", id="two ways"
        ),
        pytest.param(f"at=http://a\npassword={SECRET}", "belong together", id="half"),
        pytest.param("at=http://a\nbearer.file=/no", "bearer.file /no: No such file", id="no file"),
        pytest.param("at=https://a\nca.file=/no", "ca.file cannot be used", id="no authority"),
    ],
)
def test_a_wrong_file_is_named_and_not_shown(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CredentialFileError) as error:
        folder(tmp_path, wrong=text)

    assert str(error.value).startswith(f"MONITOR_CREDENTIALS: {tmp_path}/wrong: ")
    assert told in str(error.value)
    assert SECRET not in str(error.value)


def test_two_files_for_one_address_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialFileError, match="another file is for a:1 too"):
        folder(tmp_path, one="at=a:1", two="at=a:1")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialFileError, match=r"MONITOR_CREDENTIALS: .*: No such file"):
        read_credentials(tmp_path / "none", "MONITOR_CREDENTIALS")


SPEC = """
job: ysb
engine: {{kind: flink, rest: "{rest}"}}
input: {{bootstrap: "{bootstrap}", topics: [ads], group: ysb}}
metrics: {{prometheus: "{prometheus}"}}
workers: {{kind: none}}
scale: {{max: 4}}
"""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rest", f"https://me:{SECRET}@jobmanager:8081"),
        ("bootstrap", f"me:{SECRET}@kafka:9092"),
        ("prometheus", f"http://{SECRET}@prometheus:9090"),
    ],
)
def test_a_job_file_with_credentials_is_refused_and_told_where_they_belong(
    field: str, value: str
) -> None:
    right = {"rest": "http://jm:8081", "bootstrap": "kafka:9092", "prometheus": "http://p:9090"}

    with pytest.raises(SpecError) as error:
        read_spec(SPEC.format(**{**right, field: value}))

    assert f"{field}: '" in str(error.value)
    assert "must not hold credentials" in str(error.value)
    assert "MONITOR_CREDENTIALS" in str(error.value)
    assert SECRET not in str(error.value)


def test_the_examples_in_the_docstrings_hold() -> None:
    for module in (credentials, section):
        found = doctest.testmod(module)
        assert (found.attempted > 0, found.failed) == (True, 0)
