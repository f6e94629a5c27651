"""What is fetched and checked before anything starts."""

import socket
from pathlib import Path

import pytest

from daedalus_local import engines, java, ports, prerequisites
from daedalus_local.errors import StackError


def test_a_folder_is_made_once_and_never_half(tmp_path: Path) -> None:
    made: list[Path] = []

    def breaks(target: Path) -> None:
        (target / "half").write_text("")
        raise StackError("no network")

    def works(target: Path) -> None:
        made.append(target)
        (target / "whole").write_text("")

    with pytest.raises(StackError, match="no network"):
        engines.made_once(tmp_path / "x", breaks)
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]

    assert engines.made_once(tmp_path / "x", works) == tmp_path / "x"
    assert engines.made_once(tmp_path / "x", works) == tmp_path / "x"
    assert len(made) == 1
    assert (tmp_path / "x" / "whole").exists()


def test_without_maven_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAEDALUS_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StackError, match="mvn not found"):
        engines.jars_of("kafka")


def test_mavens_reason_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(
        "#!/bin/sh\n"
        "echo 'Downloading from central: x/kafka.pom'\n"
        "echo '[ERROR] Failed to read kafka: unknown host repo -> [Help 1]'\n"
        "echo '[ERROR] '\n"
        "exit 1\n"
    )
    maven.chmod(0o755)
    monkeypatch.setenv("DAEDALUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StackError) as caught:
        engines.jars_of("kafka")

    assert str(caught.value) == (
        "Maven could not fetch kafka: Failed to read kafka: unknown host repo"
    )


def test_progress_names_each_jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(
        "#!/bin/sh\n"
        "echo 'Downloaded from central: https://repo/org/a/1/a-1.jar (10 kB at 5 kB/s)'\n"
        'for last; do :; done; : > "${last#-DoutputDirectory=}/a-1.jar"\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("DAEDALUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    said: list[str] = []

    folder = engines.jars_of("kafka", said.append)

    assert (folder / "a-1.jar").exists()
    assert said == [
        "fetching kafka with Maven (once)",
        "fetching kafka: a-1.jar",
        "fetched kafka: 1 jars",
    ]


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        pytest.param('openjdk version "21" 2023-09-19', 21, id="a first release"),
        pytest.param('java version "1.8.0_432"', 8, id="the old numbering"),
        pytest.param("no java here", None, id="nonsense"),
    ],
)
def test_reads_the_version_of_a_jdk(banner: str, version: int | None) -> None:
    assert java.major_version(banner) == version


def test_an_old_jdk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "java"
    tool.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    tool.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java.find.cache_clear()
    try:
        with pytest.raises(StackError, match="is version 11: JDK 17"):
            java.find("java")
    finally:
        java.find.cache_clear()


def test_too_little_memory_is_said_in_figures() -> None:
    with pytest.raises(StackError, match=r"1\.5 GB of memory are free, 4 GB are needed"):
        prerequisites.enough_memory(3 * 2**29, 4 * 2**30)
    prerequisites.enough_memory(4 * 2**30, 4 * 2**30)


def test_another_port_is_chosen_when_the_preferred_one_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert not ports.is_free(port)
        assert ports.free_port(port) != port
    assert ports.free_port(port) == port
    assert ports.free_port(port, avoid=[port]) != port
