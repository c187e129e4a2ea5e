"""What goes out for a notice: its words, the draft in the formats its channel gets, and a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from alerts.channel import Attachment, Message
from alerts.incident import Incident
from alerts.notice import Notice, message
from monitor.deliver.drafts import written
from monitor.deliver.rules import Links
from monitor.store.interface import VerdictStore
from monitor.store.rows import Draft

_log = structlog.get_logger(__name__)


class Packer:
    """Makes messages of notices, from what the store holds when they go out."""

    def __init__(
        self,
        store: VerdictStore,
        endings: Mapping[str, Sequence[str]],
        links: Links | None = None,
        templates: Mapping[str, Path] | None = None,
    ) -> None:
        """Take the formats of the draft each channel gets, and the producers' own .docx files."""
        self._store = store
        self._endings = endings
        self._links = links or Links()
        self._templates = templates or {}

    def pack(self, notice: Notice, channel: str) -> Message:
        """Return the message of a notice for a channel."""
        incident = self._store.incident(notice.incident) if notice.incident else None
        attachments = self._attachments(incident, channel) if incident is not None else []
        return message(notice, incident, attachments, self._links.to(notice))

    def _attachments(self, incident: Incident, channel: str) -> list[Attachment]:
        versions = self._store.drafts(incident.id)
        endings = self._endings.get(channel, ("docx",)) if versions else ()
        made = [self._attachment(versions[-1], incident, ending) for ending in endings]
        return [one for one in made if one is not None]

    def _attachment(self, draft: Draft, incident: Incident, ending: str) -> Attachment | None:
        try:
            content, media = written(draft, ending, self._templates.get(incident.producer))
        except Exception as fault:  # noqa: BLE001 # a draft that cannot be written must not keep the notice back
            _log.error("draft_unwritten", incident=incident.id, ending=ending, fault=type(fault).__name__)
            return None
        return Attachment(f"{incident.id}.{ending}", media, content)
