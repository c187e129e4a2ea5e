"""The whole configuration, and the tables that belong to no other package. Each table has its defaults."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from alerts.channels.settings import ChannelSettings
from alerts.rota import RotaSettings
from alerts.routes import Route
from monitor.config.people import (
    AlertSettings,
    CodeSettings,
    ReportSettings,
    SummarySettings,
    WebSettings,
)
from monitor.judge.policy import PolicyTable
from monitor.plan.phases import WatchSettings
from schedules.join import Pin, Split
from schedules.release import ReleaseMatch
from schedules.sources.settings import CalendarSettings
from schedules.values import (
    LONGEST_DAYS,
    Duration,
    Host,
    Name,
    Network,
    Rate,
    Spacing,
    Table,
    TimeOfDay,
    WebAddress,
    Zone,
    refuse_any,
)
from schedules.workdays import Nation, NationSettings


class DeadmanSettings(Table):
    """The address that is pinged regularly while all is well. None: no ping. The address is a secret."""

    url: WebAddress | None = None
    every: Spacing = timedelta(seconds=60)


class StoreSettings(Table):
    """The database. After `compact_after`, settled releases are stored in fewer rows. Zero: never.

    `mode` is how several monitors share one PostgreSQL: each watches everything, or they divide the hosts. If one gives
    no sign for `takeover`, the others do its work. `journal` is the folder for what the store cannot take. None: no
    journal for SQLite, `var/journal` for PostgreSQL.
    """

    url: str = "sqlite:///var/ninethirty.db"
    journal: str | None = None
    mode: Literal["redundant", "shared"] = "redundant"
    takeover: Spacing = timedelta(seconds=1.2)
    compact_after: Duration = timedelta(days=400)


class EvidenceSettings(Table):
    """The folder of the received bytes, for how many days they are kept, and how many."""

    folder: str = "var/evidence"
    keep_days: int = Field(default=400, ge=1, le=LONGEST_DAYS)
    keep_mb: int = Field(default=2000, ge=1, le=1_000_000_000)


class PolicySettings(PolicyTable):
    """How releases are judged and graded, in general and per producer."""

    on_time_within: Duration = timedelta(seconds=60)
    note_within: Duration = timedelta(minutes=5)
    default_time: TimeOfDay = time(9, 30)
    short_notice: Duration = timedelta(days=28)
    confirmed_within: Duration = timedelta(minutes=30)
    expect_editions: bool = True
    producer: dict[str, PolicyTable] = {}

    @model_validator(mode="after")
    def _check_order(self) -> PolicySettings:
        if self.note_within < self.on_time_within:
            refuse_any([("note_within", "must not be shorter than on_time_within", None)])
        return self


class ClockSettings(Table):
    """How far our clock may be wrong before we warn, and before no verdict is proved."""

    warn_offset: Duration = timedelta(seconds=1)
    unproven_offset: Duration = timedelta(seconds=30)

    @model_validator(mode="after")
    def _check_order(self) -> ClockSettings:
        if self.unproven_offset < self.warn_offset:
            refuse_any([("unproven_offset", "must not be shorter than warn_offset", None)])
        return self


class NetworkSettings(Table):
    """How requests leave: the `contact` sent with each, the private networks that are allowed, and proxies.

    `proxy` is used for all hosts. `proxies` has another one for some hosts, or `direct`.
    """

    contact: str = ""
    allow: list[str] = []
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = []
    timeout: Spacing = timedelta(seconds=10)
    proxy: WebAddress | None = None
    proxies: dict[str, WebAddress | Literal["direct"]] = {}


class ProducerSettings(Table):
    """A producer: its name, hosts, tripwires and reports. `secret`: the paths of `newest` and `press` are secrets."""

    id: Name
    name: str
    url: WebAddress | None = None
    hosts: list[Host] = []
    newest: list[WebAddress] = []
    press: list[WebAddress] = []
    press_keywords: list[str] = []
    secret: bool = False
    allow: list[Network] = []
    nation: Nation = "ENG"
    report: ReportSettings = ReportSettings()


class PartSettings(Table):
    """A part that no calendar names. `url` can contain `{slug}` and `{url}` of the release, `secret` hides its path."""

    match: ReleaseMatch
    id: Name
    role: Literal["page", "attachment", "html", "data", "alternative"]
    url: str
    recognise: str | None = None
    required: bool = True
    secret: bool = False


class SlotTimeSettings(Table):
    """The usual time of a series that its calendars announce by the day only, and who granted it.

    Entries without a time are watched at `time` and are still never judged to the minute. A draft quotes `reference`.
    Without one it asks whether a time other than 09:30 is on file.
    """

    match: ReleaseMatch
    time: TimeOfDay
    reference: str = ""


class ImportanceSettings(Table):
    """How important releases are. All others have level 0. If not all can be proved, those of a higher level are."""

    match: ReleaseMatch
    level: int


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
    pin: list[Pin] = []
    split: list[Split] = []
    slot_time: list[SlotTimeSettings] = []
    importance: list[ImportanceSettings] = []
    nation: dict[str, NationSettings] = {}
    channel: list[ChannelSettings] = []
    route: list[Route] = []
    rota: list[RotaSettings] = []
    summary: list[SummarySettings] = []

    def rate(self, host: str) -> float:
        """Return the most requests a second that this host may get."""
        default = DEFAULT_RATES.get(host) or self.budget.get("default", DEFAULT_RATE)
        return self.budget.get(host, default)

    def producer_of(self, producer: str) -> ProducerSettings:
        """Return the table of a producer, or a default one if the configuration has none."""
        for table in self.producer:
            if table.id == producer:
                return table
        return ProducerSettings.model_construct(id=producer, name=producer)
