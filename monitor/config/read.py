"""Reads `config.toml`, or reports all its faults at once, each as `file: key: reason (got
VALUE)`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from monitor.config.checks import cross_faults
from monitor.config.settings import Settings
from monitor.errors import BadInput, Fault, why_unusable
from schedules.values import describe_toml_fault, did_you_mean, quote_value

M = TypeVar("M", bound=BaseModel)


def read_settings(path: Path) -> Settings:
    """Read and check a configuration file. Raises `BadInput` with every fault in it."""
    return check_settings(load(path), path)


def check_settings(data: Mapping[str, Any], path: Path) -> Settings:
    """Return the configuration in the TOML data of a file. Raises `BadInput` with all faults."""
    settings, faults = validate_data(data, path.name, Settings, {"folder": path.parent})
    between_tables = [
        Fault(path.name, *fault) for fault in cross_faults(data, settings, path.parent)
    ]
    return require_no_fault(settings, faults, between_tables)


def require_no_fault(model: M | None, faults: list[Fault], between_tables: Iterable[Fault]) -> M:
    """Return a validated model. Raises `BadInput` with all faults, if there are any."""
    reported = {fault.key for fault in faults}
    # If a key has both, the second may only follow from the first.
    all_faults = faults + [fault for fault in between_tables if fault.key not in reported]
    if all_faults or model is None:
        raise BadInput(all_faults)
    return model


def validate_data(
    data: Mapping[str, Any], file: str, model: type[M], context: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Fault]]:
    """Return the model of some TOML data, or None and all its faults in the order of its keys.

    `file` is named in them. `context` has the folder to which secret files are relative.
    """
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
        faults = (_faults_of_error(error, data, file, model) for error in errors)
        return None, list(chain.from_iterable(faults))


def load(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises `BadInput` if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as exc:
        why = why_unusable(exc, "write one with `ninethirty init`")
        raise BadInput([Fault(str(path), "", f"cannot be read: {why}")]) from exc
    except UnicodeDecodeError as exc:
        raise BadInput(
            [Fault(path.name, "", f"is not UTF-8 text at byte {exc.start}: save it as UTF-8")]
        ) from exc
    except tomllib.TOMLDecodeError as exc:
        raise BadInput(
            [Fault(path.name, "", f"is not TOML: {describe_toml_fault(exc)}{_suggest_array(exc)}")]
        ) from exc
    except (RecursionError, ValueError) as exc:
        # tomllib's limits: too many nested tables, or thousands of digits.
        raise BadInput(
            [Fault(path.name, "", "is not TOML that can be read: too deep, or a number too long")]
        ) from exc


def _suggest_array(fault: tomllib.TOMLDecodeError) -> str:
    """Return how to write a table of which there may be several, if it is declared twice."""
    declared = re.match(r"Cannot declare \('(\w+)',\) twice", str(fault))
    field = Settings.model_fields.get(declared[1]) if declared else None
    if declared is None or field is None or get_origin(field.annotation) is not list:
        return ""
    return f": write [[{declared[1]}]] for each"


def _faults_of_error(
    error: Mapping[str, Any], data: Mapping[str, Any], file: str, model: type[BaseModel]
) -> list[Fault]:
    """Convert one error of pydantic into faults of the file."""
    # from our own check of a table
    is_of_table = error["type"] == "keys"
    place, value = _find_place(error["loc"], data, is_of_table=is_of_table)
    if is_of_table:
        table = _write_path(place)
        faults = error["ctx"]["faults"]
        return [
            Fault(file, f"{table}.{key}" if key else table, reason, quoted)
            for key, reason, quoted in faults
        ]
    # pydantic only says which table, and quotes the key: 'kind'
    if error["type"] == "union_tag_invalid":
        key_of_kind = str(error["ctx"]["discriminator"]).strip("'")
        place.append(key_of_kind)
        value = _child_of(value, key_of_kind)
    reason = _explain_error(error, place, value, model)
    has_no_value = error["type"] in {"missing", "union_tag_not_found"}
    is_hidden = has_no_value or _is_secret_in_file(error) or is_private(place)
    return [Fault(file, _write_path(place), reason, None if is_hidden else quote_value(value))]


def _is_secret_in_file(error: Mapping[str, Any]) -> bool:
    """Return whether a secret is written in the file itself, not its place."""
    return (error["type"], error.get("ctx", {}).get("class_name")) == ("model_type", "Secret")


def _find_place(
    loc: Sequence[str | int],
    data: Any,  # noqa: ANN401 # any TOML value
    *,
    is_of_table: bool,
) -> tuple[list[str | int], Any]:
    """Return pydantic's location `loc` as a path of keys in the file, and the value there, if any.

    In a union of tables, pydantic adds the kind as a tag, which is left out. The location of a
    whole table (`is_of_table`) may end with one.
    """
    place: list[str | int] = []
    value = data
    for position, step in enumerate(loc):
        # Only the last key can be absent from the file, so any other is such a tag.
        may_be_tag = is_of_table or position < len(loc) - 1
        is_tag = isinstance(value, Mapping) and step not in value and may_be_tag
        if not is_tag:
            place.append(step)
            value = _child_of(value, step)
    return place, value


def _child_of(value: Any, step: str | int) -> Any:  # noqa: ANN401 # any TOML value
    """Return the value at a key of a table, or at a position of a list. None: it has none."""
    if isinstance(value, Mapping):
        return value.get(str(step))
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _write_path(place: Sequence[str | int]) -> str:
    """Return a path such as `calendar[2].kind`: of the second `[[calendar]]`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += f".{step}" if re.fullmatch(r"[\w-]+", step) else f'."{step}"'
    return text.removeprefix(".")


_REMOVED = {
    "store.compact_after": "is no longer a key, remove it: old releases keep their few rows",
    "store.mode": (
        "is no longer a key, remove it: of the monitors on one PostgreSQL one leads and looks, and"
        " the others stand by"
    ),
    "store.journal": (
        "is no longer a key, remove it, or write `spool`: while the store fails, looks are kept in"
        " the folder of the spool"
    ),
}
"""Keys of earlier versions, and what replaced them."""
_REASONS = {
    "missing": "must be given",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "date_type": "must be a date, write 2026-11-26 without quotes",
    "list_type": "must be a list in [ ]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "kind must be given",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must not be empty",
}
"""By type of pydantic's error."""


def _explain_error(
    error: Mapping[str, Any], place: Sequence[str | int], value: object, model: type[BaseModel]
) -> str:
    """Return what is wrong with a `value`, and what to write instead, if that can be guessed."""
    if error["type"] == "extra_forbidden":
        if (removed := _REMOVED.get(_write_path(place))) is not None:
            return removed
        known = list(dict.fromkeys(_keys_at(model, error["loc"][:-1])))
        suggested = _suggest_name(str(place[-1]), known)
        if not suggested and len(known) <= _MOST_KEYS_LISTED:
            suggested = f", there are {', '.join(known)}"
        return f"unknown key{suggested}"
    if _is_secret_in_file(error):
        return (
            'must name a place, {env = "NAME"} or {file = "PATH"}: a secret is never written here'
        )
    if error["type"] == "list_type" and isinstance(value, Mapping):
        return f"must be a list of tables, write [[{_write_path(place)}]]"
    reason = (
        _REASONS[error["type"]].format_map(error.get("ctx", {}))
        if error["type"] in _REASONS
        else error["msg"]
    )
    if error["type"] in {"literal_error", "union_tag_invalid"} and isinstance(value, str):
        # These reasons quote every permitted value.
        permitted = re.findall(r"'([^']+)'", reason)
        return reason + _suggest_name(value, permitted)
    return reason


def _suggest_name(name: str, known: Sequence[str]) -> str:
    """Return the most similar known name, as the end of a reason, "" if none is."""
    meant = _OTHER_NAMES.get(name.lower())
    return f", use {meant} for {name}" if meant in known else did_you_mean(name, known)


_SERVICES = ("teams", "msteams", "slack", "discord", "telegram", "ntfy", "matrix", "sms")
_OTHER_NAMES = dict.fromkeys(_SERVICES, "apprise") | {
    "organisations": "filters",
    "port": "listen",
    "email": "mail",
    "e-mail": "mail",
    "smtp": "mail",
    "server": "host",
    "hostname": "host",
    "from": "sender",
    "username": "user",
    "login": "user",
    "recipients": "to",
    "interval": "every",
    "path": "file",
    "gov-notify": "notify",
    "govuk-notify": "notify",
    "http": "webhook",
}
"""What people call kinds of channel and keys, and our name."""
_MOST_KEYS_LISTED = 12


def _keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Return the keys that the table at `loc` can have, of every kind if its own is not known."""
    # `loc` has keys, positions and kinds, such as ("channel", 0, "email"). `candidates` are the
    # fields by key of each table that may be meant.
    candidates = [_fields_by_key(model)]
    for step in map(str, loc):
        fields = [table[step] for table in candidates if step in table]
        if fields:  # the step is a key
            tables = chain.from_iterable(_tables_in(field.annotation) for field in fields)
            candidates = list(map(_fields_by_key, tables))
        else:
            of_kind = [
                one
                for one in candidates
                if "kind" in one and step in get_args(one["kind"].annotation)
            ]
            # No kind, but a position or a name that the user chose: all candidates remain.
            candidates = of_kind or candidates
    return list(chain.from_iterable(candidates))


def _fields_by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _tables_in(annotation: object) -> list[type[BaseModel]]:
    """Return every table in the type of a field, such as those in a list or a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return list(chain.from_iterable(map(_tables_in, get_args(annotation))))


_SECRET_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "key",
    "apikey",
    "credentials",
    "auth",
)
_PUBLIC_KEYS_OF_CHANNEL = {
    "kind",
    "name",
    "every",
    "host",
    "port",
    "security",
    "user",
    "sender",
    "to",
    "folder",
    "template",
    "ca_file",
}


def is_private(place: Sequence[str | int]) -> bool:
    """Return whether the value at this place may be a secret, which messages must not quote."""
    names = [step for step in place if isinstance(step, str)]
    # The whole address of a channel can be a secret.
    if names[:1] in (["channel"], ["deadman"]) and not _PUBLIC_KEYS_OF_CHANNEL.issuperset(
        names[1:]
    ):
        return True
    words = re.split(r"[^a-z]+", " ".join(names).lower())
    # An unknown key's fault quotes its value, so misspelt ones count too.
    return any(difflib.get_close_matches(word, _SECRET_WORDS, n=1, cutoff=0.8) for word in words)
