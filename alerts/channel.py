"""The interface of channels: a message is sent, and is accepted or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from alerts.one_line import one_line


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one notice, the same for every channel.

    `id` is stable, so receivers may drop a second copy. `notice` is the id of the notice that
    opened the thread. `kind` is what happened (opened, grade_changed, …). `data` is the same for
    machines, `brief` a subject of at most 78 characters. No field has content that was public
    before its slot.
    """

    id: str
    notice: str
    kind: str
    subject: str
    text: str
    html: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    brief: str = ""


SEVERITIES = {"report": "critical", "note": "warning"}
"""Severities of pagers and Prometheus by grade; any other grade is `info`."""
_LONGEST_SHORT_FORM = 459
"""Three text messages, joined."""
_LONGEST_SHORT_TEXT = 120


def make_short_form(message: Message) -> tuple[str, str]:
    """Return what telephones and chats show: a text of at most 120 characters, and the link to
    acknowledge, empty if text messages are too short for it.
    """
    link = str(message.data.get("link") or "")
    if len(link) > _LONGEST_SHORT_FORM - _LONGEST_SHORT_TEXT - 1:
        link = ""
    return one_line(message.brief or message.subject, _LONGEST_SHORT_TEXT), link


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service accepted the message; `reference` is its own id for it, empty if it gave none."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The message was refused. If `permanent`, a retry cannot help. `reason` contains no secret."""

    reason: str
    permanent: bool = False
    retry_after: timedelta | None = None


Outcome = Accepted | Refused


class Channel(Protocol):
    """One way to reach people or machines."""

    @property
    def name(self) -> str:
        """Return the name the configuration gives it."""

    @property
    def formats(self) -> Sequence[str]:
        """Return the formats in which it takes the draft, none if it takes no files."""

    async def send(self, message: Message) -> Outcome:
        """Send one message. Never raises for what the network or the other side does."""

    async def close(self) -> None:
        """Close connections and threads."""
