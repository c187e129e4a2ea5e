"""Values as people write them in TOML: durations, rates, times of day, secrets."""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schedules.times.zone import zone


def refuse(message: str) -> PydanticCustomError:
    """Return a fault that pydantic reports with exactly this message."""
    return PydanticCustomError("value", message)


def _must_pass(check: Callable[[Any], object], message: str) -> AfterValidator:
    """Return a validator that refuses, with this message, a value for which `check` is false or
    raises ValueError.
    """

    def validate(value: object) -> object:
        with suppress(ValueError):
            if check(value):
                return value
        raise refuse(message)

    return AfterValidator(validate)


def at_most(limit: timedelta) -> AfterValidator:
    """Return a validator that refuses a longer duration, because a setting must blind nobody."""
    return _must_pass(
        lambda length: length <= limit, f"must not be longer than {write_duration(limit)}"
    )


def at_least(limit: timedelta) -> AfterValidator:
    """Return a validator that refuses a shorter duration."""
    return _must_pass(
        lambda length: length >= limit, f"must not be shorter than {write_duration(limit)}"
    )


def _must_match(pattern: str, message: str) -> AfterValidator:
    return _must_pass(re.compile(pattern).fullmatch, message)


def _replace_webcal(value: object) -> object:
    # Calendar programs give subscriptions a scheme of their own. Their servers answer https.
    scheme, colon, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if colon and scheme in {"webcal", "webcals"}:
        return f"https://{rest}"
    return value


def why_no_file(path: Path) -> str:
    """Return why a path is not that of a file in a folder that we may read, "" if it is."""
    try:
        if path.is_file():
            return ""
        return "is a folder, give a file" if path.is_dir() else "no such file"
    except OSError as exc:
        return f"cannot be read: {exc.strerror}"


_TOML_NAMES = re.compile(r"\((?:'[^']*',? ?)+\)")
"""The names of a table within others, as Python writes them: `('web', 'oidc')`."""
_TOML_NAME = re.compile(r"'([^']*)'")
_TOML_REMEDIES = {
    "Invalid value": 'write text in straight quotes, "like this"',
    "Expected newline": 'write text in straight quotes, "like this"',
    "Cannot overwrite": "write each key once",
}


def describe_toml_fault(fault: Exception) -> str:
    """Return what is wrong with a text that is not TOML, and what to do if that is usual."""
    text = _TOML_NAMES.sub(lambda found: f"[{'.'.join(_TOML_NAME.findall(found[0]))}]", str(fault))
    for beginning, remedy in _TOML_REMEDIES.items():
        if text.startswith(beginning):
            return f"{text}: {remedy}"
    return text


def require_file(file: str, info: ValidationInfo) -> str:
    """Return the path relative to the configuration.

    Raises a fault for pydantic if there is no such file.
    """
    folder = (info.context or {}).get("folder")
    if folder is None:
        return str(Path(file))
    path = folder / file
    if reason := why_no_file(path):
        raise refuse(reason)
    return str(path)


def why_no_host(text: str) -> str:
    """Return why a text is not the name of a host, with what to write instead, "" if it is."""
    with suppress(ValueError):
        ipaddress.ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
        return ""
    if re.fullmatch(r"\w[\w.-]*", text):
        return ""
    meant = re.fullmatch(r"(?:\w+://)?(\w[\w.-]*|\[[0-9A-Fa-f:.]+\])(:\d+)?(?:/\S*)?", text)
    if meant is None:
        return 'not a host, write "www.gov.uk"'
    port = ", and its port at the key port" if meant[2] else ""
    return f'not a host, write "{meant[1]}"{port}'


def _require_host(text: str) -> str:
    if why := why_no_host(text):
        raise refuse(why)
    return text


Zone = Annotated[str, _must_pass(zone, 'no time zone of that name, write "Europe/London"')]
Network = Annotated[
    str, _must_pass(ipaddress.ip_network, 'not an address range, write "10.1.2.0/24"')
]
_WEB_ADDRESS = r"https?://[^/\s@]+(/\S*)?"
_NO_WEB_ADDRESS = 'not an address, write "https://host/path" without user or password'
WebAddress = Annotated[str, _must_match(_WEB_ADDRESS, _NO_WEB_ADDRESS)]
BoardAddress = Annotated[
    str,
    _must_match(
        r"https?://[^/\s@?#]+(/[^\s?#]*)?",
        'not the address of a site, write "https://host" without user, password, ? or #',
    ),
]
"""An address to which paths are added."""
Proxy = Annotated[
    str,
    _must_match(
        r"http://[^/\s]+/?", 'is spoken to in plain HTTP, write "http://proxy.example:3128"'
    ),
]
CalendarAddress = Annotated[
    str,
    _must_match(_WEB_ADDRESS, f'{_NO_WEB_ADDRESS}, or file = "PATH" for a file of this machine'),
    BeforeValidator(_replace_webcal),
]
"""An address of the web. `webcal://` is read as `https://`."""
Hook = Annotated[
    str, _must_match(r"https?://[^/\s]+(/\S*)?", 'not an address, write "https://host/path"')
]
"""An address that may contain a user and a password. It is never shown."""
Name = Annotated[
    str,
    _must_match(r"[a-z0-9][a-z0-9._-]*", "not a name: lower-case letters, digits, dots and dashes"),
]
Mailbox = Annotated[
    str, _must_match(r"[^@]+@[^@\s]+", 'not a mail address, write "statistics@example.gov.uk"')
]
Host = Annotated[str, AfterValidator(_require_host)]
File = Annotated[str, AfterValidator(require_file)]
"""The path of a file that exists. A relative one starts from the folder of the configuration."""
Text = Annotated[str, _must_match(r"\S(.*\S)?", "must say something, without blanks around it")]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LOOSE_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s{0,9}([a-z]{0,9})")
_UNIT_WORDS = _SECONDS | {"": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0}
_UNIT_WORDS |= {"hr": 3600.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m|h)")
_FullMatch = Callable[[str], re.Match[str] | None]
_NO_RATE = 'not a rate, write "2/s" or "30/m"'
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
LONGEST_DAYS = 36500
"""No duration is longer than a century. Dates that far away could not be computed."""
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ", did you mean …?" with the known name that is spelt most alike, or "" if none is."""
    near = difflib.get_close_matches(name, list(known))
    if near:
        return f", did you mean {near[0]}?"
    return ""


KeyFault = tuple[str, str, str | None]
"""A key of a table (empty for the table itself), what is wrong with it, and its value if a fault
may quote it.
"""


def refuse_any(faults: Iterable[KeyFault]) -> None:
    """Raise an error that reports each of these faults of a table at its key."""
    if found := tuple(faults):
        raise PydanticCustomError(
            "keys", "; ".join(reason for _, reason, _ in found), {"faults": found}
        )


def find_shorter(key: str, length: timedelta, other_key: str, other: timedelta) -> list[KeyFault]:
    """Return the fault of a length at `key` that is shorter than the one at `other_key`, if it
    is.
    """
    if length >= other:
        return []
    reason = f"must not be shorter than {other_key} ({write_duration(other)})"
    return [(key, reason, quote_value(write_duration(length)))]


def _match_whole_text(fullmatch: _FullMatch, value: Any, message: str) -> re.Match[str]:  # noqa: ANN401 # any TOML value
    """Return the match of a pattern with a whole text.

    Any other value is refused with this message.
    """
    found = None
    if isinstance(value, str):
        found = fullmatch(value)
    if found is None:
        raise refuse(message)
    return found


def read_duration(value: Any) -> timedelta:  # noqa: ANN401 # any TOML value
    """Read `90s`, `5m`, `2h`, `14d` or `20ms`."""
    found = _match_whole_text(
        _DURATION.fullmatch, value, f"not a duration, write {_suggest_duration(value)}"
    )
    seconds = float(found[1]) * _SECONDS[found[2]]
    if seconds > LONGEST_DAYS * _SECONDS["d"]:
        raise refuse(f"must be at most {LONGEST_DAYS}d")
    return timedelta(seconds=seconds)


def _suggest_duration(value: Any) -> str:  # noqa: ANN401 # any TOML value
    """Return the duration that a faulty text means, such as `"1m"` for `1 minute` or `1:00`.

    A number is read as seconds. Examples if the text is not understood.
    """
    text = str(value).casefold()
    examples = 'one such as "90s", "5m" or "2h"'
    total = 0.0
    if clock := re.fullmatch(r"(?:(\d{1,4}):)?(\d{1,4}):(\d\d)", text):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        total = 3600.0 * hours + 60 * minutes + seconds
    elif not _LOOSE_DURATION.sub("", text).strip():
        for number, word in _LOOSE_DURATION.findall(text):
            unit = _UNIT_WORDS.get(word) or _UNIT_WORDS.get(word.removesuffix("s"))
            if unit is None:
                return examples
            total += float(number) * unit
    if not total:
        return examples
    if total < 1:
        return f'"{max(1, round(total * 1000))}ms"'
    if clock is None and not re.search("[a-z]", text):
        return f'"{total:.12g}s"'
    return f'"{write_duration(timedelta(seconds=total))}"'


def write_duration(length: timedelta) -> str:
    """Return a duration in the form that `read_duration` reads."""
    seconds = length.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds / _SECONDS[unit])}{unit}"
    return f"{round(seconds * 1000)}ms"


def _read_rate(value: Any) -> float:  # noqa: ANN401 # any TOML value
    found = _match_whole_text(_RATE.fullmatch, value, _NO_RATE)
    return float(found[1]) / _SECONDS[found[2]]


def write_rate(rate: float) -> str:
    """Return a rate a second in the form that is read from the configuration."""
    for unit in ("s", "m"):
        if rate * _SECONDS[unit] >= 1:
            return f"{rate * _SECONDS[unit]:.6g}/{unit}"
    return f"{rate * _SECONDS['h']:.6f}".rstrip("0").rstrip(".") + "/h"


def _read_time(value: Any) -> time:  # noqa: ANN401 # any TOML value
    found = _match_whole_text(_TIME.fullmatch, value, 'not a time of day, write "09:30"')
    return time(int(found[1]), int(found[2]))


def _read_quiet(value: Any) -> tuple[time, time]:  # noqa: ANN401 # any TOML value
    found = _match_whole_text(_QUIET.fullmatch, value, 'not quiet hours, write "22:00-07:00"')
    return time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))


def read_wall(value: Any) -> datetime:  # noqa: ANN401 # any TOML value
    """Read a local date-time, or a local date as its first minute."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise refuse("not a local date-time, write 2026-11-23T09:00:00 without quotes or offset")
    return value


def _text_schema(pattern: re.Pattern[str], *examples: str) -> WithJsonSchema:
    """Return the JSON Schema of a value that is text in `config.toml` and another type in
    Python.
    """
    return WithJsonSchema(
        {"type": "string", "pattern": f"^{pattern.pattern}$", "examples": list(examples)}
    )


_LENGTH = _text_schema(_DURATION, "90s", "5m", "2h", "14d")
Wall = Annotated[datetime, BeforeValidator(read_wall), WithJsonSchema({"type": "string"})]
"""A local date-time, or the begin of a local date."""
Duration = Annotated[
    timedelta, BeforeValidator(read_duration), PlainSerializer(write_duration), _LENGTH
]
Spacing = Annotated[
    Duration, _must_pass(lambda length: length > timedelta(), "must be longer than zero")
]
Rate = Annotated[
    float,
    BeforeValidator(_read_rate),
    _must_pass(lambda rate: rate > 0, _NO_RATE),
    PlainSerializer(write_rate),
    _text_schema(_RATE, "2/s", "30/m"),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_read_time),
    PlainSerializer("{:%H:%M}".format),
    _text_schema(_TIME, "09:30"),
]
QuietHours = Annotated[
    tuple[time, time],
    BeforeValidator(_read_quiet),
    PlainSerializer(lambda hours: "{:%H:%M}-{:%H:%M}".format(*hours)),
    _text_schema(_QUIET, "22:00-07:00"),
]


class Table(BaseModel):
    """A TOML table.

    Unknown keys are refused, values are never converted to another type, and it cannot change.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Secret(Table):
    """Where a secret is read from: an environment variable or a file.

    The configuration never contains one.
    """

    env: str | None = None
    file: str | None = None

    @field_validator("file")
    @classmethod
    def _beside_the_configuration(cls, file: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get("folder")
        if file is None or folder is None:
            return file
        return str(folder / file)

    @model_validator(mode="after")
    def _exactly_one(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise refuse('name one place: {env = "NAME"} or {file = "PATH"}')
        return self

    def why_missing(self) -> str | None:
        """Return why the secret cannot be read now, None if it can.

        The text names the place, never the value.
        """
        if self.env is not None:
            return None if os.environ.get(self.env) else f"the environment has no {self.env}"
        path = Path(str(self.file))
        try:
            is_empty = not path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return f"no file {self.file}"
        except (OSError, UnicodeDecodeError) as exc:
            reason = getattr(exc, "strerror", None) or "is not UTF-8 text"
            return f"the file {self.file} cannot be read: {reason}"
        return f"the file {self.file} is empty" if is_empty else None

    def why_exposed(self) -> str | None:
        """Return a warning if other accounts can read the file of the secret, else None."""
        path = Path(self.file or "")
        if why_no_file(path) or not path.stat().st_mode & 0o004:
            return None
        return f"every account of this machine can read {self.file}: chmod o-r"

    def reveal(self) -> str:
        """Return the secret, "" if it is missing."""
        if self.env is not None:
            return os.environ.get(self.env, "")
        path = Path(str(self.file))
        if not why_no_file(path):
            return path.read_text(encoding="utf-8").strip()
        return ""


_LONGEST = 80
_QUERY = re.compile(r"(://[^\s\"?#]*[?#])[^\s\"]+")
_USERINFO = re.compile(r"(?<=://).*@")
"""A password may contain any character, so what comes before the last `@` is not shown."""


def quote_value(value: Any) -> str:  # noqa: ANN401 # any TOML value
    """Return a short text of a value for a message, without users, passwords, queries and fragments
    of addresses.
    """
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "a list of tables"
    text = _USERINFO.sub("...@", json.dumps(value, ensure_ascii=False, default=str))
    text = _QUERY.sub(r"\1...", text)
    if len(text) <= _LONGEST:
        return text
    return text[: _LONGEST - 3] + "..."


def is_loopback(listen: str) -> bool:
    """Return whether only this machine can reach `host:port`."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
