"""The seam to people and machines: a message goes out, and is accepted or refused."""

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

    `id` is stable: a receiver that has seen it may drop a second copy. `notice` is the id of the fact it is about,
    shared by the messages that follow it up (`kind`: opened, grade_changed, …). `data` is the same in a form for
    machines, `brief` a subject of 78 characters at most. Nothing here holds content that was public before its
    slot.
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
"""How grave a grade is in the words of pagers and of Prometheus; any other is `info`."""
LONGEST_SHORT_FORM = 459
"""The most characters of a short form: three text messages, joined."""


def short_form(message: Message, most: int = LONGEST_SHORT_FORM) -> tuple[str, str]:
    """Return what a text message or a pager can carry: the subject and the link, at most `most` characters in all.

    The subject says what, whose, and how late now. The link is left out where it would take more than half.
    """
    link = str(message.data.get("link") or "")
    kept = link if len(link) <= most // 2 else ""
    return one_line(message.subject, most - len(kept) - 1), kept


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side took the message; `reference` is its own name for it, when it gave one."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The message was not taken. `permanent`: trying again cannot help. `reason` holds no secret."""

    permanent: bool
    reason: str
    retry_after: timedelta | None = None


Outcome = Accepted | Refused


class Channel(Protocol):
    """One way to reach people or machines."""

    @property
    def name(self) -> str:
        """Return the name the configuration gives it."""

    @property
    def formats(self) -> Sequence[str]:
        """Return the formats in which it takes the draft, none where it takes no files."""

    async def send(self, message: Message) -> Outcome:
        """Send one message. Never raises for what the network or the other side does."""

    async def close(self) -> None:
        """Let go of connections and threads."""
