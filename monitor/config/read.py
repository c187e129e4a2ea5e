"""Reads `config.toml`, or reports all its faults at once, each as `file: key: reason (got VALUE)`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from monitor.config.checks import cross_faults
from monitor.config.settings import Settings
from monitor.errors import BadInput, Fault, why_unusable
from schedules.values import quote_value

M = TypeVar("M", bound=BaseModel)
_Node = TypeVar("_Node", bound=Mapping[str, Any])


def read_settings(path: Path) -> Settings:
    """Read and check a configuration file. Raises `BadInput` with every fault in it."""
    data = load(path)
    settings, faults = validated(data, path.name, Settings, path.parent)
    reported = {fault.key for fault in faults}
    # A fault between tables may only follow from a fault of the same key in its own table, so it is left out.
    between_tables = [Fault(path.name, *fault) for fault in cross_faults(data, settings, path.parent)]
    faults += [fault for fault in between_tables if fault.key not in reported]
    if faults or settings is None:
        raise BadInput(faults)
    return settings


def validated(
    data: Mapping[str, Any], file: str, model: type[M], folder: Path | None = None
) -> tuple[M | None, list[Fault]]:
    """Return the model of some TOML data, or None and all its faults. Secret files are relative to `folder`.

    `file` is the name of the file in the faults.
    """
    try:
        return model.model_validate(data, context={"folder": folder}), []
    except ValidationError as exc:
        return None, faults_of(exc, data, file, model)


def load(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises `BadInput` if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as exc:
        why = why_unusable(exc, "write one with `ninethirty init`")
        raise BadInput([Fault(str(path), "", f"cannot be read: {why}")]) from exc
    except UnicodeDecodeError as exc:
        raise BadInput([Fault(path.name, "", f"is not UTF-8 text at byte {exc.start}")]) from exc
    except tomllib.TOMLDecodeError as exc:
        raise BadInput([Fault(path.name, "", f"is not TOML: {exc}")]) from exc
    except (RecursionError, ValueError) as exc:
        # Limits of tomllib: too many nested tables, or a number of thousands of digits.
        raise BadInput([Fault(path.name, "", "is not TOML that can be read: too deep, or a number too long")]) from exc


def faults_of(exc: ValidationError, data: Mapping[str, Any], file: str, model: type[BaseModel]) -> list[Fault]:
    """Return every fault of a validation in words, in the order of the keys of the model."""
    return [fault for error in exc.errors(include_url=False) for fault in _faults_of_error(error, data, file, model)]


def _faults_of_error(
    error: Mapping[str, Any], data: Mapping[str, Any], file: str, model: type[BaseModel]
) -> list[Fault]:
    """Convert one error of pydantic into faults. One of the type `keys` is from our own checks, and has several."""
    place = _key_path(error["loc"], data)
    if error["type"] == "union_tag_invalid":
        # The location is that of the table. At fault is its key that names the kind.
        place.append(str(error["ctx"]["discriminator"]).strip("'"))
    if error["type"] == "keys":
        table = _write_path(place)
        faults = error["ctx"]["faults"]
        return [Fault(file, f"{table}.{key}" if key else table, reason, value) for key, reason, value in faults]
    reason = _reason(error, place, data, model)
    has_no_value = error["type"] in {"missing", "union_tag_not_found"}
    is_hidden = has_no_value or _is_written_secret(error) or is_private(place)
    return [Fault(file, _write_path(place), reason, None if is_hidden else quote_value(_lookup(data, place)))]


def _is_written_secret(error: Mapping[str, Any]) -> bool:
    """Return whether the fault is a secret that is written in the file itself, where a table must name its place."""
    return (error["type"], error.get("ctx", {}).get("class_name")) == ("model_type", "Secret")


def _key_path(loc: Sequence[str | int], data: Any) -> list[str | int]:  # noqa: ANN401 # any TOML value
    """Return a location of pydantic as keys of the file, without the tag that pydantic adds for a union."""
    place: list[str | int] = []
    value = data
    for position, step in enumerate(loc):
        # Only the last key can be absent. Any other that is absent is such a tag.
        is_tag = isinstance(value, Mapping) and step not in value and position < len(loc) - 1
        if not is_tag:
            place.append(step)
            value = _child_of(value, step)
    return place


def _child_of(value: Any, step: str | int) -> Any:  # noqa: ANN401 # any TOML value
    """Return the value at a key of a table, or at a position of a list. None: it has none."""
    if isinstance(value, Mapping):
        return value.get(str(step))
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _lookup(data: Any, place: Sequence[str | int]) -> Any:  # noqa: ANN401 # any TOML value
    """Return the value at a path of keys and positions, or None if there is none."""
    for step in place:
        data = _child_of(data, step)
    return data


def _write_path(place: Sequence[str | int]) -> str:
    """Return a path as people read it: `calendar[2].kind` is the key `kind` of the second `[[calendar]]`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += f".{step}" if re.fullmatch(r"[\w-]+", step) else f'."{step}"'
    return text.removeprefix(".")


_REASONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "must be given",
    "string_type": lambda _: "must be text in quotes",
    "int_type": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "date_type": lambda _: "must be a date, write 2026-11-26 without quotes",
    "list_type": lambda _: "must be a list in [ ]",
    "dict_type": lambda _: "must be a table",
    "model_type": lambda _: "must be a table",
    "literal_error": lambda ctx: f"must be one of {ctx['expected']}",
    "union_tag_invalid": lambda ctx: f"must be one of {ctx['expected_tags']}",
    "union_tag_not_found": lambda _: "kind must be given",
    "greater_than_equal": lambda ctx: f"must be at least {ctx['ge']}",
    "less_than_equal": lambda ctx: f"must be at most {ctx['le']}",
    "too_short": lambda _: "must not be empty",
}
"""A reason for each type of error of pydantic, from the context of the error."""


def _reason(
    error: Mapping[str, Any], place: Sequence[str | int], data: Mapping[str, Any], model: type[BaseModel]
) -> str:
    """Return in words what is wrong, and what to write instead if that can be guessed."""
    if error["type"] == "extra_forbidden":
        return "unknown key" + _suggest(str(place[-1]), _keys_at(model, error["loc"][:-1]))
    if _is_written_secret(error):
        return 'must name a place, {env = "NAME"} or {file = "PATH"}: a secret is never written here'
    if error["type"] == "list_type" and isinstance(_lookup(data, place), Mapping):
        return f"must be a list of tables, write [[{_write_path(place)}]]"
    write_reason = _REASONS.get(error["type"])
    reason = write_reason(error.get("ctx", {})) if write_reason else str(error["msg"])
    value = _lookup(data, place)
    # These reasons of pydantic quote every permitted value.
    choices = re.findall(r"'([^']+)'", reason) if error["type"] in {"literal_error", "union_tag_invalid"} else []
    return reason + (_suggest(value, choices) if isinstance(value, str) else "")


def _suggest(name: str, known: Sequence[str]) -> str:
    """Return the known name that was probably meant, as the end of a reason, or "" if none is similar."""
    meant = _KIND_OF_SERVICE.get(name.lower())
    if meant in known:
        return f", use {meant} for {name}"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f", did you mean {close[0]}?" if close else ""


_SERVICES = ("teams", "msteams", "slack", "discord", "telegram", "ntfy", "matrix", "sms")
_KIND_OF_SERVICE = dict.fromkeys(_SERVICES, "apprise") | {
    "email": "mail",
    "e-mail": "mail",
    "smtp": "mail",
    "gov-notify": "notify",
    "govuk-notify": "notify",
    "http": "webhook",
}
"""Other names for kinds of channel, and the kind that is meant."""


def _keys_at(model: Any, loc: Sequence[str | int]) -> list[str]:  # noqa: ANN401 # walks a JSON schema
    """Return the keys that the table at `loc` can have, by the JSON Schema of the model."""
    schema = model.model_json_schema()
    defs = schema.get("$defs", {})
    nodes = [schema]
    for step in loc:
        nodes = [found for node in nodes for found in _child_nodes(follow_reference(node, defs), step, defs)]
    tables = [choice for node in nodes for choice in _choices(follow_reference(node, defs), defs)]
    return [key for table in tables for key in table.get("properties", {})]


def _choices(node: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return each choice of a union, or the node itself if it is not one."""
    choices = [follow_reference(choice, defs) for choice in node.get("anyOf", node.get("oneOf", []))]
    return choices or [node]


def follow_reference(node: _Node, defs: Mapping[str, Any]) -> _Node:
    """Return a node of a JSON Schema, or the definition that it refers to."""
    while "$ref" in node:
        node = defs[node["$ref"].rsplit("/", 1)[-1]]
    return node


def _child_nodes(node: Mapping[str, Any], step: str | int, defs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the nodes of a JSON Schema below `node` for a key, a position of a list, or the kind of a union."""
    choices = _choices(node, defs)
    if choices != [node]:  # a union: the step is the `kind` of one choice, or else a key or position in any of them
        of_kind = [choice for choice in choices if choice.get("properties", {}).get("kind", {}).get("const") == step]
        return of_kind or [found for choice in choices for found in _child_nodes(choice, step, defs)]
    if isinstance(step, int):
        return [node["items"]] if "items" in node else []
    if step in node.get("properties", {}):
        return [node["properties"][step]]
    extra = node.get("additionalProperties")
    return [extra] if isinstance(extra, Mapping) else []


_SECRET_WORDS = ("password", "passwd", "passphrase", "secret", "token", "key", "apikey", "credentials", "auth")
_PUBLIC_KEYS_OF_CHANNEL = {"kind", "name", "every", "host", "port", "security", "user", "sender", "to", "folder",
                           "template", "ca_file"}  # fmt: skip


def is_private(place: Sequence[str | int]) -> bool:
    """Return whether the value at this place may be a secret, which messages must not quote."""
    names = [step for step in place if isinstance(step, str)]
    # The whole address of a channel can be a secret.
    if names[:1] in (["channel"], ["deadman"]) and not _PUBLIC_KEYS_OF_CHANNEL.issuperset(names[1:]):
        return True
    words = [word for name in names for word in re.split(r"[^a-z]+", name.lower())]
    # A misspelt key counts too, because the fault of an unknown key quotes its value.
    return any(difflib.get_close_matches(word, _SECRET_WORDS, n=1, cutoff=0.8) for word in words)
