"""What goes to a worker and comes back: anything goes out, but only plain facts of ours are taken in."""

from __future__ import annotations

import io
import pickle
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from importlib import import_module
from typing import Any


def _member(kind: object, name: str) -> Enum:
    """Return a member of an enumeration by its name: Python before 3.11.4 packs one as what `getattr` returns."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[name]
    raise Refused(f"a reply must not ask for {name}")


_TIMES = (date, datetime, time, timedelta, timezone)
_PLAIN: dict[tuple[str, str], Any] = {("datetime", kind.__name__): kind for kind in _TIMES} | {
    ("builtins", "frozenset"): frozenset,
    ("builtins", "set"): set,
    ("builtins", "getattr"): _member,
}
_OURS = ("schedules.", "monitor.look.")


class Refused(pickle.UnpicklingError):
    """A reply that holds something besides plain facts."""


class _Plain(pickle.Unpickler):
    """Makes values, enumerations and data classes of ours and calls nothing else: a worker may be taken over."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  # of the base class
        """Return a class that may be made; raises `Refused` for any other thing."""
        plain = _PLAIN.get((module, name))
        if plain is not None:
            return plain
        if module.startswith(_OURS) and name.isidentifier():
            kind = getattr(import_module(module), name, None)
            if isinstance(kind, type) and kind.__module__ == module and (is_dataclass(kind) or issubclass(kind, Enum)):
                return kind
        raise Refused(f"a reply must not hold {module}.{name}")


def packed(value: object) -> bytes:
    """Return a value as bytes."""
    return pickle.dumps(value, protocol=5)


def unpacked(parcel: bytes) -> Any:  # noqa: ANN401  # whatever was packed
    """Return what was packed, if it is made of plain facts; raises `Refused`, or what a damaged parcel raises."""
    return _Plain(io.BytesIO(parcel)).load()
