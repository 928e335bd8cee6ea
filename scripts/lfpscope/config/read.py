"""The settings: read from files and the command line, and checked before any job."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lfpscope.config.model import MOVED, Settings
from lfpscope.errors import UserError
from lfpscope.io.secrets import check_secrets

PATHS = ("sessions", "results", "cache")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
MAX_NAME_BYTES = 255  # of a file or folder, on all usual file systems


def read_settings(path: Path) -> dict[str, Any]:
    """Read a file of settings; nothing where there is none.

    Raises
    ------
    UserError
        If it is not YAML, or not keys with values; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise ValueError("an alias (*), which may stand for any length of text")
        found = yaml.safe_load(text)
    except FileNotFoundError:
        return {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not YAML: {error.problem}. Correct it.") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        what = " ".join(str(error).split())
        raise UserError(f"{path}: not YAML: {what}. Correct it.") from None
    if not isinstance(found, dict | None):
        raise UserError(
            f"{path}: expected keys with values, found {str(found)[:80]!r}. Correct it."
        )
    return found or {}


def parse_arguments(arguments: Iterable[str]) -> dict[str, Any]:
    """Read ``key=value`` of --config as the types of the settings; Snakemake itself guesses.

    >>> parse_arguments(["results=2026_11_24", "overview={width: 800}"])
    {'results': '2026_11_24', 'overview': {'width': 800}}
    """
    pairs = (argument.partition("=") for argument in arguments)
    return {key: _read_text(text, _type_of(Settings, key)) for key, _, text in pairs}


def _type_of(group: type[BaseModel], key: str) -> Any:
    field = group.model_fields.get(key)
    return field.annotation if field else str


def _read_text(text: Any, wanted: Any) -> Any:
    """Read a text as a value of the type that is wanted; unchanged where it is none."""
    if _is_group(wanted):
        found = _parse_texts(text)
        if not isinstance(found, dict):
            return text
        return {key: _read_text(value, _type_of(wanted, key)) for key, value in found.items()}
    if NoneType in get_args(wanted) and text in ("null", "~", ""):
        return None
    if get_origin(wanted) in (dict, list, tuple):
        text = _parse_texts(text)
    try:
        return TypeAdapter(wanted).validate_python(text)
    except ValidationError:  # the check of all settings names it
        return text


def _is_group(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, BaseModel)


def _parse_texts(text: Any) -> Any:
    """Parse what is in braces or brackets; its values stay texts."""
    if not isinstance(text, str):
        return text
    try:
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
    except yaml.YAMLError:
        return text


def merge(*settings: Mapping[str, Any]) -> dict[str, Any]:
    """Merge settings; later ones win, key by key."""
    merged: dict[str, Any] = {}
    for one in settings:
        for key, value in one.items():
            before = merged.get(key)
            if isinstance(before, Mapping) and isinstance(value, Mapping):
                merged[key] = merge(before, value)
            else:
                merged[key] = value
    return merged


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with all defaults, and each path as it is meant.

    Raises
    ------
    UserError
        If one does not fit: in one line.
    """
    try:
        complete = Settings.model_validate(dict(settings)).model_dump()
    except ValidationError as error:
        raise UserError(f"configuration: {_describe(error.errors(include_url=False))}") from None
    for key in PATHS:
        complete[key] = _check_path(key, complete[key])
    complete["results"] = os.path.normpath(complete["results"])
    allen = complete["allen"]
    if bool(allen["scheme"]) != bool(allen["host"]):
        raise UserError(
            "configuration: one of allen.scheme and allen.host is missing; expected both or none"
        )
    mirror = allen["mirror"] or ""
    check_secrets(mirror, "configuration: allen.mirror")
    if mirror and not SCHEME.match(mirror):
        allen["mirror"] = os.path.expanduser(mirror)  # noqa: PTH111
    return complete


def _check_path(key: str, path: str) -> str:
    """Return a path with the home folder instead of ~, and none that looks like an option."""
    if SCHEME.match(path):
        raise UserError(
            f"configuration: {key} is {_short(path)}; expected a path on a disk. "
            "Only `location` and allen.mirror may be addresses."
        )
    if any(len(os.fsencode(name)) > MAX_NAME_BYTES for name in path.split("/")):
        raise UserError(
            f"configuration: {key} is {_short(path)}; expected names of at most {MAX_NAME_BYTES} "
            "bytes in it. Shorten it."
        )
    path = os.path.expanduser(path)  # noqa: PTH111
    return os.path.abspath(path) if path.startswith("-") else path  # noqa: PTH100


def _describe(errors: Sequence[ErrorDetails]) -> str:
    """Say in a line what is wrong with the settings: with a key, else with a value."""
    unknown = [error for error in errors if error["type"] in ("extra_forbidden", "invalid_key")]
    if not unknown:
        return _describe_value(errors[0])
    *group, _ = unknown[0]["loc"]
    names = [_key_text(one["loc"][-1]) for one in unknown if [*one["loc"][:-1]] == group]
    for name in names:
        if now := MOVED.get(".".join([*map(str, group), name])):
            return f"{'.'.join(map(str, group))}.{name} is {now} now. Write it there."
    known: Any = Settings
    for key in group:
        known = _type_of(known, str(key))
    where = ".".join(map(str, group)) or "it"
    return f"unknown key {', '.join(names)} in {where}; known are {', '.join(known.model_fields)}"


def _describe_value(error: ErrorDetails) -> str:
    """Say in a line which value does not fit, and which would."""
    wanted: Any = Settings
    path, field = [], None
    for key in error["loc"]:  # behind the key of a value stand the types that were tried
        if not _is_group(wanted):
            break
        path.append(str(key))
        field = wanted.model_fields[key]
        wanted = field.annotation
    found = error["input"]
    expected = values_text(field) if field else "keys with values"
    is_to_quote = error["type"] == "string_type" and isinstance(found, bool | int | float | date)
    kind = "a date" if isinstance(found, date) else "a number"
    quote = f". Write it in quotes: YAML takes it for {kind}" if is_to_quote else ""
    return f"{'.'.join(path) or 'it'} is {_short(found)}; expected {expected}{quote}"


def _key_text(key: object) -> str:
    text = str(key)
    return text if text.isprintable() and len(text) <= 100 else _short(text)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:99]}…"


def values_text(field: FieldInfo) -> str:
    """Say in words which values a setting takes.

    >>> values_text(Settings.model_fields["on_damage"])
    'mask or fail'
    """
    return _type_text(field.annotation, field.metadata)


def _type_text(wanted: Any, metadata: Sequence[Any]) -> str:
    stated = [one for one in metadata if isinstance(one, str)]
    if stated:
        return stated[0]
    if _is_group(wanted):
        return "keys with values"
    if wanted in (bool, NoneType, str):
        return {bool: "true or false", NoneType: "null", str: "a text"}[wanted]
    if wanted in (int, float):
        return " ".join(["a whole number" if wanted is int else "a number", _range(metadata)])
    if hasattr(wanted, "__metadata__"):  # Annotated
        parts = [part for one in wanted.__metadata__ for part in getattr(one, "metadata", [one])]
        return _type_text(wanted.__origin__, parts)
    if get_origin(wanted) is Literal:
        return " or ".join(map(str, get_args(wanted)))
    return " or ".join(_type_text(one, []) for one in get_args(wanted))


def _range(metadata: Sequence[Any]) -> str:
    words = [
        *(f"above {one.gt}" for one in metadata if isinstance(one, Gt)),
        *(f"from {one.ge}" for one in metadata if isinstance(one, Ge)),
        *(f"to {one.le}" for one in metadata if isinstance(one, Le)),
    ]
    return " ".join(words)
