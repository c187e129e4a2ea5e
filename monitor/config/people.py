"""Tables about people: who is told of what, when again, how it is reported, and where it can be read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from schedules.values import (
    Address,
    Duration,
    Name,
    Network,
    QuietHours,
    Secret,
    Spacing,
    Table,
    Text,
    TimeOfDay,
    Turn,
    Wall,
)

RightName = Literal["viewer", "duty", "head"]


class OidcSettings(Table):
    """An OpenID provider that signs people on, and the values of one claim by which it gives them rights.

    `issuer` is its address to the letter, and may lie in the networks of `allow`.
    """

    issuer: Address
    client_id: Text
    client_secret: Secret
    claim: Text
    rights: dict[str, RightName] = Field(min_length=1)
    allow: list[Network] = []


class WebSettings(Table):
    """The pages, the API and the metrics.

    `public` is what strangers see: nothing, or the board without what is embargoed. `users_file` holds the people who
    may sign in; they see everything, unless as viewers, and acknowledge incidents. `proxies` are believed when they say
    for whom they ask; where they sign people on, they tell the name in `proxy_header`, and what somebody may do stands
    in `proxy_rights` by that name, of anybody else by `*`.
    `public_url` is where people reach the pages; with `link_key` notices carry a signed link, good for
    `link_lasts`, by which an incident can be acknowledged. `token` is what a program must show to do so. Whoever
    reaches `metrics_listen` reads the metrics and health, and nothing else.
    """

    listen: str = "127.0.0.1:9030"
    public: Literal["none", "board"] = "none"
    proxies: list[Network] = []
    proxy_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    proxy_rights: dict[str, RightName] = {}
    oidc: OidcSettings | None = None
    users_file: str | None = None
    public_url: Address | None = None
    link_key: Secret | None = None
    link_lasts: Spacing = timedelta(days=7)
    token: Secret | None = None
    metrics_token: Secret | None = None
    metrics_listen: str | None = None

    @property
    def signs_in(self) -> bool:
        """Tell whether anybody could be told from strangers."""
        return any(way is not None for way in (self.users_file, self.proxy_header, self.oidc))


class AlertSettings(Table):
    """When people are told again, and when many openings are told as one.

    A report-grade incident that nobody has acknowledged is told of again `remind_after` its opening and then
    each `remind_every`; a `remind_after` of nothing turns reminders off. When at least `digest_from` releases
    open within `digest_within` of each other, channels for people get one digest. `open_channels` reach more than
    staff, and are told nothing that is embargoed.
    """

    remind_after: Duration = timedelta(minutes=15)
    remind_every: Spacing = timedelta(minutes=30)
    digest_from: int = Field(default=5, ge=2)
    digest_within: Duration = timedelta(milliseconds=400)
    open_channels: list[str] = []


class SummarySettings(Table):
    """A summary that goes out by the calendar, at a local time on these days of the week.

    A `morning`'s tells what is due, an `evening`'s what became of it and what follows, a `month`'s how punctual the
    month before was; that one goes out on the first day of a month. Times not given are 08:45, 17:00 and 09:00.
    """

    kind: Literal["morning", "evening", "month"]
    channels: list[str] = Field(min_length=1)
    at: TimeOfDay | None = None
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    producer: str = ""


class CodeSettings(Table):
    """Where the editions of the Code of Practice as shipped are to be corrected.

    `begins` maps an edition to its first day, `cites` a practice (`"3.0/3.1"`) to how it is cited. `outside` are the
    producers that the Code does not bind.
    """

    begins: dict[str, date] = {}
    cites: dict[str, str] = {}
    outside: list[Name] = []


class ReportSettings(Table):
    """What a breach report of this producer says of people, by role, where it goes, and the file it is written in.

    `template` is a .docx file of the organisation's own.
    """

    form: Literal["A", "B", "C", "D", "note"] | None = None
    template: str | None = None
    to: str = ""
    head_of_profession: str = ""
    contact: str = ""


class RouteMatch(Table):
    """Which notices a route takes; every key given must match."""

    producer: str | None = None
    grade: Literal["none", "note", "report"] | None = None
    finding: str | None = None


class RouteSettings(Table):
    """Who is told of what; both lists may name a rota.

    While nobody has acknowledged in time, one more of `escalate` is told as well with each reminder.
    """

    match: RouteMatch = RouteMatch()
    channels: list[str]
    escalate: list[str] = []
    quiet: QuietHours | None = None


class ShiftSettings(Table):
    """A role that is on call from a local time until another, whoever's turn it would be."""

    role: str
    begins: Wall = Field(alias="from")
    until: Wall


class RotaSettings(Table):
    """Who is on call: a route names it as it names a channel. `who` is the channel of each role.

    Roles take `turns`, each `every`, the first from `begins` on; each `shift`, and those of an iCalendar file at `url`
    or in `file`, read each `read_every`, go before. `secret` and `allow` are those of a calendar.
    """

    name: Name
    who: dict[str, str] = Field(min_length=1)
    turns: list[str] = []
    begins: Wall | None = None
    every: Turn = timedelta(days=7)
    shift: list[ShiftSettings] = []
    url: Address | None = None
    file: str | None = None
    read_every: Spacing = timedelta(minutes=10)
    secret: bool = False
    allow: list[Network] = []
