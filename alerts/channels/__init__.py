"""Channels: each carries messages to people or machines in one way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module

from alerts.channel import Channel
from alerts.channels.base import Outbound
from alerts.channels.settings import CommonSettings

# Channels are imported when they are opened, so that only the libraries of configured channels are
# loaded.
KINDS = {
    "alertmanager": "alerts.channels.alertmanager:Alertmanager",
    "apprise": "alerts.channels.apprise:Apprise",
    "folder": "alerts.channels.folder:Folder",
    "mail": "alerts.channels.mail:Mail",
    "notify": "alerts.channels.notify:Notify",
    "pagerduty": "alerts.channels.pagerduty:PagerDuty",
    "webhook": "alerts.channels.webhook:Webhook",
}


def open_channel(
    settings: CommonSettings, now: Callable[[], datetime], outbound: Outbound
) -> Channel:
    """Return the channel that a table of settings describes.

    It reads its secrets but does not connect yet.
    """
    module_name, class_name = KINDS[settings.kind].split(":")
    channel: Channel = getattr(import_module(module_name), class_name)(settings, now, outbound)
    return channel
