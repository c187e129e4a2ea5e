"""The configured rules for reporting: entries of producers, and which channels get a notice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from alerts.draft.code import Editions
from alerts.incident import NOT_MEASURED, Incident, IncidentKind, LinkedRelease
from alerts.notice import Notice
from alerts.rota import Rota
from alerts.routes import Route, select_channels
from alerts.signed_link import SEPARATOR, sign_token
from monitor.judge.policy import UsualTime
from monitor.store.rows import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class DigestRule:
    """When openings (first notices of incidents) become one digest on `channels`: at least
    `threshold` releases, each within `within` of the one before.
    """

    channels: frozenset[str] = frozenset()
    threshold: int = 5
    within: timedelta = timedelta(milliseconds=400)


@dataclass(frozen=True, slots=True)
class ReportingRules:
    """How each producer reports, and which channels get its notices."""

    timezone: str = "Europe/London"
    producers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By producer, its entries: `name`, `head_of_profession`, `contact`, `to`."""
    forms: Mapping[str, str] = field(default_factory=dict)
    """By producer, its form if the date does not decide it."""
    routes: Sequence[Route] = ()
    channels: Sequence[str] = ()
    open_channels: Collection[str] = ()
    """Channels that reach more than staff."""
    templates: Mapping[str, Path] = field(default_factory=dict)
    """By producer, its own .docx file."""
    editions: Editions | None = None
    """They replace those of the Code."""
    agreed_times: Sequence[UsualTime] = ()
    """Those other than 09:30."""
    folding: Collection[str] = ()
    """Channels that get a platform's fault as one thread, whose opening waits as long as a digest
    after each release.
    """
    pagers: Collection[str] = ()
    """Channels that keep an alert open until its end."""
    digest_rule: DigestRule = field(default_factory=DigestRule)
    hooks: Collection[str] = ()
    """Channels to machines, which get every act of people."""
    rotas: dict[str, Rota] = field(default_factory=dict)
    """Routes may name them. The rota of a calendar is replaced after each read."""
    known_names: Mapping[str, str] = field(default_factory=dict)
    """The full names of producers that need no configuration."""

    def draft_entries(self, incident: Incident) -> dict[str, str]:
        """Return the texts for a draft, by key: the entries of its producer, and the names of all
        producers. A producer without a configured name gets the known one, by default its id.

        The key of a name is `name of ID`. If a time other than 09:30 was agreed for the slot of the
        incident's release, the text `slot_time_reference` cites the agreement.
        """
        configured = {one: each["name"] for one, each in self.producers.items() if each.get("name")}
        known = {**self.known_names, **configured}
        named = (*configured, *incident.producers)
        names = {f"name of {one}": known[one] for one in named if one in known}
        own_name = known.get(incident.producer, incident.producer)
        entries = {**names, "name": own_name, **self.producers.get(incident.producer, {})}
        facts = incident.facts
        if facts is None:
            return entries
        for agreed in self.agreed_times:
            if agreed.fits(facts, facts.slot, facts.timezone):
                if agreed.reference:
                    entries["slot_time_reference"] = agreed.reference
                break
        return entries

    def producer_name(self, producer: str) -> str:
        """Return the configured name of a producer, by default its id."""
        return self.producers.get(producer, {}).get("name") or producer

    @property
    def recipients_can_change(self) -> bool:
        """Return whether later messages of a thread can go to other people than its first one."""
        return bool(self.rotas) or any(one.escalate for one in self.routes)

    def deliveries(
        self,
        notice: Notice,
        incident: Incident,
        now: datetime,
        earlier_channels: Collection[str] = (),
    ) -> list[Delivery]:
        """Return the deliveries of a notice, each with the instant from which it may be sent.

        `earlier_channels` got earlier messages of the thread. They get this one too, even after a
        change of shift.
        """
        due_by_channel = dict(self._choose_channels(notice, incident, now))
        if earlier_channels:
            rules_without_shifts = self.for_everyone_on_call()
            all_channels = rules_without_shifts._choose_channels(notice, incident, now)  # noqa: SLF001  # same class
            of_earlier_channels = {
                channel: due for channel, due in all_channels if channel in earlier_channels
            }
            # if in both, the times of the current shift count
            due_by_channel = of_earlier_channels | due_by_channel
        return [
            Delivery(notice.id, channel, DeliveryState.WAITING, due)
            for channel, due in due_by_channel.items()
        ]

    def _choose_channels(
        self, notice: Notice, incident: Incident, now: datetime
    ) -> Iterable[tuple[str, datetime]]:
        """Return the channels that get a notice, each with the instant from which it may be sent.

        Open channels, which reach more than staff, get no notice before the slot. They get none of
        incidents that people report (`HAND`, which can be leaks), and none of what only a person
        can judge (`LEAD`).
        """
        if incident.kind is IncidentKind.PLATFORM:
            # It is about late releases, so their slot has passed, and open channels may get it.
            audience = self.platform_audience(notice, incident, now)
            return [(name, due) for name, (due, _) in audience.items()]
        slot = incident.facts.slot if incident.facts is not None else None
        is_public = incident.kind not in NOT_MEASURED and slot is not None and slot <= now
        names = [one for one in self.channels if is_public or one not in self.open_channels]
        return self._select_channels(notice, names, incident.producers, now)

    def _select_channels(
        self, notice: Notice, names: Sequence[str], producers: Sequence[str], now: datetime
    ) -> Iterable[tuple[str, datetime]]:
        return select_channels(
            notice,
            self.routes,
            names,
            now,
            self.timezone,
            producers=producers,
            rotas=self.rotas,
        )

    def platform_audience(
        self, notice: Notice, incident: Incident, now: datetime
    ) -> dict[str, tuple[datetime, tuple[LinkedRelease, ...]]]:
        """Return, by channel, the earliest time for a notice of a platform's incident, and the
        releases it names.
        """
        audience: dict[str, tuple[datetime, tuple[LinkedRelease, ...]]] = {}
        for release in incident.linked:
            # Routes choose the channels as if the notice were about this release only.
            routed = replace(notice, producer=release.producers[0], grade=release.grade)
            chosen = self._select_channels(routed, self.channels, release.producers, now)
            for name, due in chosen:
                earliest, releases = audience.get(name, (due, ()))
                audience[name] = (min(due, earliest), (*releases, release))
        return audience

    def role_of_channel(self, channel: str) -> str:
        """Return the role in which a person acts whom a notice in this channel has reached."""
        for rota in self.rotas.values():
            for role, of_role in rota.settings.who.items():
                if of_role == channel:
                    return role
        return "on call"

    def for_everyone_on_call(self) -> ReportingRules:
        """Return rules that notify every person of a rota and every step of an escalation, at any
        time.
        """
        # without turns and shifts, all of a rota are notified
        unset: dict[str, object] = {"turns": [], "shift": []}
        everyone = {
            name: Rota(rota.settings.model_copy(update=unset)) for name, rota in self.rotas.items()
        }
        routes = [
            one.model_copy(update={"channels": [*one.channels, *one.escalate]})
            for one in self.routes
        ]
        return replace(self, rotas=everyone, routes=routes)


@dataclass(frozen=True, slots=True)
class Links:
    """Links to pages. `url` is the address of the board. Without one, all links are empty.

    With a `key` links are signed, and their reader can acknowledge the incident for `lasts` after
    the notice.
    """

    url: str = ""
    key: bytes = field(default=b"", repr=False)
    lasts: timedelta = timedelta(days=7)

    def acknowledge_link(self, notice: Notice, channel: str) -> str:
        """Return the link to acknowledge an incident, always the same for a notice in a channel.

        Without a key: `incident_page`.
        """
        page = self.incident_page(notice)
        if not page or not self.key:
            return page
        subject = SEPARATOR.join((notice.incident, notice.id[:8], channel))
        token = sign_token(subject, notice.at + self.lasts, self.key)
        return f"{self.url.rstrip('/')}/acknowledge?token={token}"

    @property
    def runbook(self) -> str:
        """Return the address of the runbook."""
        if self.url:
            return f"{self.url.rstrip('/')}/runbook#at-931"
        return ""

    def release_page(self, notice: Notice) -> str:
        """Return the address of the page of a notice's release, empty if it is about none."""
        return self._page("releases", notice.release)

    def incident_page(self, notice: Notice) -> str:
        """Return the address of the page of a notice's incident, as `release_page` does."""
        return self._page("incidents", notice.incident)

    def _page(self, kind: str, name: str) -> str:
        if not self.url or not name:
            return ""
        return f"{self.url.rstrip('/')}/{kind}/{quote(name, safe='')}"
