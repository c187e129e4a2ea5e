"""Column types with the same values in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    LargeBinary,
    Text,
    cast,
    func,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator

from monitor.files.facts import FileSign, NotRead
from monitor.store.sql.json_compression import pack, unpack

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_INSIDE = TypeAdapter[tuple[FileSign, ...] | NotRead](tuple[FileSign, ...] | NotRead)

# Ids are compared byte by byte everywhere, so that the ids of one release form one range of an
# index.
Name = Text().with_variant(Text(collation="C"), "postgresql")


def to_micros(instant: datetime) -> int:
    """Return microseconds since 1970. Raises ValueError for an instant without a zone."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs its zone (got {instant.isoformat()})")
    return (instant - _EPOCH) // _MICRO


@lru_cache(maxsize=1024)
def _from_micros(micros: int) -> datetime:
    """Return an instant.

    It is cached, because a read of a calendar stores the same one in thousands of rows.
    """
    return _EPOCH + timedelta(microseconds=micros)


def database_clock(later: timedelta = timedelta()) -> ColumnElement[datetime]:
    """Return PostgreSQL's own time when it runs the statement, plus `later`, as an `Instant`."""
    micros = cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return type_coerce(micros + later // _MICRO, Instant)


class _Converted(TypeDecorator[T]):
    """A value stored in another form: `to_database` converts it, `from_database` converts it back,
    None if unneeded.
    """

    impl: Any = Text
    to_database: Callable[[Any], Any]
    from_database: Callable[[Any], Any] | None = None

    def __init_subclass__(cls) -> None:
        # SQLAlchemy reads this attribute from each class itself, and ignores an inherited value.
        cls.cache_ok = True

    # With `process_bind_param` and `process_result_value` each value would take three calls, and a
    # start reads a million values.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Return the function that converts a value for the driver."""
        return _in_turn(self.to_database, self.impl_instance.bind_processor(dialect))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return the function that converts a value back, or None if that is not needed."""
        convert_driver_value = self.impl_instance.result_processor(dialect, coltype)
        return _in_turn(convert_driver_value, self.from_database)


def _in_turn(*steps: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """Return a function that makes these two steps with each value but None, or None without
    steps.
    """
    needed = [step for step in steps if step is not None]
    if not needed:
        return None
    first = needed[0]
    if len(needed) == 1:
        return lambda value: None if value is None else first(value)
    second = needed[1]
    return lambda value: None if value is None else second(first(value))


class Instant(_Converted[datetime]):
    """An instant as integer microseconds since 1970: exact, sortable, without a zone.

    Loaded values are in UTC.
    """

    impl = BigInteger
    to_database = staticmethod(to_micros)
    from_database = staticmethod(_from_micros)


class Length(_Converted[timedelta]):
    """A length of time as integer microseconds."""

    impl = BigInteger
    to_database = staticmethod(lambda value: value // _MICRO)
    from_database = staticmethod(lambda value: timedelta(microseconds=value))


def replace_unstorable(text: str) -> str:
    """Return text that a database can store: NUL and half a surrogate pair become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return (
        text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


class Words(_Converted[str]):
    """Text from outside.

    `replace_unstorable` changes it. Otherwise one odd header of a publisher would make a row that
    can never be written.
    """

    to_database = staticmethod(replace_unstorable)


# Pages read the same rows again and again. Comparing a text with itself is faster than with a copy.
_unpacked = lru_cache(maxsize=512)(unpack)


class Packed(_Converted[str]):
    """JSON text, stored compressed."""

    impl = LargeBinary
    to_database = staticmethod(pack)
    from_database = staticmethod(lambda value: _unpacked(bytes(value)))


# `json.dumps` would make an encoder for each value.
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


def _parse_json(text: str) -> dict[str, Any]:
    try:
        # This parser keeps one copy of a string that occurs in many rows.
        parsed: dict[str, Any] = from_json(text)
    except ValueError:
        # Only `json` reads half a surrogate pair, which a publisher or a form may send.
        parsed = json.loads(text)
    return parsed


class Body(_Converted[dict[str, Any]]):
    """A JSON object, stored compressed.

    Storing raises TypeError for values that JSON does not have.
    """

    impl = LargeBinary
    to_database = staticmethod(lambda value: pack(_encode_json(value)))
    from_database = staticmethod(lambda value: _parse_json(unpack(bytes(value))))


class NameList(_Converted[tuple[str, ...]]):
    """A few ids, stored as text with one id on each line."""

    to_database = staticmethod("\n".join)
    from_database = staticmethod(lambda value: tuple(value.splitlines()))


class Inside(_Converted[tuple[FileSign, ...] | NotRead]):
    """The signs of faults inside a file, or why it could not be read, as JSON."""

    to_database = staticmethod(lambda value: replace_unstorable(_INSIDE.dump_json(value).decode()))
    from_database = staticmethod(_INSIDE.validate_json)


class Digest(_Converted[str]):
    """A SHA-256 in hex, stored as 32 bytes, half of its size.

    Storing raises ValueError for text that is not hex.
    """

    impl = LargeBinary
    to_database = staticmethod(bytes.fromhex)
    from_database = staticmethod(lambda value: bytes(value).hex())


class OneOf(_Converted[StrEnum]):
    """A member of an enumeration of words, stored as its word."""

    to_database = staticmethod(str)

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        # SQLAlchemy's statement cache distinguishes two such columns by the attribute with the
        # argument's name.
        self.kind = self.from_database = kind
