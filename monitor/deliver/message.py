"""Builds the message of a notice: text, the draft in the channel's formats, and a link."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from alerts.channel import Attachment, Message
from alerts.incident import Incident, IncidentKind
from alerts.message import build_message
from alerts.notice import Notice
from alerts.platform import rewrite_notice
from monitor.deliver.drafts import render_draft
from monitor.deliver.rules import Links, ReportingRules
from monitor.store.rows import Draft
from monitor.store.sql.read import VerdictStore

Redactor = Callable[[str], str]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MessageBuilder:
    """Builds messages of notices from what the store contains when they are sent.

    `redactor` removes secrets. `rules` have the routes and the producers' own .docx files.
    """

    verdicts: VerdictStore
    links: Links = field(default_factory=Links)
    redactor: Redactor | None = None
    rules: ReportingRules = field(default_factory=ReportingRules)

    def build(
        self, notice: Notice, channel: str, now: datetime, formats: Sequence[str] = ()
    ) -> Message:
        """Return the message of a notice for a channel, without secrets.

        Attach the incident's draft in these formats if there is one.

        A platform is a host with many releases. If it delays several, they share one incident of
        kind PLATFORM. Each channel gets the notices of that incident with only the releases that
        the routes choose for the channel.
        """
        incident = None
        if notice.incident:
            incident = self.verdicts.incident(notice.incident)
        attachments = []
        # A notice about one delayed release also has the finding "platform", but it names its
        # release.
        is_about_whole_platform = "platform" in notice.findings and not notice.release
        # Only the last notice about the platform has a draft. Until then more releases may be
        # delayed, and for longer.
        if incident is not None and (not is_about_whole_platform or notice.kind == "final"):
            attachments = self._render_attachments(incident, formats)
        if incident is not None and incident.kind is IncidentKind.PLATFORM:
            # Choose as if all were on call: the person of this channel may have been, when the
            # notice was routed.
            audience = self.rules.for_everyone_on_call().platform_audience(notice, incident, now)
            # If the routes were changed and do not choose this channel any more, its message is
            # about all releases.
            _due, releases = audience.get(channel, (now, incident.linked))
            notice = rewrite_notice(notice, incident, releases, now)
        link, page = self.links.acknowledge_link(notice, channel), self.links.incident_page(notice)
        facts = None if incident is None else incident.facts
        answer_page = self.links.release_page(notice)
        if answer_page and facts is not None and facts.readings and not facts.readings.by:
            answer = f"To say which time is meant: {answer_page}#which"
            notice = replace(notice, text=f"{notice.text}\n{answer}")
        return self.redact(
            build_message(notice, incident, attachments, link, page, self.links.runbook)
        )

    def redact(self, made: Message) -> Message:
        """Return a message without secrets."""
        if self.redactor is None:
            return made
        subject, text, html, brief = map(
            self.redactor, (made.subject, made.text, made.html, made.brief)
        )
        data = json.loads(self.redactor(json.dumps(made.data)))
        return replace(made, subject=subject, text=text, html=html, brief=brief, data=data)

    def _render_attachments(self, incident: Incident, formats: Sequence[str]) -> list[Attachment]:
        """Return the draft in each format.

        A format that cannot be rendered is logged and left out.
        """
        versions, made = self.verdicts.drafts(incident.id), []
        template = self.rules.templates.get(incident.producer)
        for ending in formats if versions else ():
            try:
                content, media = render_draft(
                    redact_draft(versions[-1], self.redactor), ending, template
                )
            except Exception as fault:  # noqa: BLE001 # a draft that cannot be rendered must not block the notice
                _log.error(
                    "draft_unwritten",
                    incident=incident.id,
                    ending=ending,
                    fault=type(fault).__name__,
                )
            else:
                made.append(Attachment(f"{incident.id}.{ending}", media, content))
        return made


def redact_draft(draft: Draft, redactor: Redactor | None) -> Draft:
    """Return a draft without the secrets that `redactor` knows."""
    if redactor is None:
        return draft
    return replace(draft, facts=json.loads(redactor(json.dumps(draft.facts))))
