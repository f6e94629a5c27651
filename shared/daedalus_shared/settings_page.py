"""The page of all settings, made from the code: names, values, units, defaults and meanings.

It is read off JSON Schemas, which carry the docstrings of the fields.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from pydantic_settings import BaseSettings

from daedalus_shared.durations import text
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.settings import ServiceSettings

_HEAD = """\
# Settings

Made from the code by `make schemas`; a test holds it equal.

A duration is written with its unit (`250ms`, `90s`, `10m`, `1h30m`, `2d`), or as bare seconds.

## The job file

One YAML file a job, for `daedalus validate -f` and `daedalus apply -f`; any other field is refused.
(R): as in the reference code of the method's authors.
"""

_SERVICES = """
## The services

Read from the environment at the start, with the service's prefix, such as `MONITOR_BOOTSTRAP`.
These every service has:
"""

_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true`, `false`",
    "array": "list",
    "object": "mapping",
}
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
}

Schema = dict[str, Any]


def page(services: Sequence[type[BaseSettings]]) -> str:
    """Return the page, in Markdown: the job file, then the settings of the services given."""
    spec = JobSpec.model_json_schema()
    common = ServiceSettings.model_json_schema()
    parts = [_HEAD, *_sections(spec, spec, ""), _SERVICES, _table(common, common, str.upper)]
    for service in services:
        parts += _service(service, common)
    return "\n".join(parts) + "\n"


def _service(service: type[BaseSettings], common: Schema) -> Iterator[str]:
    made = service.model_json_schema()
    prefix = service.model_config.get("env_prefix", "")
    own = {
        name: field
        for name, field in made["properties"].items()
        if field != common["properties"].get(name)
    }
    yield f"\n### `{prefix}…`\n"
    yield _table({**made, "properties": own}, made, partial(_within, prefix))
    for name, field in own.items():
        inner = _resolved(field, made)
        if "properties" in inner:
            yield ""
            outer = f"{prefix}{name.upper()}__"
            yield _table(inner, made, partial(_within, outer))


def _within(outer: str, name: str) -> str:
    return outer + name.upper()


def _sections(section: Schema, whole: Schema, path: str) -> Iterator[str]:
    """Yield the table of a section, then those of its parts, depth first."""
    if path:
        yield f"\n### `{path}`\n\n{' '.join(section.get('description', '').split())}\n"
    yield _table(section, whole, str)
    for name, field in section["properties"].items():
        inner = _resolved(field, whole)
        below = f"{path}.{name}" if path else name
        if inner.get("type") == "array" and "$ref" in inner.get("items", {}):
            yield from _sections(_resolved(inner["items"], whole), whole, f"{below}[]")
        elif "properties" in inner:
            yield from _sections(inner, whole, below)


def _table(section: Schema, whole: Schema, named: Callable[[str], str]) -> str:
    rows = ["| setting | value | default | meaning |", "|---|---|---|---|"]
    required = section.get("required", ())
    for name, field in section["properties"].items():
        inner = _resolved(field, whole)
        default = "required" if name in required else _default(field, inner)
        meaning = " ".join(_meaning(field, inner).replace("|", "\\|").split())
        rows.append(f"| `{named(name)}` | {_value(field, whole)} | {default} | {meaning} |")
    return "\n".join(rows)


def _meaning(field: Schema, inner: Schema) -> str:
    """Return the words of a field; a schema leaves them out where its section says the same."""
    return str(field.get("description") or inner.get("description", ""))


def _resolved(field: Schema, whole: Schema) -> Schema:
    """Return the schema that a field stands for: of a reference, and of what may be null."""
    if "$ref" in field:
        found: Schema = whole["$defs"][field["$ref"].rpartition("/")[2]]
        return found
    if "anyOf" in field:
        kinds = [kind for kind in field["anyOf"] if kind.get("type") != "null"]
        return _resolved(kinds[0], whole) if len(kinds) == 1 else field
    return field


def _value(field: Schema, whole: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_value(kind, whole) for kind in _told(field))
    inner = _resolved(field, whole)
    if "enum" in inner:
        return ", ".join(f"`{each}`" for each in inner["enum"])
    if "const" in inner:
        return f"`{inner['const']}`"
    if inner.get("format") == "duration":
        kind = "duration"
    elif inner.get("format") in {"path", "file-path"}:
        kind = "path"
    elif "properties" in inner:
        kind = "section"
    elif inner.get("type") == "null":
        kind = "null"
    else:
        kind = _TYPES.get(inner.get("type", ""), "text")
    if inner.get("type") == "array":
        of = inner.get("items", {})
        kind = "list of " + ("sections" if "$ref" in of else _value(of, whole))
    bounds = [form.format(f"{inner[key]:g}") for key, form in _BOUNDS.items() if key in inner]
    # Durations are never negative: that says nothing new.
    bounds = [bound for bound in bounds if (kind, bound) != ("duration", "≥ 0")]
    return ", ".join([kind, *bounds])


def _told(field: Schema) -> list[Schema]:
    """Return the kinds of a field that may be several; its own duration mark holds for numbers."""
    marked = {"format": field["format"]} if "format" in field else {}
    return [{**kind, **marked} if kind.get("type") == "number" else kind for kind in field["anyOf"]]


def _default(field: Schema, inner: Schema) -> str:
    value = field.get("default")
    if "default" not in field or ("properties" in inner and value is not None):
        return ""
    if value is None:
        return "null"
    if value in ([], ""):
        return "none" if value == [] else "empty"
    return f"`{_literal(value, is_duration=inner.get('format') == 'duration')}`"


def _literal(value: object, *, is_duration: bool) -> str:
    if isinstance(value, float):
        return text(value) if is_duration else f"{value:g}"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def settings_of(module: ModuleType) -> type[BaseSettings]:
    """Return the settings that a service's module defines.

    Raises:
        LookupError: It defines none, or several.
    """
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, BaseSettings)
        and each.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise LookupError(f"{module.__name__} defines {len(found)} classes of settings, not 1")
    return found[0]
