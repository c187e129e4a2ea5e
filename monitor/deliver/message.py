"""What goes out for a notice: its words, the draft in the formats its channel gets, and a link."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog

from alerts.channel import Attachment, Message
from alerts.incident import Incident, Kind
from alerts.message import build_message
from alerts.notice import Notice
from alerts.platform import narrow_to_recipients
from monitor.deliver.drafts import written
from monitor.deliver.rules import Links, ReportingRules
from monitor.store.rows import Draft
from monitor.store.sql.read import VerdictStore

Redactor = Callable[[str], str]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Packer:
    """Makes messages of notices, from what the store holds when they go out.

    `endings` are the formats of the draft that each channel gets, and `templates` the producers' own .docx files.
    `redactor` hides secrets. With `rules`, a channel gets only its own releases of a platform's incident.
    """

    verdicts: VerdictStore
    endings: Mapping[str, Sequence[str]]
    links: Links = field(default_factory=Links)
    templates: Mapping[str, Path] = field(default_factory=dict)
    redactor: Redactor | None = None
    rules: ReportingRules = field(default_factory=ReportingRules)

    def pack(self, notice: Notice, channel: str, now: datetime) -> Message:
        """Return the message of a notice for a channel."""
        links, incident = self.links, self.verdicts.incident(notice.incident) if notice.incident else None
        attachments = self._attachments(incident, channel) if incident is not None and _has_draft(notice) else []
        if incident is not None and incident.kind is Kind.PLATFORM:
            _, mine = self.rules.whoever().audience(notice, incident, now).get(channel, (now, incident.linked))
            notice = narrow_to_recipients(notice, incident, mine, now)
        return self._veiled(
            build_message(notice, incident, attachments, links.to(notice), links.page(notice), links.runbook)
        )

    def _veiled(self, made: Message) -> Message:
        if self.redactor is None:
            return made
        subject, text, html, brief = map(self.redactor, (made.subject, made.text, made.html, made.brief))
        data = json.loads(self.redactor(json.dumps(made.data)))
        return replace(made, subject=subject, text=text, html=html, brief=brief, data=data)

    def _attachments(self, incident: Incident, channel: str) -> list[Attachment]:
        versions = self.verdicts.drafts(incident.id)
        endings = self.endings[channel] if versions else ()
        made = [self._attachment(versions[-1], incident, ending) for ending in endings]
        return [one for one in made if one is not None]

    def _attachment(self, draft: Draft, incident: Incident, ending: str) -> Attachment | None:
        try:
            content, media = written(redacted(draft, self.redactor), ending, self.templates.get(incident.producer))
        except Exception as fault:  # noqa: BLE001 # a draft that cannot be written must not keep the notice back
            _log.error("draft_unwritten", incident=incident.id, ending=ending, fault=type(fault).__name__)
            return None
        return Attachment(f"{incident.id}.{ending}", media, content)


def _has_draft(notice: Notice) -> bool:
    """Tell whether a notice brings its draft along: one that opens a platform's thread goes before all is known."""
    return "platform" not in notice.findings or bool(notice.release) or notice.kind == "final"


def redacted(draft: Draft, redactor: Redactor | None) -> Draft:
    """Return a draft without what may not be told of configured addresses."""
    return draft if redactor is None else replace(draft, facts=json.loads(redactor(json.dumps(draft.facts))))
