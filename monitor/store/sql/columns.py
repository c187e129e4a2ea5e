"""Column types: one value, the same in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from monitor.store.sql.json_compression import pack, unpack

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)

# Ids are compared byte by byte everywhere, so that the ids of one release form one range of an index.
Name = Text().with_variant(Text(collation="C"), "postgresql")


def to_micros(instant: datetime) -> int:
    """Return microseconds since 1970; raises ValueError for an instant without a zone."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs its zone (got {instant.isoformat()})")
    return (instant - _EPOCH) // _MICRO


class Instant(TypeDecorator[datetime]):
    """An instant as integer microseconds since 1970: exact, ordered, and free of any database's own idea of zones.

    What is loaded is in UTC.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Length(TypeDecorator[timedelta]):
    """A length of time as integer microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        return None if value is None else value // _MICRO

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(microseconds=value)


class Words(TypeDecorator[str]):
    """Text that came from outside. What a database cannot hold (NUL, half a surrogate pair) becomes U+FFFD.

    Without this one odd header of a publisher would make a row that can never be written.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Packed(TypeDecorator[str]):
    """JSON text, packed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else pack(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else unpack(bytes(value))


class Body(TypeDecorator[dict[str, Any]]):
    """A JSON object, packed. Storing raises TypeError for what JSON cannot say."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else pack(json.dumps(value, separators=(",", ":")))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(unpack(bytes(value)))


class Names(TypeDecorator[tuple[str, ...]]):
    """A few ids, one a line."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else "\n".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(value.splitlines())


class Digest(TypeDecorator[str]):
    """A SHA-256 in hex, stored as its 32 bytes: half the room, in the table that has two of them a row.

    Storing raises ValueError for what is no hex.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else bytes(value).hex()


class OneOf(TypeDecorator[StrEnum]):
    """A member of an enumeration of words, as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.kind(value)
