"""Types of the values in a rehearsal script: local date-times, slots, listed words, expected
JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from schedules.times.json import instant_json
from schedules.values import did_you_mean, read_duration, refuse


def to_utc(value: datetime, zone: str) -> datetime:
    """Return a TOML date-time in UTC. Without an offset it is local time in `zone`.

    Raises `PydanticCustomError` if that local time does not exist or is ambiguous, because the
    clocks change.
    """
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    local = value.replace(tzinfo=ZoneInfo(zone))
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != value:
        raise refuse(f"no such time in {zone}, the clocks skip it")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise refuse(f"comes twice in {zone}, write its offset")
    return local.astimezone(UTC)


def _zone_of_script(info: ValidationInfo) -> str:
    return str((info.context or {}).get("timezone", "Europe/London"))


def _read_instant(value: Any, info: ValidationInfo) -> datetime:  # noqa: ANN401 # any TOML value
    """Return a date-time in UTC. Without an offset it is in the script's timezone."""
    if not isinstance(value, datetime):
        raise refuse("not a date-time, write 2018-01-05T09:30:00")
    return to_utc(value, _zone_of_script(info))


def _read_slot(value: Any, info: ValidationInfo) -> datetime | date | str:  # noqa: ANN401 # as above
    """Return a slot: an instant in UTC, a day, or a text such as "July 2016"."""
    if isinstance(value, datetime):
        return to_utc(value, _zone_of_script(info))
    if isinstance(value, date) or (isinstance(value, str) and value.strip()):
        return value
    raise refuse('not a slot, write 2018-01-05T09:30:00, 2018-01-05 or "July 2016"')


def _read_offset(value: Any) -> timedelta:  # noqa: ANN401 # as above
    """Return a duration that can be negative, such as "-3s"."""
    if isinstance(value, str) and value.startswith("-"):
        return -read_duration(value[1:])
    return read_duration(value)


def _read_file(value: Any, info: ValidationInfo) -> Path:  # noqa: ANN401 # as above
    """Return the path of an existing file, whose name is relative to the script's folder."""
    if not isinstance(value, str) or not value:
        raise refuse("must be the name of a file")
    path = Path((info.context or {}).get("folder", ".")) / value
    if not path.is_file():
        raise refuse("no such file")
    return path


def _to_json_value(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 # any TOML value
    """Return a TOML value as JSON values: times in UTC (local ones are in the script's zone), dates
    as text.
    """
    if isinstance(value, datetime):
        return instant_json(to_utc(value, _zone_of_script(info)))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _to_json_value(inner, info) for key, inner in value.items()}
    if isinstance(value, list):
        return [_to_json_value(inner, info) for inner in value]
    return value


def one_of(words: Iterable[str]) -> BeforeValidator:
    """Return a validator that accepts only these words and suggests the nearest one for another
    word.
    """
    known = tuple(words)

    def check_word(value: Any) -> str:  # noqa: ANN401 # any TOML value
        if isinstance(value, str) and value in known:
            return value
        near = did_you_mean(value, known) if isinstance(value, str) else ""
        raise refuse(f"not known{near}" if near else f"must be one of {', '.join(known)}")

    return BeforeValidator(check_word)


def _read_lag(value: Any) -> timedelta | Literal["never"]:  # noqa: ANN401 # as above
    try:
        return "never" if value == "never" else read_duration(value)
    except PydanticCustomError as exc:
        raise refuse(f'{exc.message()}, or "never"') from exc


Instant = Annotated[datetime, BeforeValidator(_read_instant)]
SlotTime = Annotated[datetime | date | str, PlainValidator(_read_slot)]
Lag = Annotated[timedelta | Literal["never"], BeforeValidator(_read_lag)]
Offset = Annotated[timedelta, BeforeValidator(_read_offset)]
ExistingFile = Annotated[Path, BeforeValidator(_read_file)]
Json = Annotated[Any, BeforeValidator(_to_json_value)]
