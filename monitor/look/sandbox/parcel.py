"""Packs messages to and from a worker. A reply may contain only plain values, our enumerations and data classes."""

from __future__ import annotations

import io
import pickle
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from importlib import import_module
from typing import Any


def _enum_member(kind: object, name: str) -> Enum:
    """Return a member of an enumeration by its name. Python before 3.11.4 pickles a member as a call of `getattr`."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[name]
    raise RefusedReply(f"a reply must not request {name}")


_TIMES = (date, datetime, time, timedelta, timezone)
_PLAIN: dict[tuple[str, str], Any] = {("datetime", kind.__name__): kind for kind in _TIMES} | {
    ("builtins", "frozenset"): frozenset,
    ("builtins", "set"): set,
    ("builtins", "getattr"): _enum_member,
}
_OURS = ("schedules.", "monitor.look.")


class RefusedReply(pickle.UnpicklingError):
    """A reply that contains something besides plain values."""


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles only the types that a reply may contain, because hostile bytes may have taken control of a worker."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  # of the base class
        """Return the class with this name, if a reply may contain it. Raises `RefusedReply` for any other."""
        plain = _PLAIN.get((module, name))
        if plain is not None:
            return plain
        if module.startswith(_OURS) and name.isidentifier():
            kind = getattr(import_module(module), name, None)
            if isinstance(kind, type) and kind.__module__ == module and (is_dataclass(kind) or issubclass(kind, Enum)):
                return kind
        raise RefusedReply(f"a reply must not contain {module}.{name}")


def pack(value: object) -> bytes:
    """Return a value as bytes."""
    return pickle.dumps(value, protocol=5)


def unpack(parcel: bytes) -> Any:  # noqa: ANN401  # whatever was packed
    """Return a packed value. Raises `RefusedReply`, or any of `process._DAMAGED` for damaged bytes."""
    return _PlainUnpickler(io.BytesIO(parcel)).load()
