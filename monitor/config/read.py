"""TOML to settings, every fault in one go, each as `file: key: reason (got VALUE)`."""

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
from monitor.errors import BadInput, Fault
from schedules.values import shown

M = TypeVar("M", bound=BaseModel)


def read_settings(path: Path) -> Settings:
    """Read and check a configuration file. Raises `BadInput` with every fault in it."""
    data = load(path)
    settings, faults = validated(data, path.name, Settings, path.parent)
    told = {fault.key for fault in faults}
    found = [Fault(path.name, *each) for each in cross_faults(data, settings, path.parent)]
    faults += [fault for fault in found if fault.key not in told]
    if faults or settings is None:
        raise BadInput(faults)
    return settings


def validated(
    data: Mapping[str, Any], file: str, model: type[M], folder: Path | None = None
) -> tuple[M | None, list[Fault]]:
    """Return the model that data make, or None and every fault of theirs; relative secrets start at `folder`."""
    try:
        return model.model_validate(data, context={"folder": folder}), []
    except ValidationError as exc:
        return None, faults_of(exc, data, file, model)


def load(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises `BadInput` when it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as exc:
        remedy = ": write one with `ninethirty init`" if isinstance(exc, FileNotFoundError) else ""
        raise BadInput([Fault(str(path), "", f"cannot be read: {exc.strerror}{remedy}")]) from exc
    except UnicodeDecodeError as exc:
        raise BadInput([Fault(path.name, "", f"is not UTF-8 text at byte {exc.start}")]) from exc
    except tomllib.TOMLDecodeError as exc:
        raise BadInput([Fault(path.name, "", f"is not TOML: {exc}")]) from exc
    except (RecursionError, ValueError) as exc:
        # tomllib's own limits: tables within tables without end, numbers of thousands of digits.
        raise BadInput([Fault(path.name, "", "is not TOML that can be read: too deep, or a number too long")]) from exc


def faults_of(exc: ValidationError, data: Mapping[str, Any], file: str, model: type[BaseModel]) -> list[Fault]:
    """Return every fault of a validation in words, in the order of the file's keys."""
    return [fault for error in exc.errors(include_url=False) for fault in _faults(error, data, file, model)]


def _faults(error: Mapping[str, Any], data: Mapping[str, Any], file: str, model: type[BaseModel]) -> list[Fault]:
    place = _place(error["loc"], data)
    if error["type"] == "union_tag_invalid":
        place.append(str(error["ctx"]["discriminator"]).strip("'"))
    if error["type"] == "keys":
        table = _written(place)
        faults = error["ctx"]["faults"]
        return [Fault(file, f"{table}.{key}" if key else table, reason, value) for key, reason, value in faults]
    reason = _reason(error, place, data, model)
    hidden = error["type"] in {"missing", "union_tag_not_found"} or _is_secret(error) or is_private(place)
    return [Fault(file, _written(place), reason, None if hidden else shown(_lookup(data, place)))]


def _is_secret(error: Mapping[str, Any]) -> bool:
    return (error["type"], error.get("ctx", {}).get("class_name")) == ("model_type", "Secret")


def _place(loc: Sequence[str | int], data: Any) -> list[str | int]:  # noqa: ANN401 # whatever the TOML holds
    """Drop from a location what pydantic adds of its own (the tag of a union), so that it names keys of the file."""
    place: list[str | int] = []
    here = data
    for position, step in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(here, Mapping) and step not in here and not last:
            continue
        place.append(step)
        here = _step(here, step)
    return place


def _step(here: Any, step: str | int) -> Any:  # noqa: ANN401 # whatever the TOML holds
    if isinstance(here, Mapping):
        return here.get(str(step))
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return None


def _lookup(data: Any, place: Sequence[str | int]) -> Any:  # noqa: ANN401 # whatever the TOML holds
    for step in place:
        data = _step(data, step)
    return data


def _written(place: Sequence[str | int]) -> str:
    """Write a place as people read it: `calendar[2].kind` is the key `kind` of the second `[[calendar]]`."""
    text = ""
    for step in place:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{_key(step)}"
    return text.removeprefix(".")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
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


def _reason(
    error: Mapping[str, Any], place: Sequence[str | int], data: Mapping[str, Any], model: type[BaseModel]
) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key" + _meant(str(place[-1]), _keys_at(model, error["loc"][:-1]))
    if _is_secret(error):
        return 'must name a place, {env = "NAME"} or {file = "PATH"}: a secret is never written here'
    if error["type"] == "list_type" and isinstance(_lookup(data, place), Mapping):
        return f"must be a list of tables, write [[{_written(place)}]]"
    word = _WORDS.get(error["type"])
    told = word(error.get("ctx", {})) if word else str(error["msg"])
    value = _lookup(data, place)
    choices = re.findall(r"'([^']+)'", told) if error["type"] in {"literal_error", "union_tag_invalid"} else []
    return told + (_meant(value, choices) if isinstance(value, str) else "")


def _meant(name: str, known: Sequence[str]) -> str:
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
"""What people call a kind of channel, and the kind that sends there."""


def _keys_at(model: Any, loc: Sequence[str | int]) -> list[str]:  # noqa: ANN401 # walks a JSON schema
    """Return the keys that the table at `loc` may have, read from the model's JSON schema."""
    schema = model.model_json_schema()
    defs = schema.get("$defs", {})
    nodes = [schema]
    for step in loc:
        nodes = [found for node in nodes for found in _inside(_resolved(node, defs), step, defs)]
    tables = [choice for node in nodes for choice in _choices(_resolved(node, defs), defs)]
    return [key for table in tables for key in table.get("properties", {})]


def _choices(node: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a node may be: each choice of a union, or the node itself."""
    choices = [_resolved(choice, defs) for choice in node.get("anyOf", node.get("oneOf", []))]
    return choices or [node]


def _resolved(node: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = defs[node["$ref"].rsplit("/", 1)[-1]]
    return node


def _inside(node: Mapping[str, Any], step: str | int, defs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = _choices(node, defs)
    if choices != [node]:
        tagged = [choice for choice in choices if choice.get("properties", {}).get("kind", {}).get("const") == step]
        return [*tagged] or [found for choice in choices for found in _inside(choice, step, defs)]
    if isinstance(step, int):
        return [node["items"]] if "items" in node else []
    if step in node.get("properties", {}):
        return [node["properties"][step]]
    extra = node.get("additionalProperties")
    return [extra] if isinstance(extra, Mapping) else []


_SECRETS = ("password", "passwd", "passphrase", "secret", "token", "key", "apikey", "credentials", "auth")
# Of a channel, whose addresses can be secrets as a whole, only these are ever quoted.
_PLAIN = {"kind", "name", "every", "host", "port", "security", "user", "sender", "to", "folder", "template", "ca_file"}


def is_private(place: Sequence[str | int]) -> bool:
    """Tell whether what stands at a place of a configuration may be a secret, so that it must not be quoted."""
    names = [step for step in place if isinstance(step, str)]
    if names[:1] in (["channel"], ["deadman"]) and not _PLAIN.issuperset(names[1:]):
        return True
    return any(_sounds_secret(name) for name in names)


def _sounds_secret(name: str) -> bool:
    # Misspelt ones too: that is when a fault quotes them.
    words = re.split(r"[^a-z]+", name.lower())
    return any(difflib.get_close_matches(word, _SECRETS, n=1, cutoff=0.8) for word in words)
