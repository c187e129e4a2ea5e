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
    """An OpenID provider at which people sign in, and the rights by the values of one `claim`.

    `issuer` is its exact address. `allow` are private networks that it may be in.
    """

    issuer: WebAddress
    client_id: Text
    client_secret: Secret
    claim: Text
    rights: dict[str, RightName] = Field(min_length=1)
    allow: list[Network] = []


class WebSettings(Table):
    """The pages, the API and the metrics.

    `public` is what people see without signing in: no page, or the board without embargoed releases. `users_file` lists
    the people who can sign in. `proxies` are trusted when they name the client. If they also sign people in, they give
    the name in `proxy_header`, and `proxy_rights` has the rights by name, with `*` for all others.
    `public_url` is where people reach the pages. With `link_key`, notices have a signed link, valid for `link_lasts`,
    with which an incident can be acknowledged. Programs need `token` for that. `metrics_listen` serves only metrics
    and health.
    """

    listen: str = "127.0.0.1:9030"
    public: Literal["none", "board"] = "none"
    proxies: list[Network] = []
    proxy_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    proxy_rights: dict[str, RightName] = {}
    oidc: OidcSettings | None = None
    users_file: str | None = None
    public_url: WebAddress | None = None
    link_key: Secret | None = None
    link_lasts: Spacing = timedelta(days=7)
    token: Secret | None = None
    metrics_token: Secret | None = None
    metrics_listen: str | None = None

    @property
    def signs_in(self) -> bool:
        """Return whether there is any way to sign in."""
        return any(way is not None for way in (self.users_file, self.proxy_header, self.oidc))


class AlertSettings(Table):
    """When reminders are sent, and when many openings are sent as one digest.

    For a report-grade incident that no one acknowledged, a reminder is sent `remind_after` its opening and then each
    `remind_every`. A `remind_after` of zero turns reminders off. If at least `digest_from` releases open within
    `digest_within` of each other, channels for people get one digest. `open_channels` reach more than staff, so they
    get nothing embargoed.
    """

    remind_after: Duration = timedelta(minutes=15)
    remind_every: Spacing = timedelta(minutes=30)
    digest_from: int = Field(default=5, ge=2)
    digest_within: Duration = timedelta(milliseconds=400)
    open_channels: list[str] = []


class SummarySettings(Table):
    """A summary that is sent at a local time on these days of the week.

    A `morning` summary lists due releases, an `evening` one the results and what follows. A `month` summary, sent
    on the first day of a month, has the punctuality of the month before. Default times are 08:45, 17:00 and 09:00.
    """

    kind: Literal["morning", "evening", "month"]
    channels: list[str] = Field(min_length=1)
    at: TimeOfDay | None = None
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    producer: str = ""


class CodeSettings(Table):
    """Corrections to the editions of the Code of Practice that are shipped.

    `begins` maps an edition to its first day, `cites` a practice (`"3.0/3.1"`) to its citation. `outside` are producers
    to which the Code does not apply.
    """

    begins: dict[str, date] = {}
    cites: dict[str, str] = {}
    outside: list[Name] = []


class ReportSettings(Table):
    """The form of this producer's breach reports, the roles that they name, and their recipient.

    `template` is a .docx file of the organisation.
    """

    form: Literal["A", "B", "C", "D", "note"] | None = None
    template: str | None = None
    to: str = ""
    head_of_profession: str = ""
    contact: str = ""
