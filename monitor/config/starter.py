"""Writes a first configuration with a comment for each table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from monitor.config.organisations import ONS, ORGANISATIONS, Organisations, name_of
from schedules.export import toml_string

SINGLE_PRODUCER_KINDS = {"ons": ONS, "ees": "department-for-education"}
"""Kinds of calendar whose entries are all of one producer, and that producer."""
HOSTS = {
    "govuk": "www.gov.uk",
    "ons": "www.ons.gov.uk",
    "ees": "explore-education-statistics.service.gov.uk",
}
"""Kinds of calendar with a known address, and their hosts."""
LINK_KEY = "secrets/link_key"
"""The file of the key that signs the links in notices, beside the configuration."""
LOCAL_URL = "http://127.0.0.1:9030"
"""Where the board is until people can reach it from other machines."""


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
        return (
            "none"
            if self.host in {"localhost", "127.0.0.1", "[::1]"}
            else "tls"
            if self.port == 465
            else "starttls"
        )


@dataclass(slots=True)
class Chosen:
    """What goes into a first configuration.

    `producers` are slugs. `chat` is the environment variable with the address of a chat. `duty` are
    the mail addresses of roles that take weekly turns from `begins`. `known` are bodies by slug.
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
    """Return the text of a new configuration with what a person chose, and comments on what they
    may add.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 # slow, and only `init` needs it

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 # TOML, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"toml": _toml_value, "channel": _channel_of}
    producers = [
        (slug, name_of(slug, chosen.known), _hosts_of(slug, chosen.calendars))
        for slug in chosen.producers
    ]
    # The GOV.UK calendar is filtered by producer. ONS does not publish there, but if only ONS was
    # chosen, it is the filter. Without one, all of GOV.UK would be watched.
    govuk_filter = [slug for slug in chosen.producers if slug != ONS] or chosen.producers
    template = environment.get_template("starter.toml.j2")
    kinds = SINGLE_PRODUCER_KINDS
    return template.render(
        chosen=chosen,
        producers=producers,
        govuk_filter=govuk_filter,
        single_producer_kinds=kinds,
        link_key=LINK_KEY,
        local_url=LOCAL_URL,
    )


def kinds_for(producers: Iterable[str]) -> list[Calendar]:
    """Return the calendars in which these producers announce: that of the ONS, or GOV.UK's."""
    kinds = dict.fromkeys("ons" if slug == ONS else "govuk" for slug in producers)
    return [Calendar(kind) for kind in kinds]


def _hosts_of(slug: str, calendars: Sequence[Calendar]) -> list[str]:
    kinds = [calendar.kind for calendar in calendars if calendar.kind in HOSTS]
    # Calendars of ONS and EES list only their own producer. ONS does not publish on GOV.UK.
    own = [
        kind
        for kind in kinds
        if SINGLE_PRODUCER_KINDS.get(kind, slug) == slug and (kind, slug) != ("govuk", ONS)
    ]
    return [HOSTS[kind] for kind in own]


def _channel_of(role: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", role.lower()))


def _toml_value(value: str | Iterable[str]) -> str:
    return (
        toml_string(value) if isinstance(value, str) else f"[{', '.join(map(toml_string, value))}]"
    )
