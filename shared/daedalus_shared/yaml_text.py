"""YAML that people write: one document of moderate size, each key once.

PyYAML alone lets the last of two equal keys win, and builds from a few lines of aliases a value
that no memory holds once it is written out.
"""

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MOST = 100_000
"""Values in one text, each alias counted as what it stands for; a job file has some fifty."""


class YamlError(ValueError):
    """The text is no YAML, or not such as people write; one line that tells where."""


def load(text: str) -> Any:
    """Return what a YAML text says.

    Raises:
        YamlError: It is no YAML, says a key twice, nests too deeply, or its aliases swell.

    >>> load("{job: ysb, scale: {min: 1}}")
    {'job': 'ysb', 'scale': {'min': 1}}
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _weigh(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(f"{_place(mark)}{_one_line(what)}" if mark else _one_line(what)) from error
    except yaml.YAMLError as error:
        raise YamlError(_one_line(str(error))) from error
    except RecursionError as error:
        raise YamlError("is nested too deeply") from error
    except ValueError as error:  # such as a date of the 31st of February, or a number too long
        raise error if isinstance(error, YamlError) else YamlError(_one_line(str(error))) from error


def _weigh(node: Node, weights: dict[int, int]) -> int:
    """Return how many values a node stands for, aliases written out."""
    known = weights.get(id(node))
    if known is not None:
        if known == 0:
            raise YamlError(f"{_place(node.start_mark)}an alias stands within what it names")
        return known
    weights[id(node)] = 0  # being weighed
    weight = 1
    if isinstance(node, SequenceNode):
        weight += sum(_weigh(part, weights) for part in node.value)
    elif isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                if key.value in seen and key.value != "<<":
                    raise YamlError(f"{_place(key.start_mark)}{key.value!r} stands there twice")
                seen.add(key.value)
            weight += _weigh(key, weights) + _weigh(value, weights)
    if weight > MOST:
        raise YamlError(f"{_place(node.start_mark)}is more than {MOST} values, aliases written out")
    weights[id(node)] = weight
    return weight


def _place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
