"""The tables of `[[channel]]`, one for each kind. Separate from the channels, because their libraries load slowly."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from schedules.values import File, Hook, Host, Mailbox, Secret, Spacing, Table, WebAddress


class CommonSettings(Table):
    """What every channel has: `timeout` for a whole message; with `digest`, many openings at once are sent as one."""

    name: str
    kind: str
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = False


class PostSettings(CommonSettings):
    """What every channel that posts has besides. `ca_file` names other authorities than the system's."""

    ca_file: File | None = None


class FolderSettings(CommonSettings):
    """Messages and drafts as files. `folder` is made if it is missing."""

    kind: Literal["folder"]
    folder: str


class MailSettings(CommonSettings):
    """E-mail over SMTP, the draft attached. `ca_file` names other authorities than the system's."""

    kind: Literal["mail"]
    host: Host
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: Mailbox
    to: list[Mailbox] = Field(min_length=1)
    ca_file: File | None = None
    digest: bool = True


class AppriseSettings(CommonSettings):
    """Chat, pagers and text messages by an Apprise address, which is a secret as a whole.

    It has one recipient: if one of several failed, the others would get the next attempt too.
    """

    kind: Literal["apprise"]
    url: Secret
    digest: bool = True


class NotifySettings(CommonSettings):
    """GOV.UK Notify, to e-mail addresses, or to telephone numbers if the template is one for text messages.

    `template` needs the fields ((subject)) and ((text)). `draft_field` names one more, for a link to the draft. Text
    messages have the short form: its subject in ((subject)) and its link in ((text)).
    """

    kind: Literal["notify"]
    key: Secret
    template: str
    to: list[str] = Field(min_length=1)
    base_url: WebAddress | None = None
    draft_field: str | None = None
    digest: bool = True


class WebhookSettings(PostSettings):
    """A JSON POST, signed if there is a `secret`. `with_attachments` puts the draft itself into it, as base64."""

    kind: Literal["webhook"]
    url: Hook = Field(repr=False)
    secret: Secret | None = None
    with_attachments: bool = False


class AlertmanagerSettings(PostSettings):
    """Alerts pushed to Alertmanager, at its own address. `token` is sent as a bearer token.

    An alert that no one resolves ends after `hold`. One that no measurement will resolve (a lead, a doubt, a test)
    ends after `hold_others`.
    """

    kind: Literal["alertmanager"]
    url: Hook = Field(repr=False)
    token: Secret | None = None
    hold: Spacing = timedelta(days=14)
    hold_others: Spacing = timedelta(days=1)


class PagerdutySettings(PostSettings):
    """PagerDuty's Events API v2. `routing_key` is the integration key of a service."""

    kind: Literal["pagerduty"]
    routing_key: Secret
    url: WebAddress | None = None
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
