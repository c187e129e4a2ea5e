"""One frozen model per table of `config.toml`. Every default of the program stands here."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from alerts.channels.settings import ChannelSettings
from monitor.config.calendars import (
    CalendarSettings,
    ImportanceSettings,
    Nation,
    NationSettings,
    PinSettings,
    ReleaseMatch,
    SlotTimeSettings,
    SplitSettings,
)
from monitor.config.people import (
    AlertSettings,
    CodeSettings,
    ReportSettings,
    RotaSettings,
    RouteSettings,
    SummarySettings,
    WebSettings,
)
from monitor.plan.phases import WatchSettings
from schedules.values import (
    LONGEST_DAYS,
    Address,
    Duration,
    Host,
    Name,
    Network,
    Rate,
    Spacing,
    Table,
    TimeOfDay,
    Zone,
)


class DeadmanSettings(Table):
    """Who is told, every so often, that all is well; None tells nobody. Whoever knows the address can say so too."""

    url: Address | None = None
    every: Spacing = timedelta(seconds=60)


class StoreSettings(Table):
    """Where everything is remembered, and after how long what is settled is kept in fewer rows; nothing: never.

    `mode` is how several monitors on one PostgreSQL go about it: each watches everything, or hosts are divided. One
    that has not been heard of for `takeover` is taken for dead, and the others do its work. `journal` is the folder
    of what is near, and of what the store could not take. None: no journal for SQLite, `var/journal` for PostgreSQL.
    """

    url: str = "sqlite:///var/ninethirty.db"
    journal: str | None = None
    mode: Literal["redundant", "shared"] = "redundant"
    takeover: Spacing = timedelta(seconds=1.2)
    compact_after: Duration = timedelta(days=400)


class EvidenceSettings(Table):
    """Where the bytes are kept, for how long, and how many."""

    folder: str = "var/evidence"
    keep_days: int = Field(default=400, ge=1, le=LONGEST_DAYS)
    keep_mb: int = Field(default=2000, ge=1, le=1_000_000_000)


class PolicyTable(Table):
    """Tolerances; None takes the value of the general table."""

    on_time_within: Duration | None = None
    note_within: Duration | None = None
    default_time: TimeOfDay | None = None


class PolicySettings(PolicyTable):
    """How releases are judged and graded, in general and per producer."""

    on_time_within: Duration = timedelta(seconds=60)
    note_within: Duration = timedelta(minutes=5)
    default_time: TimeOfDay = time(9, 30)
    short_notice: Duration = timedelta(days=28)
    confirmed_within: Duration = timedelta(minutes=30)
    expect_editions: bool = True
    producer: dict[str, PolicyTable] = {}


class ClockSettings(Table):
    """How far our clock may be off."""

    warn_offset: Duration = timedelta(seconds=1)
    unproven_offset: Duration = timedelta(seconds=30)


class NetworkSettings(Table):
    """How we introduce ourselves, and which addresses that are not public may be asked all the same.

    `proxy` is the way out, `proxies` another one for some hosts, or `direct`.
    """

    contact: str = ""
    allow: list[str] = []
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = []
    timeout: Spacing = timedelta(seconds=10)
    proxy: Address | None = None
    proxies: dict[str, Address | Literal["direct"]] = {}


class ProducerSettings(Table):
    """A producer: its name, hosts, tripwires and how it reports. `secret` are the paths of `newest` and `press`."""

    id: Name
    name: str
    url: Address | None = None
    hosts: list[Host] = []
    newest: list[Address] = []
    press: list[Address] = []
    press_keywords: list[str] = []
    secret: bool = False
    allow: list[Network] = []
    nation: Nation = "ENG"
    report: ReportSettings = ReportSettings()


class PartSettings(Table):
    """A part that no calendar tells of. `url` may hold `{slug}` and `{url}` of the release; `secret` is its path."""

    match: ReleaseMatch
    id: Name
    role: Literal["page", "attachment", "html", "data", "alternative"]
    url: str
    recognise: str | None = None
    required: bool = True
    secret: bool = False


DEFAULT_RATE = 2.0
DEFAULT_RATES = {"www.gov.uk": 5.0, "assets.publishing.service.gov.uk": 5.0}


class Settings(Table):
    """The whole configuration."""

    timezone: Zone = "Europe/London"
    store: StoreSettings = StoreSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    web: WebSettings = WebSettings()
    alert: AlertSettings = AlertSettings()
    code: CodeSettings = CodeSettings()
    policy: PolicySettings = PolicySettings()
    watch: WatchSettings = WatchSettings()
    budget: dict[str, Rate] = {}
    clock: ClockSettings = ClockSettings()
    network: NetworkSettings = NetworkSettings()
    deadman: DeadmanSettings = DeadmanSettings()
    calendar: list[CalendarSettings] = []
    producer: list[ProducerSettings] = []
    part: list[PartSettings] = []
    pin: list[PinSettings] = []
    split: list[SplitSettings] = []
    slot_time: list[SlotTimeSettings] = []
    importance: list[ImportanceSettings] = []
    nation: dict[str, NationSettings] = {}
    channel: list[ChannelSettings] = []
    route: list[RouteSettings] = []
    rota: list[RotaSettings] = []
    summary: list[SummarySettings] = []

    def rate(self, host: str) -> float:
        """Return how many requests a second this host may be asked."""
        default = DEFAULT_RATES.get(host) or self.budget.get("default", DEFAULT_RATE)
        return self.budget.get(host, default)

    def producer_of(self, producer: str) -> ProducerSettings:
        """Return the table of a producer, a bare one when the configuration has none."""
        for table in self.producer:
            if table.id == producer:
                return table
        return ProducerSettings.model_construct(id=producer, name=producer)
