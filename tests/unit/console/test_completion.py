"""Completion in a real shell, from the script that the command itself prints."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = """
PATH={path}:$PATH
eval "$(_DAEDALUS_COMPLETE=source_bash daedalus)"
complete -p daedalus
COMP_WORDS=(daedalus {words}); COMP_CWORD={count}
_daedalus_completion daedalus
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

HERE = Path(sys.executable).parent
"""Where the command is installed."""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["ex"], ["explain", "export"], id="a command"),
        pytest.param(["history", "--s"], ["--since"], id="an option"),
        pytest.param(["tap", "scale-"], ["scale-commands", "scale-outcomes"], id="a topic"),
        pytest.param(["topics", "cr"], ["create"], id="a command of a group"),
        pytest.param(["explain", "-b", "127.0.0.1:1", "y"], [], id="a job, and no Kafka"),
    ],
)
def test_bash_completes(words: list[str], found: list[str]) -> None:
    script = BASH.format(path=HERE, words=" ".join(words), count=len(words))

    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True
    )

    registered, *completed = done.stdout.split("\n")
    assert registered.endswith("-F _daedalus_completion daedalus")
    assert [line for line in completed if line] == found
    assert done.stderr == ""


def test_the_script_for_zsh_is_one() -> None:
    done = subprocess.run(
        [HERE / "daedalus"],
        env={**os.environ, "_DAEDALUS_COMPLETE": "source_zsh"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "#compdef daedalus" in done.stdout
    if shutil.which("zsh"):
        subprocess.run(["zsh", "-n"], input=done.stdout, text=True, check=True)
