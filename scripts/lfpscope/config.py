"""The configuration: read from its file and the command line, and checked before any job."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from lfpscope.errors import UserError
from lfpscope.io.secrets import check_secrets

PATHS = ("sessions", "results", "cache")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


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


def parse_arguments(arguments: Iterable[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read ``key=value`` of --config as what the schema wants; Snakemake itself guesses.

    >>> parse_arguments(["results=2026_11_24"], {"properties": {"results": {"type": "string"}}})
    {'results': '2026_11_24'}
    """
    pairs = (argument.partition("=") for argument in arguments)
    known = schema["properties"]
    return {key: _typed(text, known.get(key, {})) for key, _, text in pairs}


def _typed(text: Any, schema: Mapping[str, Any]) -> Any:
    """Read a text as one of the types that a schema wants; as text where it is none of these."""
    if isinstance(text, dict):
        known = schema.get("properties", {})
        return {key: _typed(value, known.get(key, {})) for key, value in text.items()}
    if not isinstance(text, str):
        return text
    kinds = _types(schema)
    if "object" in kinds:
        found = _parse(text, yaml.BaseLoader)
        return _typed(found, schema) if isinstance(found, dict) else text
    if "null" in kinds and text in ("null", "~", ""):
        return None
    if "boolean" in kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind, read in (("integer", int), ("number", float)):
        if {kind, "number"} & kinds and re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", text, re.I):
            try:
                return read(text)
            except ValueError:
                continue
    return text


def _parse(text: str, loader: Any) -> Any:
    try:
        return yaml.load(text, loader)  # noqa: S506 - BaseLoader makes nothing but texts
    except yaml.YAMLError:
        return text


def _types(schema: Mapping[str, Any]) -> set[str]:
    stated = schema.get("type", [])
    kinds = {stated} if isinstance(stated, str) else set(stated)
    values = [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    kinds |= {NAMES[type(value)] for value in values}
    return kinds.union(*map(_types, schema.get("anyOf", [])))


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


def check_settings(settings: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with all defaults, and each path as it is meant.

    Raises
    ------
    UserError
        If one does not fit the schema: in one line.
    """
    error = next(Draft202012Validator(schema).iter_errors(settings), None)
    if error:
        raise UserError(f"configuration: {_describe(error)}")
    complete = merge(_defaults(schema), settings)
    for key in PATHS:
        if SCHEME.match(complete[key]):
            raise UserError(
                f"configuration: {key} is {complete[key]!r}; expected a path on a disk. "
                "Only `location` and allen.mirror may be addresses."
            )
        complete[key] = os.path.expanduser(complete[key])  # noqa: PTH111
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


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _defaults(one) if "properties" in one else one.get("default")
        for key, one in schema["properties"].items()
    }


def _describe(error: ValidationError) -> str:
    """Say in a line what a ValidationError of jsonschema is about."""
    key = ".".join(map(str, error.absolute_path))
    known = error.schema.get("properties", {})
    if error.validator == "additionalProperties":
        unknown = ", ".join(str(name) for name in error.instance if name not in known)
        return f"unknown key {unknown} in {key or 'it'}; known are {', '.join(known)}"
    found = error.instance
    number = isinstance(found, int | float) and not isinstance(found, bool)
    quoted = ". Write it in quotes: YAML takes it for a number"
    is_to_quote = number and error.validator == "type" and "string" in _types(error.schema)
    expected = error.schema.get("description", "keys with values")
    return f"{key or 'it'} is {found!r}; expected {expected}" + (quoted if is_to_quote else "")
