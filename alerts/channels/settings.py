"""The tables of `[[channel]]`, one for each kind.

Separate from the channels, because their libraries load slowly.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schedules.values import (
    File,
    Hook,
    Host,
    Mailbox,
    Secret,
    Spacing,
    Table,
    WebAddress,
    refuse_any,
)


class CommonSettings(Table):
    """Someone who gets notices. Every kind has these keys.

    [Channels](how-to/channels.md) shows how to set up each kind. [Notices](notices.md#channels)
    says what each sends.
    """

    name: str
    """Its name in routes and metrics."""
    kind: str
    """Which kind of channel it is."""
    timeout: Spacing = timedelta(seconds=30)
    """The longest time for an attempt to send a message."""
    digest: bool = False
    """Whether many openings at once are sent as one."""


class PostSettings(CommonSettings):
    """What every channel that posts has."""

    ca_file: File | None = None
    """Further certificates to trust."""


class FolderSettings(CommonSettings):
    """Files: each notice, and the draft in every format."""

    kind: Literal["folder"]
    folder: str
    """The folder. It is created if it is missing."""


class MailSettings(CommonSettings):
    """E-mail, with the draft attached as .docx."""

    kind: Literal["mail"]
    host: Host
    """The mail server."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls`, `tls` or `none`."""
    user: str | None = None
    """The user name at the server."""
    password: Secret | None = None
    """The password at the server, a secret."""
    sender: Mailbox
    """The From address."""
    to: list[Mailbox] = Field(min_length=1)
    """One or more addresses."""
    ca_file: File | None = None
    """Further certificates to trust."""
    digest: bool = True

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        if self.user is None and self.password is not None:
            refuse_any([("user", "must be given with password, which has no effect alone", None)])
        return self


class AppriseSettings(CommonSettings):
    """Slack, Teams, ntfy, Pushover, text messages and a hundred other services."""

    kind: Literal["apprise"]
    url: Secret
    """An Apprise address with one recipient, for example `workflows://…` for Teams. All of it is a
    secret.
    """
    digest: bool = True


class NotifySettings(CommonSettings):
    """GOV.UK Notify: e-mail, or text messages if the template is one for text messages."""

    kind: Literal["notify"]
    key: Secret
    """The API key, a secret."""
    template: str
    """The template's id. [Notices](notices.md#notify) has its fields."""
    to: list[str] = Field(min_length=1)
    """Mail addresses or telephone numbers."""
    base_url: WebAddress | None = None
    """The address of another service with the same API, by default GOV.UK Notify's."""
    draft_field: str | None = None
    """The field of the template for a link to the draft."""
    digest: bool = True


class WebhookSettings(PostSettings):
    """A JSON POST, signed if there is a `secret`."""

    kind: Literal["webhook"]
    url: Hook = Field(repr=False)
    """The address. It is never shown."""
    secret: Secret | None = None
    """The key for the signature (HMAC)."""
    with_attachments: bool = False
    """Whether the JSON contains the draft itself, as base64."""


class AlertmanagerSettings(PostSettings):
    """Alerts pushed to Alertmanager, one for each incident.

    Use this or the rules of `deploy/prometheus`. With both, you get each alert twice.
    """

    kind: Literal["alertmanager"]
    url: Hook = Field(repr=False)
    """Alertmanager's own address."""
    token: Secret | None = None
    """A secret that is sent as a bearer token."""
    hold: Spacing = timedelta(days=14)
    """An alert that is not resolved ends after this."""
    hold_others: Spacing = timedelta(days=1)
    """An alert that no measurement can resolve (a lead, a doubt, a test) ends after this."""


class PagerdutySettings(PostSettings):
    """PagerDuty's Events API v2.

    One incident is one alert. It is resolved when the measurement is complete.
    """

    kind: Literal["pagerduty"]
    routing_key: Secret
    """The integration key of a service, a secret."""
    url: WebAddress | None = None
    """The address of events. PagerDuty's own by default."""
    digest: bool = True


ChannelSettings = Annotated[
    FolderSettings
    | MailSettings
    | AppriseSettings
    | NotifySettings
    | WebhookSettings
    | AlertmanagerSettings
    | PagerdutySettings,
    Field(discriminator="kind"),
]
