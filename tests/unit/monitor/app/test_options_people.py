"""Settings about people reach the parts that use them: channels, links, templates, editions,
digests.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import docx
import pytest

from alerts.channel import Channel
from alerts.channels import KINDS
from alerts.channels.http import HttpChannel
from alerts.channels.notify import API, Notify
from alerts.channels.pagerduty import EVENTS
from alerts.channels.settings import ChannelSettings
from alerts.draft.code import code_json, load_editions
from monitor.app.options import (
    make_channels,
    make_digest_rule,
    make_editions,
    make_keys,
    make_links,
    make_reporting_rules,
    make_sessions,
    report_templates,
)
from monitor.clock import SystemClock
from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.deliver.drafts import ENDINGS
from monitor.errors import BadInput
from monitor.store.kept_sessions import KeptSessions
from monitor.store.writer import Writer
from monitor.web.credentials import Throttle
from monitor.web.users import make_line
from tests.worlds.incidents import an_incident
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore

Read = Callable[..., Settings]
MAIL = """
[[channel]]
name = "mail"
kind = "mail"
host = "smtp.example"
sender = "a@b.example"
to = ["c@d.example"]
ca_file = "ca.pem"
"""
CHANNELS = f"""
[[channel]]
name = "folder"
kind = "folder"
folder = "out"
{MAIL}
[[channel]]
name = "chat"
kind = "apprise"
url = {{ env = "NINETHIRTY_TEST_URL" }}
timeout = "5s"
digest = false
[[channel]]
name = "notify"
kind = "notify"
key = {{ env = "NINETHIRTY_TEST_KEY" }}
template = "t"
to = ["c@d.example"]
draft_field = "draft"
[[channel]]
name = "hook"
kind = "webhook"
url = "https://hook.example/x"
ca_file = "ca.pem"
with_attachments = true
digest = true
[[channel]]
name = "am"
kind = "alertmanager"
url = "https://am.example"
token = {{ env = "NINETHIRTY_TEST_KEY" }}
"""
OFQUAL_WITH_TEMPLATE = """
[[producer]]
id = "ofqual"
name = "Ofqual"
report = { template = "own.docx" }
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reading(text: str) -> Settings:
        (tmp_path / "ca.pem").write_text("an authority")
        (tmp_path / "config.toml").write_text(text)
        return read_settings(tmp_path / "config.toml")

    return reading


def template(*names: str) -> bytes:
    document = docx.Document()
    for name in names:
        document.add_paragraph("{{ " + name + " }}")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def proxy_of(channel: HttpChannel | Notify) -> object:
    """Return the proxy that a channel uses for its address, None if it uses none."""
    fields = vars(channel)
    address = API if isinstance(channel, Notify) else fields["_settings"].url or EVENTS
    proxy = fields["_outbound"](address, ssl.create_default_context(), 1.0).resolver.proxies.every
    return None if proxy is None else f"http://{proxy.host}:{proxy.port}"


def faults_of(read: Read, text: str) -> Sequence[str]:
    with pytest.raises(BadInput) as caught:
        read(text)
    return [str(fault) for fault in caught.value.faults]


def test_every_kind_of_channel_has_settings_and_a_class() -> None:
    """Mail is a kind.

    `ChannelSettings` has a class of settings for each kind, and `KINDS` a class that sends.
    """
    settings_classes = get_args(get_args(ChannelSettings)[0])
    kinds_with_settings = {
        kind for one in settings_classes for kind in get_args(one.model_fields["kind"].annotation)
    }
    assert kinds_with_settings == set(KINDS)


def settings_of(channel: Channel) -> Any:  # noqa: ANN401 # of any kind of channel
    """Return the settings with which a channel was made. No public attribute gives them."""
    return vars(channel)["_settings"]


async def test_mail_channel_has_its_configured_timeout_and_certificate_file(
    read: Read, tmp_path: Path
) -> None:
    """MAIL has `ca_file = "ca.pem"`.

    The file is looked for beside the configuration, which is in `tmp_path`.
    """
    (mail,) = make_channels(read(MAIL + 'timeout = "12s"'), SystemClock().now)
    assert settings_of(mail).timeout == timedelta(seconds=12)
    assert settings_of(mail).ca_file == str(tmp_path / "ca.pem")
    await mail.close()


async def test_alertmanager_channel_has_its_configured_lifetimes_of_alerts(read: Read) -> None:
    """An alert about a breach ends by itself after `hold`, and any other alert after
    `hold_others`.
    """
    alertmanager_table = """
        [[channel]]
        name = "am"
        kind = "alertmanager"
        url = "https://am.example"
        hold = "2d"
        hold_others = "1h"
    """
    (alertmanager,) = make_channels(read(alertmanager_table), SystemClock().now)
    assert settings_of(alertmanager).hold == timedelta(days=2)
    assert settings_of(alertmanager).hold_others == timedelta(hours=1)
    await alertmanager.close()


async def test_drafts_are_written_only_for_channels_that_take_files(
    read: Read, tmp_path: Path
) -> None:
    """A folder takes every format.

    Chat, Alertmanager and a hook without `with_attachments` take no files.
    """
    bare_hook = '[[channel]]\nname = "bare"\nkind = "webhook"\nurl = "http://127.0.0.1:9093"\n'
    channels = make_channels(read(CHANNELS + bare_hook), SystemClock().now)
    formats_by_channel = {channel.name: channel.formats for channel in channels if channel.formats}
    docx = ("docx",)
    assert formats_by_channel == {"folder": ENDINGS, "mail": docx, "notify": docx, "hook": docx}
    for channel in channels:
        await channel.close()


async def test_channels_use_the_proxy_configured_for_their_host(read: Read) -> None:
    """All channels use the proxy out.example, except those at hook.example and at this machine."""
    network = (
        '[network]\nproxy = "http://out.example:3128"\n[network.proxies]\n"hook.example" ='
        ' "direct"\n'
    )
    on_this_machine = (
        '[[channel]]\nname = "here"\nkind = "webhook"\nurl = "http://127.0.0.1:9093"\n'
    )
    pager = (
        '[[channel]]\nname = "pager"\nkind = "pagerduty"\nrouting_key = { env ='
        ' "NINETHIRTY_TEST_KEY" }\n'
    )
    channels = make_channels(read(CHANNELS + on_this_machine + pager + network), SystemClock().now)
    proxies = {one.name: proxy_of(one) for one in channels if isinstance(one, HttpChannel | Notify)}
    out = "http://out.example:3128"
    # `hook` is at hook.example, for which `direct` is configured. `here` is at this machine.
    assert proxies == {"notify": out, "hook": None, "am": out, "here": None, "pager": out}
    for channel in channels:
        await channel.close()


def test_digests_go_to_channels_for_people_unless_configured_otherwise(read: Read) -> None:
    """A digest is one message in place of many. By default mail and notify, which are for people,
    get it. The chat has `digest = false`, and the hook, for machines, has `digest = true`.
    """
    rule = make_digest_rule(read(CHANNELS + "[alert]\ndigest_from = 3\n"))
    assert rule.channels == {"mail", "notify", "hook"}
    # A digest replaces three messages or more, each at most 0.4 s after the one before.
    default_within = timedelta(milliseconds=400)
    assert (rule.threshold, rule.within) == (3, default_within)


def test_a_missing_ca_file_is_reported(read: Read) -> None:
    """In CHANNELS the second channel, for mail, and the fifth, a webhook, have `ca_file =
    "ca.pem"`.
    """
    assert faults_of(read, CHANNELS.replace("ca.pem", "none.pem")) == [
        'config.toml: channel[2].ca_file: no such file (got "none.pem")',
        'config.toml: channel[5].ca_file: no such file (got "none.pem")',
    ]


def test_a_route_has_the_configured_channels_to_escalate_to(read: Read) -> None:
    settings = read(CHANNELS + '[[route]]\nchannels = ["mail"]\nescalate = ["chat"]\n')
    assert make_reporting_rules(settings, ["mail", "chat"]).routes == [
        a_route("mail", escalate=("chat",))
    ]


@pytest.mark.parametrize(
    ("producer", "name"),
    [
        ("ofqual", "The regulator"),
        ("department-for-work-pensions", "Department for Work and Pensions"),
        ("agency-of-examples", "agency-of-examples"),
    ],
)
def test_draft_names_producer_as_configured_else_as_govuk_does(
    read: Read, producer: str, name: str
) -> None:
    settings = read('[[producer]]\nid = "ofqual"\nname = "The regulator"\n')
    rules = make_reporting_rules(settings, [])
    assert rules.draft_entries(an_incident(producer=producer))["name"] == name


def test_a_producers_own_template_is_found_beside_the_configuration(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "own.docx").write_bytes(template("title", "what_happened"))
    assert report_templates(read(OFQUAL_WITH_TEMPLATE), tmp_path) == {
        "ofqual": tmp_path / "own.docx"
    }


def test_each_unknown_field_of_a_template_is_named(read: Read, tmp_path: Path) -> None:
    """The template own.docx is configured for Ofqual's reports.

    Of its three fields only `title` exists.
    """
    (tmp_path / "own.docx").write_bytes(template("title", "wat_happened", "colour"))
    colour, wat_happened = faults_of(read, OFQUAL_WITH_TEMPLATE)
    assert colour.endswith('asks for colour, but no such field exists (got "own.docx")')
    assert wat_happened.endswith('asks for wat_happened, but no such field exists (got "own.docx")')


def test_absent_or_damaged_template_is_a_fault(read: Read, tmp_path: Path) -> None:
    """The configuration names own.docx as the template of Ofqual's reports."""
    (absent,) = faults_of(read, OFQUAL_WITH_TEMPLATE)
    (tmp_path / "own.docx").write_bytes(b"text")
    (no_document,) = faults_of(read, OFQUAL_WITH_TEMPLATE)
    assert "cannot be read" in absent
    assert "cannot be read" in no_document


def test_configuration_corrects_begin_and_citations_of_a_code_edition(read: Read) -> None:
    """The table `[code]` corrects the built-in Code of Practice: the day on which an edition
    begins, and how one of its practices is cited.
    """
    settings = read(
        '[code]\nbegins = { "3.0" = 2025-12-01 }\ncites = { "3.0/3.1" = "Practice 3.1, as we read'
        ' it" }\n'
    )
    editions = make_editions(settings)
    assert editions is not None
    (edition,) = [one for one in editions if one.name == "3.0"]
    assert edition.begins == date(2025, 12, 1)
    assert edition.practices["3.1"].cite == "Practice 3.1, as we read it"
    assert make_editions(read("")) is None
    # The edition that comes with the program is unchanged.
    assert load_editions()[-1].begins == date(2025, 11, 3)


def test_a_producer_configured_as_outside_the_code_breaches_no_practice(read: Read) -> None:
    """A late release of ons breaches a practice of the Code. One of obr does not, because obr is
    configured as a producer to which the Code does not apply.
    """
    editions = make_editions(read('[code]\noutside = ["obr"]\n'))
    late_at = datetime(2025, 11, 26, 12, tzinfo=UTC)
    assert code_json(late_at, ["late"], editions, producer="obr")["practice"] is None
    assert code_json(late_at, ["late"], editions, producer="ons")["practice"] == "Standard 3"


@pytest.mark.parametrize(
    ("correction", "expected_fault"),
    [
        (
            'begins = { "9.9" = 2030-01-01 }',
            '.begins."9.9": no edition of that name, there are 1.0, 2.0, 2.1, 3.0',
        ),
        (
            'cites = { "3.0/99" = "x" }',
            '.cites."3.0/99": no practice of that name, there are 3.0/S3, 3.0/3.1',
        ),
    ],
    ids=["first day of an edition", "words for a practice of an edition"],
)
def test_correcting_an_unknown_edition_or_practice_is_a_fault(
    read: Read, correction: str, expected_fault: str
) -> None:
    """The table `[code]` corrects the built-in Code of Practice. For example, it cannot say when
    edition 9.9 begins, because there is no such edition.
    """
    (fault,) = faults_of(read, f"[code]\n{correction}\n")
    assert f"code{expected_fault}" in fault


def test_keys_and_links_read_the_secrets_in_their_files(read: Read, tmp_path: Path) -> None:
    """`link_key` signs the links in notices, which work for `link_lasts`. Programs send `token`."""
    (tmp_path / "key").write_text("signing\n")
    (tmp_path / "token").write_text("programs\n")
    settings = read(
        f'[web]\npublic_url = "https://board.example"\nlink_key = {{ file = "{tmp_path}/key" }}\n'
        f'token = {{ file = "{tmp_path}/token" }}\nlink_lasts = "2d"\n'
    )
    keys, links = make_keys(settings), make_links(settings)
    assert (keys.link, keys.token) == (b"signing", b"programs")
    assert (links.url, links.key, links.lasts) == (
        "https://board.example",
        b"signing",
        timedelta(days=2),
    )


def test_without_configured_keys_no_token_and_no_link_is_accepted(read: Read) -> None:
    """Even an empty token must not count as the right one.

    None: the token opens nothing, and the link is not valid.
    """
    keys = make_keys(read(""))
    assert keys.find_scope("") is None
    assert keys.read_link("x", datetime(2018, 1, 5, tzinfo=UTC)) is None


async def test_people_in_the_users_file_can_sign_in(read: Read, tmp_path: Path) -> None:
    clock = SystemClock()
    throttle = Throttle(clock)
    (tmp_path / "users").write_text(make_line("anne", "correct horse battery"))
    store = TemporaryStore()
    kept = KeptSessions(store, Writer(store, clock), clock)
    sessions = make_sessions(read('[web]\nusers_file = "users"\n'), tmp_path, kept, throttle)
    assert sessions is not None
    key = await sessions.sign_in("anne", "correct horse battery", "127.0.0.1")
    assert key is not None
    session = await sessions.find_session(key)
    assert session is not None
    assert session.person.name == "anne"
    sessions.close()


def test_no_one_can_sign_in_without_a_configured_users_file(read: Read, tmp_path: Path) -> None:
    clock, store = SystemClock(), TemporaryStore()
    kept = KeptSessions(store, Writer(store, clock), clock)
    assert make_sessions(read(""), tmp_path, kept, Throttle(clock)) is None
