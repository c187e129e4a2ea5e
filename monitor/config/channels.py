"""The tables of `[[channel]]`, one for each kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from monitor.config.values import Secret, Table


class FolderChannel(Table):
    """Messages and drafts as files."""

    name: str
    kind: Literal["folder"]
    folder: str


class MailChannel(Table):
    """E-mail over SMTP, the draft attached."""

    name: str
    kind: Literal["mail"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: str
    to: list[str] = Field(min_length=1)


class AppriseChannel(Table):
    """Chat, pagers and text messages by an Apprise address, which is a secret as a whole."""

    name: str
    kind: Literal["apprise"]
    url: Secret


class NotifyChannel(Table):
    """GOV.UK Notify."""

    name: str
    kind: Literal["notify"]
    key: Secret
    template: str
    to: list[str] = Field(min_length=1)
    base_url: str | None = None


class WebhookChannel(Table):
    """A signed JSON POST."""

    name: str
    kind: Literal["webhook"]
    url: str
    secret: Secret | None = None


class AlertmanagerChannel(Table):
    """Alerts pushed to Alertmanager."""

    name: str
    kind: Literal["alertmanager"]
    url: str


Channel = Annotated[
    FolderChannel | MailChannel | AppriseChannel | NotifyChannel | WebhookChannel | AlertmanagerChannel,
    Field(discriminator="kind"),
]
