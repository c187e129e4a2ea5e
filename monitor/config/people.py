"""Tables about people: sign-in, pages, alerts, summaries and reports."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from schedules.values import (
    Duration,
    Name,
    Network,
    Secret,
    Spacing,
    Table,
    Text,
    TimeOfDay,
    WebAddress,
)

RightName = Literal["viewer", "duty", "head"]


class OidcSettings(Table):
    """An OpenID provider at which people sign in ([how](how-to/sign-in.md#with-openid-connect)).

    It needs `public_url`.
    """

    issuer: WebAddress
    """The provider's address, exactly as in its `/.well-known/openid-configuration`."""
    client_id: Text
    """The name of this monitor at the provider."""
    client_secret: Secret
    """A secret, sent only to the provider."""
    claim: Text
    """The claim of the ID token that gives rights, such as `"groups"` or `"roles"`: a text or a list of texts. An
    `"email"` counts only if the provider has verified it.
    """
    rights: dict[str, RightName] = Field(min_length=1)
    """A value of that claim, and the right it gives: `"stats-heads" = "head"`.

    The rights are `"viewer"`, `"duty"` and `"head"`. The highest right counts. People without a value here cannot sign
    in.
    """
    allow: list[Network] = []
    """Private networks in which the issuer's host may be: `["10.0.0.0/8"]`."""


class WebSettings(Table):
    """Board, API, `/healthz`, `/livez`, `/readyz` and `/metrics`."""

    listen: str = "127.0.0.1:9030"
    """`host:port`, or `0.0.0.0:9030` in a container. Any address except loopback needs a `users_file`, a `proxy_header`
    or `[web.oidc]`, and a TLS proxy in front.
    """
    public: Literal["none", "board"] = "none"
    """What people see without signing in: `"none"`, or the `"board"` without anything embargoed
    ([more](how-to/sign-in.md#who-sees-what)).
    """
    proxies: list[Network] = []
    """Addresses or ranges of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    proxy_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    """The header, such as `"X-Remote-User"`, in which one of the `proxies` sends the name of a person
    ([how](how-to/sign-in.md#with-your-organisations-proxy)). From any other address it is ignored.
    """
    proxy_rights: dict[str, RightName] = {}
    """A name that a proxy sends, and its right: `"anne@example.gov.uk" = "head"`.

    The rights are `"viewer"`, `"duty"` and `"head"`. `"*"` is everyone else. People who are not listed cannot sign in.
    """
    oidc: OidcSettings | None = None
    users_file: str | None = None
    """A file with a line for each person or program that may sign in ([how](how-to/sign-in.md)). `ninethirty user`
    prints the lines.
    """
    public_url: WebAddress | None = None
    """The address at which people reach the pages. Notices link there."""
    link_key: Secret | None = None
    """A secret. With it, notices have a signed link to acknowledge the incident."""
    link_lasts: Spacing = timedelta(days=7)
    """How long such a link is valid."""
    token: Secret | None = None
    """A secret that a program sends as `Authorization: Bearer …`. It can then read everything, and do through the API
    what duty staff do. Better, give [each program its own token](how-to/sign-in.md#programs).
    """
    metrics_token: Secret | None = None
    """A secret that Prometheus sends as `Authorization: Bearer …` to read `/metrics`. `token` works too."""
    metrics_listen: str | None = None
    """An address such as `"10.1.2.3:9031"`, at which only `/metrics` and health are read, without a token. Metrics show
    what is embargoed, so choose an address that only your Prometheus can reach.
    """

    @property
    def signs_in(self) -> bool:
        """Return whether there is any way to sign in."""
        return any(way is not None for way in (self.users_file, self.proxy_header, self.oidc))


class AlertSettings(Table):
    """When reminders are sent, and when many openings are sent as one."""

    remind_after: Duration = timedelta(minutes=15)
    """After this, a reminder is sent about a report-grade incident that no one has acknowledged. `"0s"`: never."""
    remind_every: Spacing = timedelta(minutes=30)
    """After this, another reminder is sent, until someone acknowledges the incident or it closes."""
    digest_from: int = Field(default=5, ge=2)
    """At least so many openings together make one digest on channels with `digest`."""
    digest_within: Duration = timedelta(milliseconds=400)
    """How close together the openings must be."""
    open_channels: list[str] = []
    """Names of channels that reach more than staff. They get nothing before the slot of a release, if it has a time,
    and nothing about leads or leaks.
    """


class SummarySettings(Table):
    """Summaries at fixed times.

    `morning` says what is due and at risk. `evening` says what happened, which reports are owed, which actions are
    overdue, and what the next day's budgets will not prove. `month` says how punctual the last month was.

    A monitor that was down sends what it missed for up to three hours. You cannot name a channel of `open_channels`.
    """

    kind: Literal["morning", "evening", "month"]
    """`morning`, `evening` or `month`."""
    channels: list[str] = Field(min_length=1)
    """Names of channels, or of rotas."""
    at: TimeOfDay | None = None
    """The local time. By default 08:45 for `morning`, 17:00 for `evening`, 09:00 for `month`."""
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    """Days of the week. `month` is sent on the first, whatever day that is."""
    producer: str = ""
    """The id of a producer. Only its releases are included."""


class CodeSettings(Table):
    """Producers that the Code of Practice does not bind, and corrections of our table of its editions.

    You need the corrections only when the Code changes.
    """

    begins: dict[str, date] = {}
    """An edition, and the day it comes into force: `"3.0" = 2025-11-10`."""
    cites: dict[str, str] = {}
    """A practice, and how it is cited: `"3.0/3.1" = "…"`."""
    outside: list[Name] = []
    """Ids of producers that are outside the Code. Their drafts cite no practice, an earlier draft from its next version
    on.
    """


class ReportSettings(Table):
    """What its breach reports say about people. Write roles, not names."""

    form: Literal["A", "B", "C", "D", "note"] | None = None
    """`A`, `B`, `C`, `D` or `note`. By default the form follows the date of occurrence."""
    template: str | None = None
    """Your own .docx, [with fields](drafts.md#a-form-of-your-own)."""
    to: str = ""
    """Where the report goes."""
    head_of_profession: str = ""
    """The role that signs."""
    contact: str = ""
    """Who answers questions."""
