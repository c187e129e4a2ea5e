"""Channels: each carries messages to people or machines in one way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

from alerts.channel import Channel

# Named, not imported: a plain start loads the libraries of those channels alone that are configured.
KINDS = {
    "alertmanager": "alerts.channels.alertmanager:Alertmanager",
    "apprise": "alerts.channels.apprise:Apprise",
    "folder": "alerts.channels.folder:Folder",
    "mail": "alerts.channels.mail:Mail",
    "notify": "alerts.channels.notify:Notify",
    "pagerduty": "alerts.channels.pagerduty:PagerDuty",
    "recording": "alerts.channels.fake:FakeChannel",
    "webhook": "alerts.channels.webhook:Webhook",
}


def open_channel(kind: str, name: str, options: Mapping[str, Any], now: Callable[[], datetime]) -> Channel:
    """Make the channel of this kind; nothing is connected yet.

    `options` are the fields of the kind's `Options`, secrets already resolved; `now` tells the time for
    what is signed or dated. Raises KeyError for a kind there is not, TypeError for an option it does not have.
    """
    module_name, class_name = KINDS[kind].split(":")
    module = import_module(module_name)
    channel: Channel = getattr(module, class_name)(name, module.Options(**options), now)
    return channel
