"""`check` warns of probable mistakes and says what the daemon will do."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli.main import status_of
from monitor.clock import SystemClock
from monitor.config.read import read_settings
from monitor.store.rows import CalendarRead
from schedules.times.words import instant_text
from tests.unit.monitor.cli.conftest import (
    GOOD,
    RunCli,
    append_config,
    release_with_promise,
    write_store,
)

DAY = timedelta(days=1)
ROOT = Path(__file__).parents[4]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
SECOND = (
    '[[channel]]\nname = "second"\nkind = "pagerduty"\nrouting_key = {{ env ='
    ' "NINETHIRTY_NO_SUCH_KEY" }}\n'
)


def test_part_that_matches_only_an_announcement_gets_no_warning(
    run_cli: RunCli, good: Path
) -> None:
    """A `[[part]]` is added to each release that it matches. If it matched none, `check` would
    warn. This one matches a release by the address of its announcement (`link`), not of its page.
    """
    announcement_url = "https://www.gov.uk/announcements/widgets"
    widgets, promise = release_with_promise(
        "widgets", "Widgets", SystemClock().now() + timedelta(days=2)
    )
    with write_store(good) as tx:
        tx.save(replace(widgets, link=announcement_url))
        tx.add_promises([promise])
    part = '[[part]]\nid = "news"\nrole = "alternative"\nurl = "https://www.gov.uk/{slug}"\n'
    append_config(good, f'{part}match = {{ url = "{announcement_url}" }}\n')
    assert run_cli("check").err == ""


def test_route_for_a_second_producer_gets_no_warning(run_cli: RunCli, good: Path) -> None:
    second_producer = "home-office"
    widgets, promise = release_with_promise(
        "widgets", "Widgets", SystemClock().now() + timedelta(days=2)
    )
    with write_store(good) as tx:
        tx.save(replace(widgets, others=(second_producer,)))
        tx.add_promises([promise])
    # If no release had this producer, `check` would warn that the name may be misspelt.
    append_config(
        good, f'[[route]]\nmatch = {{ producer = "{second_producer}" }}\nchannels = ["desk"]\n'
    )
    assert run_cli("check").err == ""


def test_unused_environment_proxy_is_named_without_its_password(
    run_cli: RunCli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@proxy.example:3128")
    warning = "HTTPS_PROXY is set and is not used: [network] proxy is the way out"
    assert run_cli("check").err == f"WARNING: config.toml: environment: {warning}\n"


def test_check_warns_of_a_calendar_last_read_without_entries(run_cli: RunCli, good: Path) -> None:
    now = SystemClock().now()
    read_without_entries = CalendarRead("govuk", now, now, usable=True, entries=0)
    with write_store(good) as tx:
        tx.save(read_without_entries)
    assert "govuk has no entries, so it adds no releases" in run_cli("check").err


@pytest.mark.slow
def test_check_counts_due_releases_and_names_overloaded_hosts(run_cli: RunCli, good: Path) -> None:
    soon, more_than_the_budget_allows = SystemClock().now() + timedelta(days=2), 200
    # All are releases of the producer ons on the host stats.example.
    with write_store(good) as tx:
        for number in range(more_than_the_budget_allows):
            widgets, promise = release_with_promise(f"widgets-{number}", f"Widgets {number}", soon)
            tx.save(widgets)
            tx.add_promises([promise])
    lines = run_cli("check").out.splitlines()
    assert "due and watched in the next 7 days: 200 (ons 200)" in lines
    # "short": the budget of the host is too small for looks at all of them.
    assert any(line.startswith("short: stats.example") for line in lines)
    assert run_cli("check", "--json").json["will"]["due"] == {"ons": 200}


def describe_next_slot(run_cli: RunCli) -> str:
    return run_cli("check").out.splitlines()[-1]


def test_check_ends_with_who_gets_the_next_late_release_and_how_they_acknowledge(
    run_cli: RunCli, good: Path
) -> None:
    at = (SystemClock().now() + timedelta(days=2)).replace(microsecond=0)
    widgets, promise = release_with_promise("widgets", "Widgets", at)
    with write_store(good) as tx:
        tx.save(widgets)
        tx.add_promises([promise])
    append_config(good, SECOND.replace("NINETHIRTY_NO_SUCH_KEY", "PATH").format())
    assert describe_next_slot(run_cli) == (
        f"At the next slot ({instant_text(at, 'Europe/London')}) a late release is mailed to"
        " desk@dft.gov.uk and sent to second (pagerduty); they can acknowledge by the link in it."
    )


WEB = GOOD[GOOD.index("[web]") : GOOD.index("[[calendar]]")]


@pytest.mark.parametrize(
    ("web", "warning", "way"),
    [
        ("", "web: no one could acknowledge an incident", "cannot acknowledge"),
        (
            '[web]\nproxy_header = "X-User"\nproxies = ["10.0.0.0/8"]\nproxy_rights = {{ a = "duty" }}\n',
            "",
            "signing in at 127.",
        ),
        (
            WEB.replace("https://board.dft.gov.uk", "http://127.0.0.1:9030"),
            "web.public_url: only this machine reaches it",
            "the link in it on this machine.",
        ),
    ],
)
def test_check_warns_if_no_one_could_acknowledge(
    run_cli: RunCli, good: Path, web: str, warning: str, way: str
) -> None:
    (good / "config.toml").write_text(GOOD.replace(WEB, web).format(folder=good))
    printed = run_cli("check")
    assert warning in printed.err
    assert bool(warning) == bool(printed.err)
    assert way in printed.out.splitlines()[-1]


@pytest.mark.parametrize("example", EXAMPLES, ids=[one.stem for one in EXAMPLES])
def test_every_example_passes_check_once_its_secrets_exist(
    example: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A case is an example configuration that is shipped."""
    monkeypatch.chdir(tmp_path)
    read_settings(example)  # raises if the example has a fault
    text = example.read_text(encoding="utf-8")
    # There is no database server here, so SQLite replaces it.
    server = "postgresql+psycopg://ninethirty@db.example.gov.uk/ninethirty"
    (tmp_path / "config.toml").write_text(text.replace(server, "sqlite:///s.db"))
    for calendar in example.parent.glob("*.csv"):
        shutil.copy(calendar, tmp_path)
    # The examples take their secrets from the environment. This value is valid for each of them.
    for name in re.findall(r'env = "(\w+)"', text):
        monkeypatch.setenv(name, "workflows://flow.example:443/one/two/")
    assert status_of(["check", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["faults"] == []
    # Mail servers in an example domain give a warning. There is no other.
    assert [one for one in result["warnings"] if "is an example:" not in one] == []


OIDC = """
[web.oidc]
issuer = "https://login.example.gov.uk"
client_id = "ninethirty"
client_secret = { file = "oidc_secret" }
claim = "groups"
rights = { heads = "head", everybody = "viewer" }
"""


def test_another_fault_does_not_make_a_secret_seem_absent(run_cli: RunCli, good: Path) -> None:
    (good / "oidc_secret").write_text("hunter2")
    append_config(good, OIDC + "[clock]\nwrong = 1\n")
    faults = run_cli("check").err
    assert "clock.wrong: unknown key" in faults
    assert "oidc_secret" not in faults


ROTA = """
[[rota]]
name = "duty"
who = {{ "duty A" = "desk" }}
[[rota.shift]]
role = "duty A"
from = {begins:%FT%T}
until = {ends:%FT%T}
[[route]]
channels = ["duty"]
"""


def add_rota_until(folder: Path, days: int) -> None:
    """Configure a rota in which `duty A` is on call since yesterday, and no one after so many days
    from now.
    """
    now = SystemClock().now()
    append_config(folder, ROTA.format(begins=now - DAY, ends=now + days * DAY))


def test_check_and_today_show_who_is_on_call(good: Path, run_cli: RunCli) -> None:
    """In the rota called `duty`, the role `duty A` is on call until three days from now."""
    add_rota_until(good, days=3)
    check = run_cli("check").out
    assert "on call now: duty: duty A until " in check
    assert "notified of everything: duty (the person on call: duty A)" in check
    assert "on call now: duty: duty A until " in run_cli("today").out
    assert run_cli("check", "--json").json["on_call"] == {"duty": ["duty A"]}


@pytest.mark.parametrize(("days_until_gap", "is_warned"), [(3, True), (9, False)])
def test_check_warns_of_a_rota_gap_within_a_week(
    good: Path, run_cli: RunCli, days_until_gap: int, *, is_warned: bool
) -> None:
    """After this many days the rota names no one. Three days are within a week, nine are not."""
    add_rota_until(good, days_until_gap)
    assert ("rota[1]: no one is on call from" in run_cli("check").err) == is_warned


@pytest.fixture
def with_empty_rota(good: Path) -> Path:
    """Configure a rota without anyone on call, which no route or summary names. Return the
    folder.
    """
    (good / "duty.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    append_config(good, '[[rota]]\nname = "duty"\nfile = "duty.ics"\nwho = { "duty A" = "desk" }\n')
    return good


@pytest.mark.usefixtures("with_empty_rota")
def test_a_rota_without_anyone_on_call_is_a_fault(run_cli: RunCli) -> None:
    """The configuration has the rota `duty`, whose calendar file has no events."""
    result = run_cli("check")
    assert result.status == 1
    assert "rota duty: no event of the next 62 days names a role of this rota" in result.err


def test_check_warns_of_a_rota_that_nothing_names(with_empty_rota: Path, run_cli: RunCli) -> None:
    """At first no route and no summary sends anything to the rota `duty`.

    Then a summary every morning does.
    """
    warning = "rota[1]: no route or summary names it, so it is not used"
    assert warning in run_cli("check").err
    append_config(with_empty_rota, '[[summary]]\nkind = "morning"\nchannels = ["duty"]\n')
    assert warning not in run_cli("check").err


@pytest.mark.parametrize(
    ("allow_option", "reason"),
    [("", "refused_address"), ('allow = ["127.0.0.0/8"]', "connect")],
    ids=["refused", "allowed"],
)
def test_silent_sign_on_service_is_a_fault_only_online(
    run_cli: RunCli, folder: Path, allow_option: str, reason: str
) -> None:
    """The sign-on service is at port 1 of this machine, where nothing answers. A case is with or
    without an option that allows addresses of this machine, and the reason in the fault.
    """
    at_closed_port = OIDC.replace("https://login.example.gov.uk", "http://127.0.0.1:1")
    # The client secret must exist. There is no file for it, so it is the value of PATH, a variable
    # that always exists.
    with_secret = at_closed_port.replace('file = "oidc_secret"', 'env = "PATH"')
    append_config(
        folder, f'[web]\npublic_url = "https://board.example"\n{with_secret}{allow_option}'
    )
    assert run_cli("check").status == 0
    online = run_cli("check", "--online", "--json")
    fault = (
        f"config.toml: web.oidc: The sign-on service does not answer ({reason}). Try again later."
    )
    assert (online.status, online.json["faults"]) == (1, [fault])
