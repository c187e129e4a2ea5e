"""Tables about people: sign-in, pages, alerts, summaries and reports."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, model_validator

from schedules.values import (
    BoardAddress,
    Duration,
    Name,
    Network,
    Secret,
    Spacing,
    Table,
    Text,
    TimeOfDay,
    WebAddress,
    is_loopback,
    refuse_any,
)

RightName = Literal["viewer", "duty", "head"]


class OidcSettings(Table):
    """An OpenID provider at which people sign in ([how](how-to/sign-in.md#with-openid-connect)).

    Set `public_url` too, because people return there after they sign in.
    """

    issuer: WebAddress
    """The provider's address, exactly as in its `/.well-known/openid-configuration`."""
    client_id: Text
    """This monitor's id at the provider."""
    client_secret: Secret
    """The provider's secret for this monitor. It is sent only to the provider."""
    claim: Text
    """The claim of the ID token that gives rights, such as `"groups"` or `"roles"`: a text or a
    list of texts. An `"email"` counts only if the provider has verified it.
    """
    rights: dict[str, RightName] = Field(min_length=1)
    """The right that each value of the claim gives: `"stats-heads" = "head"`.

    Rights are those of `[web.proxy_rights]`. Of several, the highest counts. Without any, a person
    cannot sign in.
    """
    allow: list[Network] = []
    """Private networks that may be requested for the issuer: `["10.0.0.0/8"]`."""


class WebSettings(Table):
    """Board, API, `/healthz`, `/livez`, `/readyz` and `/metrics`."""

    listen: str = "127.0.0.1:9030"
    """The address and port to serve, in a container `0.0.0.0:9030`. If it is not loopback, set
    `users_file`, `proxy_header` or `[web.oidc]`, and put a TLS proxy in front.
    """
    socket: str | None = None
    """The Unix socket that serves the same to users of this machine, such as the command line
    ([who may](how-to/sign-in.md#at-the-machine)). By default `/run/ninethirty/socket` under the
    service, else `$XDG_RUNTIME_DIR/ninethirty/socket`, else `web.sock` in the evidence folder.
    """
    public: Literal["none", "board"] = "none"
    """What people see without signing in: nothing (`"none"`), or the `"board"` without embargoed
    facts ([more](how-to/sign-in.md#who-sees-what)).
    """
    proxies: list[Network] = []
    """Addresses or ranges of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count."""
    proxy_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    """The header, such as `"X-Remote-User"`, in which one of the `proxies` sends the name of the
    person who signed in ([how](how-to/sign-in.md#with-your-organisations-proxy)). From any other
    address it is ignored.
    """
    proxy_rights: dict[str, RightName] = {}
    """The right of each name that a proxy sends: `"anne@example.gov.uk" = "head"`.

    The rights are `"viewer"`, `"duty"` and `"head"`. The name `"*"` is for everyone else. Without
    it, they cannot sign in.
    """
    oidc: OidcSettings | None = None
    users_file: str | None = None
    """A file with a line for each person or program that may sign in ([how](how-to/sign-in.md)).
    Make the lines with `ninethirty user`.
    """
    public_url: BoardAddress | None = Field(
        default=None, validation_alias=AliasChoices("public_url", "base_url")
    )
    """The address at which people reach the pages. Notices link there. `base_url` is the same."""
    link_key: Secret | None = None
    """The secret that signs links in notices, with which people acknowledge without signing in."""
    link_lasts: Spacing = timedelta(days=7)
    """How long a signed link is valid."""
    token: Secret | None = None
    """A secret for one program, which then reads everything and acts as duty staff. It sends
    `Authorization: Bearer …`. Better: give [each program its own
    token](how-to/sign-in.md#programs).
    """
    metrics_token: Secret | None = None
    """A secret that Prometheus sends as `Authorization: Bearer …` to read `/metrics`. It can send
    `token` instead.
    """
    embargoed_token: Secret | None = None
    """Another secret, for `/metrics/embargoed`: what was measured of releases before their slot."""
    metrics_listen: str | None = None
    """An address, such as `"10.1.2.3:9031"`, that serves only `/metrics` and health, without a
    token. `/metrics/embargoed` needs its token there too.
    """

    @property
    def has_signed_links(self) -> bool:
        """Return whether people can acknowledge an incident by the link in its notice."""
        return self.link_key is not None and self.public_url is not None

    @property
    def has_local_links(self) -> bool:
        """Return whether only this machine can follow the links in notices."""
        host = urlsplit(self.public_url or "").hostname
        return host is not None and is_loopback(f"{host}:0")

    @property
    def signs_in(self) -> bool:
        """Return whether there is any way to sign in."""
        return any(way is not None for way in (self.users_file, self.proxy_header, self.oidc))


class AlertSettings(Table):
    """Reminders, digests, and channels that reach more than staff."""

    remind_after: Duration = timedelta(minutes=15)
    """When the first reminder of a report-grade incident is sent, if no one has acknowledged it.
    `"0s"`: never.
    """
    remind_every: Spacing = timedelta(minutes=30)
    """The time between reminders, until someone acknowledges the incident or it closes."""
    digest_from: int = Field(default=5, ge=2)
    """How many opening notices, at least, become one digest on channels with `digest`."""
    digest_within: Duration = timedelta(milliseconds=400)
    """How long an opening notice waits for others."""
    open_channels: list[str] = []
    """Names of channels that reach more than staff. Before the slot of a release, if it has a time,
    they get nothing about it. They never get leads or leaks.
    """


class SummarySettings(Table):
    """Summaries at fixed times, and notices before slots.

    `morning` lists the releases that are due, and which are at risk. `evening` has the day's
    verdicts, owed reports, overdue actions, and the next day's releases for which a budget is too
    small. `month` says how punctual the last month was. `ready` is sent a day and half an hour
    before each slot with a time for which something [is not ready](readiness.md).

    If the monitor was down at that time, it sends the summary up to three hours later.
    """

    kind: Literal["morning", "evening", "month", "ready"]
    """`morning`, `evening`, `month` or `ready`."""
    channels: list[str] = Field(min_length=1)
    """Names of channels or rotas, but none of `open_channels`."""
    at: TimeOfDay | None = None
    """The local time. By default 08:45 for `morning`, 17:00 for `evening`, 09:00 for `month`. Not
    for `ready`.
    """
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = [
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
    ]
    """Days of the week for `morning` and `evening`. `month` is sent on the month's first day."""
    producer: str = ""
    """The id of a producer, for its releases only."""

    @model_validator(mode="after")
    def _check_time(self) -> SummarySettings:
        if self.kind == "ready" and self.at is not None:
            refuse_any([("at", "cannot be set for `ready`, which follows the slots", None)])
        return self


class CodeSettings(Table):
    """Producers that the Code of Practice does not bind, and corrections of our table of its
    editions.

    Correct the table only if the Code changes before you upgrade ninethirty.
    """

    begins: dict[str, date] = {}
    """The day on which an edition comes into force: `"3.0" = 2025-11-10`."""
    cites: dict[str, str] = {}
    """How a practice is cited in drafts: `"3.0/3.1" = "…"`."""
    outside: list[Name] = []
    """Ids of producers that the Code does not bind. Their drafts cite no practice, from the next
    version on.
    """


class ReportSettings(Table):
    """The form of a producer's breach reports, and the people they name. Write roles, not names."""

    form: Literal["A", "B", "C", "D", "note"] | None = None
    """`A`, `B`, `C`, `D` or `note`. By default the date of occurrence decides the form."""
    template: str | None = None
    """The file of your own .docx form, [with fields](drafts.md#a-form-of-your-own)."""
    to: str = ""
    """To whom the report is sent."""
    head_of_profession: str = ""
    """The role that signs the report."""
    contact: str = ""
    """The role that answers questions about the report."""
