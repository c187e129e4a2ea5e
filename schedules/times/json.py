"""Models as JSON, and time values as JSON and back: RFC 3339 instants with `Z`, intervals and
bounds as objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal, overload

from pydantic import AfterValidator, AwareDatetime

from schedules.times.interval import Bounds, Interval

Precision = Literal["seconds", "milliseconds"]
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""An aware instant, in UTC if a model reads it from JSON."""

Json = dict[str, Any]
"""A JSON object."""


@overload
def instant_json(instant: datetime, precision: Precision = ...) -> str: ...
@overload
def instant_json(instant: None, precision: Precision = ...) -> None: ...
@overload
def instant_json(instant: datetime | None, precision: Precision = ...) -> str | None: ...
def instant_json(instant: datetime | None, precision: Precision = "milliseconds") -> str | None:
    """Return an aware instant as RFC 3339 with offset `Z`, cut to `precision`. None for None."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def instant_from_json(text: str | None) -> datetime | None:
    """Return the instant of an RFC 3339 text, None for None. Raises ValueError."""
    if text is None:
        return None
    return datetime.fromisoformat(text)


def interval_json(interval: Interval) -> Json:
    """Return an interval as JSON. A limit that is not known is null."""
    return {"after": instant_json(interval.after), "by": instant_json(interval.by)}


def interval_from_json(sides: Mapping[str, Any]) -> Interval:
    """Return the interval that `interval_json` wrote."""
    return Interval(instant_from_json(sides["after"]), instant_from_json(sides["by"]))


def bounds_json(bounds: Bounds | None) -> Json | None:
    """Return bounds in seconds as JSON, null for None."""
    if bounds is None:
        return None
    return {"min": bounds.min, "max": bounds.max}


def bounds_from_json(sides: Mapping[str, Any] | None) -> Bounds | None:
    """Return the bounds that `bounds_json` wrote."""
    if sides is None:
        return None
    return Bounds(sides["min"], sides["max"])


def fields_json(model: object, *names: str) -> Json:
    """Return the fields of a model with these names as JSON, in this order."""
    shown = {}
    for name in names:
        value = getattr(model, name)
        # Most are plain, and a call for each of the millions in a large calendar takes seconds.
        shown[name] = value if type(value) in _PLAIN else _value_json(value)
    return shown


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types whose values are JSON already."""
_CONVERTERS: Mapping[type[Any], Callable[[Any], Any]] = {
    datetime: instant_json,
    Interval: interval_json,
    Bounds: bounds_json,
}


def _value_json(value: Any) -> Any:  # noqa: ANN401 # any field of a model
    """Return the value of a field as JSON. A model in it needs a method `as_json`."""
    convert = _CONVERTERS.get(type(value))
    if convert is not None:
        return convert(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_value_json(each) for each in value]
    return value.as_json() if hasattr(value, "as_json") else value
