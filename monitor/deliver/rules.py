"""What the configuration says of producers, routes and channels, as `alerts` wants it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from alerts.draft.code import Book
from alerts.incident import Incident, Kind, Linked
from alerts.notice import Notice
from alerts.rota import Rota
from alerts.routes import Route, routes_for
from alerts.signed_link import OF_NOTICE, sign
from monitor.judge.policy import UsualTime
from monitor.store.rows import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class ReportingRules:
    """How each producer reports, and who is told.

    `producers` maps a producer to its entries (`name`, `head_of_profession`, `contact`, `to`), `forms` to
    the form it uses where that is not decided by date, `templates` to its own .docx file. `book` replaces the
    editions of the Code as shipped; `usual` are times that are on file. `open_channels` reach more than staff; those
    `folding` are told of a platform's fault in one thread, whose opening waits for `gather` after each release;
    `pagers` are those that keep an alert open until they hear of its end, `hooks` the machines that hear of whatever
    people do. Routes may name `rotas`, of which that of a calendar is replaced whenever it was read anew.
    """

    timezone: str = "Europe/London"
    producers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    channels: Sequence[str] = ()
    open_channels: Collection[str] = ()
    templates: Mapping[str, Path] = field(default_factory=dict)
    book: Book | None = None
    usual: Sequence[UsualTime] = ()
    folding: Collection[str] = ()
    pagers: Collection[str] = ()
    gather: timedelta = timedelta(milliseconds=400)
    hooks: Collection[str] = ()
    rotas: dict[str, Rota] = field(default_factory=dict)

    def entries(self, incident: Incident) -> dict[str, str]:
        """Return a producer's own entries for a draft, with the reference of a time other than 09:30."""
        entries = dict(self.producers.get(incident.producer, {"name": incident.producer}))
        named = {f"name of {one}": each["name"] for one, each in self.producers.items() if each.get("name")}
        entries = {**named, **entries}
        facts = incident.facts
        fitting = (one for one in self.usual if facts is not None and one.fits(facts, facts.slot, facts.timezone))
        reference = next((one.reference for one in fitting), "")
        return {**entries, "slot_time_reference": reference} if reference else entries

    def name_of(self, producer: str) -> str:
        """Return what a producer is called, its id where nobody has named it."""
        return self.producers.get(producer, {}).get("name") or producer

    @property
    def passes_on(self) -> bool:
        """Tell whether later messages of a thread may go to others than its first."""
        return bool(self.rotas) or any(one.escalate for one in self.routes)

    def deliveries(
        self, notice: Notice, incident: Incident, now: datetime, heard: Collection[str] = ()
    ) -> list[Delivery]:
        """Return the deliveries that a notice needs, each with the instant from which it may go out.

        What is told before the slot, and of leaks and leads at any time, goes to no open channel. `heard` are channels
        that were told of the thread before: they learn how it goes on, whoever is on call by now.
        """
        chosen = dict(self._chosen(notice, incident, now))
        if heard:
            wide = self.whoever()._chosen(notice, incident, now)  # noqa: SLF001  # of its own kind
            chosen = {name: due for name, due in wide if name in heard} | chosen
        return [Delivery(notice.id, channel, DeliveryState.WAITING, due) for channel, due in chosen.items()]

    def _chosen(self, notice: Notice, incident: Incident, now: datetime) -> Iterable[tuple[str, datetime]]:
        if incident.kind is Kind.PLATFORM:
            return [(name, due) for name, (due, _) in self.audience(notice, incident, now).items()]
        closed = () if _may_all_know(incident, now) else self.open_channels
        names = [one for one in self.channels if one not in closed]
        return routes_for(
            notice, self.routes, names, now, self.timezone, producers=incident.producers, rotas=self.rotas
        )

    def audience(
        self, notice: Notice, incident: Incident, now: datetime
    ) -> dict[str, tuple[datetime, tuple[Linked, ...]]]:
        """Return which of the releases that a platform held up each channel is told of, and from when."""
        told: dict[str, tuple[datetime, tuple[Linked, ...]]] = {}
        for one in incident.linked:
            of_one = replace(notice, producer=one.producers[0], grade=one.grade)
            chosen = routes_for(
                of_one, self.routes, self.channels, now, self.timezone, producers=one.producers, rotas=self.rotas
            )
            for name, due in chosen:
                earliest, mine = told.get(name, (due, ()))
                told[name] = (min(due, earliest), (*mine, one))
        return told

    def whoever(self) -> ReportingRules:
        """Return the rules by which everybody is told who may be, at whatever hour and however late they come in."""
        # Without turns and shifts, all of a rota are notified.
        unset: dict[str, object] = {"turns": [], "shift": []}
        everybody = {name: Rota(rota.settings.model_copy(update=unset)) for name, rota in self.rotas.items()}
        routes = [one.model_copy(update={"channels": [*one.channels, *one.escalate]}) for one in self.routes]
        return replace(self, rotas=everybody, routes=routes)


def _may_all_know(incident: Incident, now: datetime) -> bool:
    slot = incident.facts.slot if incident.facts is not None else None
    return incident.kind not in {Kind.HAND, Kind.LEAD} and slot is not None and slot <= now


@dataclass(frozen=True, slots=True)
class Links:
    """Where people read an incident: `url` is the address of the pages, empty where they have none.

    With a `key` a link is signed and lets its reader acknowledge the incident, `lasts` from the notice on.
    """

    url: str = ""
    key: bytes = field(default=b"", repr=False)
    lasts: timedelta = timedelta(days=7)

    def to(self, notice: Notice) -> str:
        """Return the link that goes with a notice, the same at every attempt; empty where there is none."""
        if not self.url or not notice.incident:
            return ""
        if not self.key:
            return self.page(notice)
        told = f"{notice.incident}{OF_NOTICE}{notice.id[:8]}"
        return f"{self.url.rstrip('/')}/acknowledge?token={sign(told, notice.at + self.lasts, self.key)}"

    @property
    def runbook(self) -> str:
        """Return the address of what is to be done; empty where there are no pages."""
        return f"{self.url.rstrip('/')}/runbook#at-931" if self.url else ""

    def page(self, notice: Notice) -> str:
        """Return the address of the page of a notice's incident; empty where there is none."""
        if not self.url or not notice.incident:
            return ""
        return f"{self.url.rstrip('/')}/incidents/{quote(notice.incident, safe='')}"
