"""The whole configuration, and the tables that belong to no other package.

Each table has its defaults.
"""

from __future__ import annotations

from datetime import timedelta
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
from monitor.judge.policy import PolicySettings
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
    Proxy,
    Rate,
    Spacing,
    Table,
    TimeOfDay,
    WebAddress,
    Zone,
    at_least,
    at_most,
    find_shorter,
    refuse_any,
)
from schedules.workdays import Nation, NationSettings


class DeadmanSettings(Table):
    """A regular request to a dead man's switch, such as healthchecks or Uptime Kuma, on another
    machine.

    The requests stop, and the switch alerts you, unless calendars are fresh, looks begin on time,
    the store can be written and notices are delivered.
    """

    url: WebAddress | None = None
    """The address of the switch, which must accept GET. It is never logged."""
    every: Spacing = timedelta(seconds=60)
    """How often the request is sent. Let the switch wait three times as long."""


class StoreSettings(Table):
    """The store: SQLite for one monitor, [PostgreSQL](how-to/postgresql.md) for several."""

    url: str = "sqlite:///var/ninethirty.db"
    """`sqlite:///PATH`, relative to the working directory, or
    `postgresql+psycopg://USER@HOST/NAME`. Leave the password to `~/.pgpass` or `PGPASSWORD`.
    """
    spool: str | None = None
    """The folder of the [spool](files.md#the-spool), on this machine, relative to the working
    directory. By default `spool` beside the SQLite file, for PostgreSQL `var/spool`.
    """
    takeover: Spacing = timedelta(seconds=1.6)
    """If the leader gives no sign of life for this long, a standby takes over
    ([more](how-to/several-monitors.md)).
    """


class EvidenceSettings(Table):
    """The files that prove verdicts: calendars as they were read, and pages as they were after each
    change.

    Only the service account can read them, because they may contain content from before its slot.
    """

    folder: str = "var/evidence"
    """The folder, relative to the working directory. It is created with mode 0700. Only one monitor
    at a time can write to it.
    """
    keep_days: int = Field(default=400, ge=1, le=LONGEST_DAYS)
    """For how many days files are kept. Their hashes stay."""
    keep_mb: int = Field(default=2000, ge=1, le=1_000_000_000)
    """Above so many MB, the oldest files are deleted within a minute. At least one of 16 MB is
    kept.
    """


class ClockSettings(Table):
    """How far our clock may differ from those of the watched hosts."""

    warn_offset: Duration = timedelta(seconds=1)
    """A release that is early by less than this is not called early."""
    unproven_offset: Annotated[
        Duration, at_least(timedelta(seconds=2)), at_most(timedelta(minutes=1))
    ] = timedelta(seconds=30)
    """If our clock is wrong by more than this, or at all if several monitors share a store, looks
    prove nothing. At least two seconds, because hosts date answers in whole seconds.
    """

    @model_validator(mode="after")
    def _check_order(self) -> ClockSettings:
        refuse_any(
            find_shorter("unproven_offset", self.unproven_offset, "warn_offset", self.warn_offset)
        )
        return self


class NetworkSettings(Table):
    """How the monitor introduces itself, and which private addresses it may request.

    See [Firewall](how-to/firewall.md).
    """

    contact: str = ""
    """Your address, for the people who run the hosts, in the User-Agent."""
    allow: list[Network] = []
    """Private networks that may be requested, also if a page leads there. Prefer `allow` of a
    `[[calendar]]` or `[[producer]]`, for its own hosts only.
    """
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = []
    """Ports that may be requested besides 80 and 443."""
    timeout: Annotated[Duration, at_least(timedelta(seconds=1)), at_most(timedelta(minutes=1))] = (
        timedelta(seconds=10)
    )
    """The longest time for a request, from a second to a minute, and at most the slot phase: the
    next look at the address waits for it.
    """
    proxy: Proxy | None = None
    """A proxy for requests to every host, `http://host:port`.

    - Looks use a tunnel (CONNECT), for `http` addresses too. So the monitor checks certificates.
    - The proxy resolves host names, so the monitor cannot check addresses. It refuses a host with a
      private name (`.internal`, no dot, a private address), unless its `[[calendar]]` or
      `[[producer]]` has `allow`.
    - Webhooks, Alertmanager, PagerDuty and GOV.UK Notify use the proxy too, except on this machine.
      To an `http` address they have no tunnel, so the proxy can read them.
    - Apprise uses the variable `HTTPS_PROXY`, mail no proxy.
    """
    proxies: dict[str, Proxy | Literal["direct"]] = {}
    """Another proxy for single hosts: `"www.gov.uk" = "http://other.example:3128"`, or `"direct"`
    for none.
    """


class ProducerSettings(Table):
    """An organisation that publishes.

    Only producers with a table have tripwires and their own entries in reports.

    If a release is announced for several organisations (`producers` in the JSON), listings, policy,
    routes, reports and filters match any. Its `producer` is the first that has a `[[producer]]`.
    The `producer` of a `[[calendar]]` replaces those that its entries name.
    """

    id: Name
    """Its id, as calendars write it."""
    name: str
    """Its name, as reports write it."""
    url: WebAddress | None = None
    """The address of its home page."""
    hosts: list[Host] = []
    """Hosts on which it publishes. On `www.gov.uk` its newest publications are a tripwire."""
    newest: list[WebAddress] = []
    """Further listings, feeds, sitemaps (`.xml`, `.xml.gz`) or indexes of sitemaps that show what
    is newest.
    """
    press: list[WebAddress] = []
    """Press feeds in which a mention before the slot is a lead for a person."""
    press_keywords: list[str] = []
    """Words that make an item a mention."""
    secret: bool = False
    """Whether the paths of `newest` and `press` are secret."""
    allow: list[Network] = []
    """Private networks that may be requested for `hosts`, `newest` and `press`."""
    nation: Nation = "ENG"
    """The nation whose bank holidays it has: `ENG`, `WLS`, `SCT` or `NIR`."""
    report: ReportSettings = ReportSettings()


class PartSettings(Table):
    """A part that no calendar names, or an address where figures could come first."""

    match: ReleaseMatch
    id: Name
    """Its name within the release."""
    role: Literal["page", "attachment", "html", "data", "alternative"]
    """`page`, `attachment`, `html`, `data` or `alternative`."""
    url: str
    """Its address. It can contain `{slug}` and `{url}` of the release's page."""
    recognise: str | None = None
    """What shows that the part is out. By default `govuk` for pages on www.gov.uk, else `status`.

    - `status`: a 2xx answer with a sign of the release
      ([which](decides.md#a-200-is-not-publication))
    - `govuk`, `ons`, `ees`: the page or JSON of that platform, which says whether the release is
      published
    - `ees-after:SLUG`: the JSON of a publication of EES whose latest release is not `SLUG`, for
      pages that look the same before and after
    - `titled`: a page with the whole title of the release
    - `period`: a page with a fixed address, whose heading or title names the edition's period. If
      it names an earlier one, the edition is absent. If it names none or a later one, it proves
      nothing
    - `changed`: other bytes than at the first look, at an address that every edition has. A page
      without title and heading, or an error message, proves nothing
    - `text:WORDS`: these words, whatever their case, spacing, dashes and apostrophes
    - `css:SELECTOR`: an element
    - `jmespath:EXPRESSION`: something in JSON that is not null, false or empty
    - `link:PATTERN`: a link whose address or words contain this. `*` means anything
    - `feed:PATTERN`: an entry of a feed or sitemap
    """
    required: bool = True
    """Whether the release is incomplete without it."""
    secret: bool = False
    """Whether the path of `url` is secret. A path from the release's own address is not hidden."""


class SlotTimeSettings(Table):
    """The usual time of a series whose calendars announce only the day.

    The monitor looks most closely around this time. A release is still judged by its day, because
    no calendar promised a time.
    """

    match: ReleaseMatch
    time: TimeOfDay
    """The local time: `"07:00"`."""
    reference: str = ""
    """Where the permission for another time than 09:30 is on file. `explain` and drafts quote it,
    or ask whether there is one.
    """


class ImportanceSettings(Table):
    """How much releases matter, compared with others at the same host and slot.

    If a host's `[budget]` is too small for all pages and files of a slot, releases of a higher
    level come first. The first `[[importance]]` that matches a release gives its level, else it is
    0.
    """

    match: ReleaseMatch
    level: int
    """A whole number, below 0 for less important releases."""


DEFAULT_RATE = 2.0
DEFAULT_RATES = {"www.gov.uk": 5.0, "assets.publishing.service.gov.uk": 5.0}


class Settings(Table):
    """The configuration is one TOML file: `--config FILE`, else `$NINETHIRTY_CONFIG`, else
    `./config.toml`.

    `ninethirty init` writes a first one, and `ninethirty check` names every fault at once.

    - Unknown keys are refused.
    - Write lengths of time as `20ms`, `90s`, `5m`, `2h` or `14d`.
    - The default *none* means that the key is absent unless you write it.
    - A secret is `{ env = "NAME" }` or `{ file = "PATH" }`, never the secret itself. `check` says
      if it is missing, empty or not text, and warns of a file that every account can read.
    - Paths are relative to the configuration file, unless the key says otherwise.
    - After a change, [reload](how-to/change-configuration.md) it.
    """

    timezone: Zone = "Europe/London"
    """The zone of times in calendars and on pages. The store and the JSON have UTC."""
    store: StoreSettings = StoreSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    web: WebSettings = WebSettings()
    alert: AlertSettings = AlertSettings()
    code: CodeSettings = CodeSettings()
    policy: PolicySettings = PolicySettings()
    watch: WatchSettings = WatchSettings()
    budget: dict[str, Rate] = {}
    """The most requests to each host, calendar reads included: `N/s`, `N/m` or `N/h`.

    `default` is `"2/s"`. `www.gov.uk` and `assets.publishing.service.gov.uk` have `"5/s"`.

    If a day needs more, looks are [chosen by what they
    prove](decides.md#if-a-budget-is-too-small).
    """
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
