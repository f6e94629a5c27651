"""The job that is simulated: a job file or a default one, and the settings changed by hand."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from daedalus_shared.job_spec import JobSpec, SpecError, read_spec
from daedalus_shared.policy import Policy
from daedalus_shared.yaml_text import YamlError, load
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.errors import CommandError, NotFoundError, UsageError
from daedalus_simulator.policies.daedalus import declared
from daedalus_simulator.runs.request import Wish

FORECASTERS: tuple[str, ...] = get_args(Policy.model_fields["model"].annotation)
"""The ways to forecast that the forecaster knows."""

SETTABLE = ("policy", "scale")
"""The parts of a job file that a simulated job obeys."""


def specs(wish: Wish, engines: Iterable[str]) -> Mapping[str, JobSpec]:
    """Return the job that is simulated for each engine.

    Raises:
        CommandError: The job file cannot be read, or is none.
        UsageError: There is no such engine or forecaster, or a setting does not fit.
    """
    found = {}
    for engine in engines:
        if engine not in ENGINES:
            raise UsageError(f"no engine {engine!r}; there are {', '.join(ENGINES)}")
        spec = declared(engine)
        if wish.job is not None:
            job = read(wish.job)
            spec = spec.model_copy(update={"policy": job.policy, "scale": job.scale})
        settings = list(wish.settings)
        if wish.forecaster is not None:
            if wish.forecaster not in FORECASTERS:
                raise UsageError(
                    f"no forecaster {wish.forecaster!r}; there are {', '.join(FORECASTERS)}"
                )
            settings.append(f"policy.model={wish.forecaster}")
        found[engine] = changed(spec, settings)
    return found


def read(path: Path) -> JobSpec:
    """Return the job that a file declares.

    Raises:
        CommandError: The file cannot be read, or is no job file.
    """
    try:
        return read_spec(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"--job {path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        raise CommandError(f"--job {path}: {why}") from error
    except SpecError as error:
        raise CommandError(f"--job {path}: {error}") from error


def changed(spec: JobSpec, settings: Iterable[str]) -> JobSpec:
    """Return a spec with settings such as `policy.recovery_target=180s` changed.

    Raises:
        UsageError: One is no assignment, names no setting, or has a value that does not fit.
    """
    found: dict[str, Any] = spec.model_dump()
    for setting in settings:
        name, equals, text = setting.partition("=")
        path = name.strip().split(".")
        if not equals or not all(path):
            raise UsageError(f"--set {setting}: write it like --set policy.recovery_target=180s")
        _assign(found, path, _value(setting, text))
    try:
        return JobSpec.model_validate(found)
    except ValueError as error:
        raise UsageError(f"--set: {_line(error)}") from error


def _value(setting: str, text: str) -> object:
    try:
        return load(text)
    except YamlError as error:
        raise UsageError(f"--set {setting}: {text!r} is no value") from error


def _assign(found: dict[str, Any], path: list[str], value: object) -> None:
    """Set one field of nested mappings."""
    name = ".".join(path)
    if path[0] not in SETTABLE:
        known = sorted(_names(found))
        raise UsageError(f"--set {name}: no such setting{_hint(name, known)}")
    section = found
    for part in path[:-1]:
        inner = section.get(part)
        if not isinstance(inner, dict):
            raise UsageError(f"--set {name}: no such setting{_hint(name, sorted(_names(found)))}")
        section = inner
    if path[-1] not in section:
        raise UsageError(f"--set {name}: no such setting{_hint(name, sorted(_names(found)))}")
    section[path[-1]] = value


def _names(found: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    for name, value in found.items():
        if not prefix and name not in SETTABLE:
            continue
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _hint(name: str, known: list[str]) -> str:
    """Return what was probably meant: a name alike, or the same name in another part."""
    last = name.rpartition(".")[2]
    close = [one for one in known if one.rpartition(".")[2] == last]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    close = close or difflib.get_close_matches(last, known, n=1, cutoff=0.5)
    if not close:
        return "; `policy.…` and `scale.…` can be set"
    return f"; did you mean {close[0]}?"


def _line(error: ValueError) -> str:
    """Return a validation error in one line."""
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    lines = []
    for detail in details(include_url=False):
        where = ".".join(str(part) for part in detail["loc"])
        what = detail["msg"].removeprefix("Value error, ")
        value = detail["input"]
        shown = "" if isinstance(value, dict) else f"{value!r}: "
        lines.append(f"{where}: {shown}{what}")
    return "; ".join(lines)
