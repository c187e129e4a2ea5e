"""Writes a first configuration with a comment for each table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.config.organisations import ONS, ORGANISATIONS, Organisations, name_of
from schedules.export import toml_string

OWN_ADDRESS = {"govuk", "ons", "ees"}
"""Kinds of calendar with a known address."""
ALL_PRODUCER_KINDS = {"ons": ONS, "ees": "department-for-education"}
"""Kinds whose entries are all of one producer."""
HOSTS = {"govuk": "www.gov.uk", "ons": "www.ons.gov.uk", "ees": "explore-education-statistics.service.gov.uk"}

_HEAD = """\
#:schema config.schema.json
# What ninethirty watches, and whom it notifies. `ninethirty check` lists every fault in this file and says what
# the daemon will do. docs/configure.md describes every table and key. Keys that you leave out have their default.

timezone = "Europe/London"

[store]
url = "sqlite:///var/ninethirty.db"          # or "postgresql+psycopg://user@host/ninethirty"

[evidence]
folder = "var/evidence"                      # readable by the service account only: it may contain early content

[web]
listen = "127.0.0.1:9030"                    # board, API, /healthz, /readyz, /metrics
{public_url}   # where people reach the board; notices link there

[policy]
on_time_within = "60s"                       # seen by then: on time
note_within = "5m"                           # later than that: report it, a note is not enough

[budget]                                     # requests a second for each host, calendar reads included
default = "2/s"
"www.gov.uk" = "5/s"

[network]
contact = ""                                 # your address for the people who run the hosts; sent to every host
"""
_FOLDER = """
# Notices and drafts as files. They show what would have been sent; no one is notified.
[[channel]]
name = "outbox"
kind = "folder"
folder = "var/outbox"
"""
_NO_ADDRESS = '# public_url = "https://ninethirty.example.gov.uk"'
_NO_MAIL = """
# [[channel]]                                # notify people; try it with `ninethirty channel test on-call`
# name = "on-call"
# kind = "mail"
# host = "smtp.example.gov.uk"
# sender = "ninethirty@example.gov.uk"
# to = ["statistics-on-call@example.gov.uk"]
"""
_ROUTES = """
# [[route]]                                  # without routes every channel gets every notice
# match = { grade = "report" }
# channels = ["on-call"]
"""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar to be read: its kind, and its address or file if the kind has no known one."""

    kind: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server, and the recipients."""

    host: str
    port: int
    to: tuple[str, ...]

    @property
    def sender(self) -> str:
        """Return the sender: `ninethirty` at the domain of the first recipient."""
        return f"ninethirty@{self.to[0].rpartition('@')[2]}"

    @property
    def security(self) -> str:
        """Return the encryption to use: none for a server on this machine, which seldom has TLS."""
        return "none" if self.host in {"localhost", "127.0.0.1", "[::1]"} else "tls" if self.port == 465 else "starttls"


@dataclass(slots=True)
class Chosen:
    """What goes into a first configuration.

    `producers` are slugs. `chat` is the environment variable with the address of a chat. `duty` are the mail addresses
    of roles that take weekly turns from `begins`. `known` are bodies by slug.
    """

    producers: list[str] = field(default_factory=list)
    calendars: list[Calendar] = field(default_factory=list)
    mail: Mail | None = None
    chat: str | None = None
    duty: dict[str, str] = field(default_factory=dict)
    begins: datetime | None = None
    public_url: str | None = None
    known: Organisations = field(default_factory=lambda: ORGANISATIONS)


def write_starter(chosen: Chosen) -> str:
    """Return the text of a new configuration with what a person chose, and comments on what they may add."""
    calendars, mail = chosen.calendars, chosen.mail
    address = _NO_ADDRESS if chosen.public_url is None else f"public_url = {toml_string(chosen.public_url)}"
    return "".join(
        [
            _HEAD.replace("{public_url}", address),
            *_calendar_tables(chosen.producers, calendars),
            *(_producer_table(slug, name_of(slug, chosen.known), calendars) for slug in chosen.producers),
            _FOLDER,
            _NO_MAIL if mail is None else _mail_table("on-call", mail, mail.to),
            "" if chosen.chat is None else _chat_table(chosen.chat),
            *([] if mail is None else (_mail_table(_channel_of(role), mail, [to]) for role, to in chosen.duty.items())),
            _rota_tables(chosen) if chosen.duty else _ROUTES,
        ]
    )


def kinds_for(producers: Iterable[str]) -> list[Calendar]:
    """Return the calendars in which these producers announce: that of the ONS, or GOV.UK's."""
    kinds = dict.fromkeys("ons" if slug == ONS else "govuk" for slug in producers)
    return [Calendar(kind) for kind in kinds]


def _calendar_tables(producers: Sequence[str], calendars: Sequence[Calendar]) -> Iterator[str]:
    """Yield the tables of these calendars of the producers, and then one as a comment: for releases added by hand."""
    # ONS does not publish on GOV.UK. So its slug is a filter there only if no other producer is chosen.
    on_govuk = [slug for slug in producers if slug != ONS] or list(producers)
    yield "\n# Where announcements are read, in order of authority.\n"
    for position, calendar in enumerate(calendars):
        yield "\n" if position else ""
        kind = calendar.kind
        name = kind if kind not in {before.kind for before in calendars[:position]} else f"{kind}-{position + 1}"
        yield f'[[calendar]]\nname = "{name}"\nkind = "{kind}"\nevery = "10m"\n'
        if calendar.place:
            yield f"{'url' if '://' in calendar.place else 'file'} = {toml_string(calendar.place)}\n"
        if kind == "govuk":
            yield "# slugs as in https://www.gov.uk/government/organisations/SLUG\n"
            yield f"filters = {{ organisations = {_list(on_govuk)} }}\n"
        elif kind not in ALL_PRODUCER_KINDS and producers:
            yield f"producer = {toml_string(producers[0])}    # of entries that name none\n"
    yield "\n# With this one, people add releases in the browser:\n"
    yield '# [[calendar]]\n# name = "by-hand"\n# kind = "toml"\n# file = "var/by-hand.toml"\n'


def _producer_table(slug: str, name: str, calendars: Sequence[Calendar]) -> str:
    """Return the table of a producer, with the hosts of those calendars that can list its releases."""
    kinds = [calendar.kind for calendar in calendars if calendar.kind in HOSTS]
    # Calendars of ONS and EES list only their own producer. ONS does not publish on GOV.UK.
    own = [kind for kind in kinds if ALL_PRODUCER_KINDS.get(kind, slug) == slug and (kind, slug) != ("govuk", ONS)]
    remark = "    # its newest publications there are read" if "govuk" in own else ""
    hosts = f"hosts = {_list([HOSTS[kind] for kind in own])}{remark}\n"
    report = 'report = { head_of_profession = "", contact = "", to = "" }    # roles, never names: drafts show them\n'
    return f"\n[[producer]]\nid = {toml_string(slug)}\nname = {toml_string(name)}\n{hosts if own else ''}{report}"


def _chat_table(variable: str) -> str:
    """Return the table of a chat channel whose address is in this environment variable."""
    return f"""
[[channel]]
name = "chat"                                # try it: `ninethirty channel test chat`
kind = "apprise"
# The variable contains the address in Apprise's form: workflows://… (Teams), slack://…; all of it is secret.
url = {{ env = {toml_string(variable)} }}
"""


def _rota_tables(chosen: Chosen) -> str:
    """Return the tables of a rota of the chosen roles, and of a route to it and to all other channels."""
    who = ", ".join(f"{toml_string(role)} = {toml_string(_channel_of(role))}" for role in chosen.duty)
    channels = ["duty", *(["on-call"] if chosen.mail else []), *(["chat"] if chosen.chat else []), "outbox"]
    return f"""
# Who is on call, in turns of a week; [[rota.shift]] swaps. In place of turns it reads a calendar of yours: url or file.
[[rota]]
name = "duty"
who = {{ {who} }}
turns = {_list(chosen.duty)}
begins = {chosen.begins:%Y-%m-%dT%H:%M:%S}

[[route]]
channels = {_list(channels)}
"""


def _channel_of(role: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", role.lower()))


def _mail_table(name: str, mail: Mail, to: Iterable[str]) -> str:
    """Return the table of a mail channel to these recipients. User and password are comments to fill in."""
    name_line = f"name = {toml_string(name)}"
    return f"""
[[channel]]
{name_line:<44} # try it: `ninethirty channel test {name}`
kind = "mail"
host = {toml_string(mail.host)}
port = {mail.port}
security = "{mail.security}"
sender = {toml_string(mail.sender)}
to = {_list(to)}
# user = "ninethirty"
# password = {{ file = "smtp-password" }}      # or {{ env = "SMTP_PASSWORD" }}; never the secret itself
"""


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(toml_string, texts))}]"
