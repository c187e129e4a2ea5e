"""Names, addresses and zones as people write them in TOML."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise PydanticCustomError("zone", 'no time zone of that name, write "Europe/London"') from exc
    return name


def _address(url: str) -> str:
    if not re.match(r"https?://[^/\s@]+(/\S*)?$", url):
        raise PydanticCustomError("url", 'not an address, write "https://host/path" without user or password')
    return url


def _hook(url: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url):
        raise PydanticCustomError("url", 'not an address, write "https://host/path"')
    return url


def _mailbox(text: str) -> str:
    if not re.fullmatch(r"[^@]+@[^@\s]+", text):
        raise PydanticCustomError("mailbox", 'not a mail address, write "statistics@example.gov.uk"')
    return text


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise PydanticCustomError("name", "not a name: lower-case letters, digits, dots and dashes")
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Address = Annotated[str, AfterValidator(_address)]
Name = Annotated[str, AfterValidator(_name)]
Hook = Annotated[str, AfterValidator(_hook)]
"""An address that may hold a user and a password: it is never shown."""
Mailbox = Annotated[str, AfterValidator(_mailbox)]
