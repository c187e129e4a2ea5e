"""The tables of `[[channel]]`, one for each kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from schedules.values import Address, Hook, Host, Mailbox, Secret, Spacing, Table


class ChannelTable(Table):
    """What every channel has. With `digest` many openings at once are told as one."""

    name: str
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = False


class FolderChannel(ChannelTable):
    """Messages and drafts as files."""

    kind: Literal["folder"]
    folder: str


class MailChannel(ChannelTable):
    """E-mail over SMTP, the draft attached."""

    kind: Literal["mail"]
    host: Host
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: Mailbox
    to: list[Mailbox] = Field(min_length=1)
    ca_file: str | None = None
    digest: bool = True


class AppriseChannel(ChannelTable):
    """Chat, pagers and text messages by an Apprise address, which is a secret as a whole."""

    kind: Literal["apprise"]
    url: Secret
    digest: bool = True


class NotifyChannel(ChannelTable):
    """GOV.UK Notify. `draft_field` is the field of the template that takes a link to the draft."""

    kind: Literal["notify"]
    key: Secret
    template: str
    to: list[str] = Field(min_length=1)
    base_url: Address | None = None
    draft_field: str | None = None
    digest: bool = True


class WebhookChannel(ChannelTable):
    """A signed JSON POST. `with_attachments` puts the draft itself into the JSON."""

    kind: Literal["webhook"]
    url: Hook
    secret: Secret | None = None
    with_attachments: bool = False
    ca_file: str | None = None


class AlertmanagerChannel(ChannelTable):
    """Alerts pushed to Alertmanager.

    An alert that nobody resolves ends after `hold`, one that no measurement will resolve after `hold_others`.
    """

    kind: Literal["alertmanager"]
    url: Hook
    token: Secret | None = None
    hold: Spacing = timedelta(days=14)
    hold_others: Spacing = timedelta(days=1)
    ca_file: str | None = None


class PagerdutyChannel(ChannelTable):
    """PagerDuty's Events API v2. `routing_key` is the integration key of a service."""

    kind: Literal["pagerduty"]
    routing_key: Secret
    url: Address | None = None
    ca_file: str | None = None
    digest: bool = True


Channel = Annotated[
    FolderChannel
    | MailChannel
    | AppriseChannel
    | NotifyChannel
    | WebhookChannel
    | AlertmanagerChannel
    | PagerdutyChannel,
    Field(discriminator="kind"),
]
