"""A rehearsal script: the announced releases, the publisher's answers, the faults and the expected
results.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, create_model

from monitor.config.checks import recogniser_fault
from monitor.config.read import load, require_no_fault, validate_data
from monitor.errors import BadInput
from monitor.rehearse.script.check import find_script_faults
from monitor.rehearse.script.values import (
    ExistingFile,
    Instant,
    Json,
    Lag,
    Offset,
    SlotTime,
    one_of,
)
from monitor.web.answers import Part, Release
from schedules.contract.verdict import FindingKind, Grade, VerdictKind
from schedules.values import Duration, Table, WebAddress, refuse

FAULTS = (
    "reset",
    "timeout",
    "dns",
    "tls",
    "429",
    "503",
    "truncated",
    "slow",
    "garbage",
    "bomb",
    "redirect_loop",
    "challenge",
    "mirror",
    "stale",
)
TROUBLES = ("stop", "kill", "start", "clock")
STATES = ("confirmed", "provisional", "cancelled")
ROLES = ("attachment", "html", "data", "alternative")


def _check_recogniser(name: str) -> str:
    if reason := recogniser_fault(name):
        raise refuse(reason)
    return name


def _require_valid(is_valid: Callable[[str], object], reason: str) -> AfterValidator:
    """Return a validator that refuses a text with `reason` if `is_valid` does not return a true
    value for it.
    """

    def check(text: str) -> str:
        if not is_valid(text):
            raise refuse(reason)
        return text

    return AfterValidator(check)


def _check_finding(value: Any) -> Any:  # noqa: ANN401 # a kind, or a table that names one
    kind = value.get("kind") if isinstance(value, dict) else value
    if kind is not None and kind not in list(FindingKind):
        raise refuse(f"no finding of that kind: {', '.join(FindingKind)}")
    return value


_SLUG = re.compile(r"[a-z0-9]+(-+[a-z0-9]+)*")
Text = Annotated[str, _require_valid(str.strip, "must not be empty")]
Slug = Annotated[
    str, _require_valid(_SLUG.fullmatch, "not a slug: small letters and digits, joined by hyphens")
]
Recogniser = Annotated[str, AfterValidator(_check_recogniser)]
Seconds = Annotated[float, Field(strict=False)]


class ScriptPart(Table):
    """A part of a release besides its landing page."""

    id: Text
    role: Annotated[str, one_of(ROLES)]
    url: WebAddress
    recognise: Recogniser | None = None
    required: bool = True


class ScriptRelease(Table):
    """A release as the simulated calendars announce it, from `known_from` on or, if None, always.

    The last five fields are for GOV.UK only: slug and title of the announcement if they differ from
    the publication's, the delays after publication until the announcement redirects and the search
    lists it, and the producers.
    """

    id: Text
    title: Text
    producer: Text
    url: WebAddress
    slot: SlotTime
    state: Annotated[str, one_of(STATES)] | None = None
    recognise: Recogniser | None = None
    known_from: Instant | None = None
    part: tuple[ScriptPart, ...] = Field(default=(), strict=False)
    announcement: Slug | None = None
    announcement_title: Text | None = None
    redirect_after: Lag | None = None
    listed_after: Duration | None = None
    organisations: tuple[Slug, ...] = Field(default=(), strict=False)

    @property
    def announced_title(self) -> str:
        """The title of the announcement."""
        return self.announcement_title or self.title

    @property
    def producers(self) -> tuple[str, ...]:
        """The organisations that GOV.UK names, in its order."""
        return self.organisations or (self.producer,)


class ScriptChange(Table):
    """A change of a calendar entry: a new slot, a new state or, if `gone`, its removal.

    `why` is the stated reason.
    """

    release: Text
    at: Instant
    slot: SlotTime | None = None
    state: Annotated[str, one_of(STATES)] | None = None
    gone: bool = False
    why: str = ""


class ScriptAnswer(Table):
    """The answer of one address from `at` on.

    Without a body the publisher makes a page that fits the release.
    """

    url: WebAddress
    at: Instant
    status: int = Field(default=200, ge=200, le=599)
    body: str | None = None
    body_file: ExistingFile | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    etag: bool = False
    edge_cache: Duration | None = None
    latency: Duration = timedelta()

    @cached_property
    def content(self) -> bytes | None:
        """The scripted body; None if the publisher makes one."""
        if self.body_file is not None:
            return self.body_file.read_bytes()
        return None if self.body is None else self.body.encode()


class ScriptFault(Table):
    """A fault of a whole host or of one address, between two times."""

    kind: Annotated[str, one_of(FAULTS)]
    begins: Instant = Field(alias="from")
    ends: Instant = Field(alias="until")
    host: Text | None = None
    url: WebAddress | None = None
    retry_after: Duration | None = None
    age: Duration | None = None

    def affects(self, host: str, path: str) -> bool:
        """Return whether the fault applies to requests for this host and path."""
        if self.url is None:
            return self.host == host
        parts = urlsplit(self.url)
        return (parts.hostname, parts.path or "/") == (host, path)


class ScriptTrouble(Table):
    """Trouble of the monitor itself: it stops, is killed, starts again, or its clock is wrong by
    `offset`.
    """

    at: Instant
    kind: Annotated[str, one_of(TROUBLES)]
    offset: Offset | None = None


class ScriptLog(Table):
    """An incident that a person logs. The keys of `words` are options of `incident add`."""

    at: Instant
    release: Text
    words: dict[str, str] = Field(default_factory=dict)


class TrueLength(Table):
    """A true length of `min` to `max` seconds.

    A measured interval may extend beyond it by `within` on each side.
    """

    min: Seconds | None = None
    max: Seconds | None = None
    within: Seconds = 0.0
    open: bool | None = None


_PUBLISHED: dict[str, Any] = dict.fromkeys(
    (*Release.model_fields, *Part.model_fields), (Json, None)
)
"""Every key that the API publishes of a release or a part. A script can expect any value of most of
them.
"""


class ScriptExpect(create_model("_Published", __base__=Table, **_PUBLISHED)):  # type: ignore[misc] # made of data
    """Expected results at the end.

    Only keys that the script sets (`model_fields_set`) are compared.
    """

    release: str | None = None
    part: str | None = None
    delay: TrueLength | None = None
    users_delay: TrueLength | None = None
    exposure: TrueLength | None = None
    notices: int | None = Field(default=None, ge=0)
    drafts: int | None = Field(default=None, ge=0)
    not_ready: list[str] | None = None
    verdict: Annotated[str, one_of(VerdictKind)] | None = None
    findings: list[Annotated[Json, AfterValidator(_check_finding)]] | None = None
    grade: Annotated[str, one_of(Grade)] | None = None
    final: bool | None = None


class Script(Table):
    """A whole script. Times are aware UTC."""

    title: Text
    begins: Instant = Field(alias="from")
    ends: Instant = Field(alias="until")
    config: ExistingFile | None = None
    seed: int = 1
    release: tuple[ScriptRelease, ...] = Field(default=(), strict=False)
    change: tuple[ScriptChange, ...] = Field(default=(), strict=False)
    answer: tuple[ScriptAnswer, ...] = Field(default=(), strict=False)
    fault: tuple[ScriptFault, ...] = Field(default=(), strict=False)
    monitor: tuple[ScriptTrouble, ...] = Field(default=(), strict=False)
    log: tuple[ScriptLog, ...] = Field(default=(), strict=False)
    expect: tuple[ScriptExpect, ...] = Field(default=(), strict=False)


def read_script(path: Path) -> Script:
    """Return the script in a file, in its configuration's timezone.

    Raises `BadInput` with all faults of the file.
    """
    data = load(path)
    zone = "Europe/London"
    config = data.get("config")
    if isinstance(config, str) and (path.parent / config).is_file():
        # The faults of the configuration are reported when it is used.
        with suppress(BadInput):
            zone = str(load(path.parent / config).get("timezone", zone))
    script, faults = validate_data(
        data, path.name, Script, {"timezone": zone, "folder": str(path.parent)}
    )
    return require_no_fault(script, faults, find_script_faults(data, path.name, zone))
