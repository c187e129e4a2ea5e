"""The tables of `[[channel]]`, one for each kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from monitor.config.values import Address, Hook, Mailbox, Secret, Spacing, Table


class FolderChannel(Table):
    """Messages and drafts as files."""

    name: str
    kind: Literal["folder"]
    folder: str
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = False


class MailChannel(Table):
    """E-mail over SMTP, the draft attached."""

    name: str
    kind: Literal["mail"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: Mailbox
    to: list[Mailbox] = Field(min_length=1)
    ca_file: str | None = None
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = True


class AppriseChannel(Table):
    """Chat, pagers and text messages by an Apprise address, which is a secret as a whole."""

    name: str
    kind: Literal["apprise"]
    url: Secret
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = True


class NotifyChannel(Table):
    """GOV.UK Notify. `draft_field` is the field of the template that takes a link to the draft."""

    name: str
    kind: Literal["notify"]
    key: Secret
    template: str
    to: list[str] = Field(min_length=1)
    base_url: Address | None = None
    draft_field: str | None = None
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = True


class WebhookChannel(Table):
    """A signed JSON POST. `with_attachments` puts the draft itself into the JSON."""

    name: str
    kind: Literal["webhook"]
    url: Hook
    secret: Secret | None = None
    with_attachments: bool = False
    ca_file: str | None = None
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = False


class AlertmanagerChannel(Table):
    """Alerts pushed to Alertmanager.

    An alert that nobody resolves ends after `hold`, one that no measurement will resolve after `hold_others`.
    """

    name: str
    kind: Literal["alertmanager"]
    url: Hook
    token: Secret | None = None
    hold: Spacing = timedelta(days=14)
    hold_others: Spacing = timedelta(days=1)
    ca_file: str | None = None
    timeout: Spacing = timedelta(seconds=30)
    digest: bool = False


class PagerdutyChannel(Table):
    """PagerDuty's Events API v2. `routing_key` is the integration key of a service."""

    name: str
    kind: Literal["pagerduty"]
    routing_key: Secret
    url: Address | None = None
    ca_file: str | None = None
    timeout: Spacing = timedelta(seconds=30)
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
