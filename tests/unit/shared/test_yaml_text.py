"""YAML as people write it is read; what swells, loops or says a thing twice is refused."""

import pytest

from daedalus_shared.yaml_text import YamlError, load

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
"""A kilobyte that stands for 10**12 values."""


def test_reads_a_file_with_anchors_and_merges() -> None:
    text = "usual: &usual {min: 1, max: 6}\nscale: {<<: *usual, max: 12}\nsame: *usual"

    assert load(text) == {
        "usual": {"min": 1, "max": 6},
        "scale": {"min": 1, "max": 12},
        "same": {"min": 1, "max": 6},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("job: a\njob: b", "line 2, column 1: 'job' stands there twice", id="twice"),
        pytest.param(BOMB, "is more than 100000 values", id="aliases that swell"),
        pytest.param("a: &a [*a]", "line 1, column 4: an alias stands within", id="a loop"),
        pytest.param("[" * 20_000, "is nested too deeply", id="deep"),
        pytest.param("a: 1\n---\nb: 2", "but found another document", id="two documents"),
        pytest.param("a: [", "line 1, column 5", id="unfinished"),
        pytest.param("a: !!python/name:os.system", "could not determine", id="a tag of Python"),
        pytest.param("a: 2026-02-31", "day is out of range", id="no day"),
        pytest.param("a: \x07", "special characters", id="a bell"),
    ],
)
def test_refuses_in_one_line(text: str, message: str) -> None:
    with pytest.raises(YamlError) as refused:
        load(text)

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_text_says_nothing() -> None:
    assert load("# only a comment\n") is None
