"""Secrets in the query or the declared secret path of a configured address never leave the
process.
"""

from __future__ import annotations

import contextlib
import io
import json
import tomllib
import zipfile
from pathlib import Path

import pytest
import structlog

from monitor.cli.main import status_of
from monitor.config.read import read_settings
from monitor.config.secrets import redactor, secrets_in_addresses, secrets_of
from monitor.config.settings import Settings
from monitor.errors import BadInput
from monitor.health import logs
from schedules.sources.settings import CalendarSettings
from tests.unit.monitor.app.browsing import browse
from tests.unit.monitor.app.monitor_in_test import (
    NEVER_PUBLISHED,
    MonitorInTest,
    reopened,
    run_monitor,
    with_daemon,
)

KEYS = ("sesame-one", "sesame-two", "sesame-three", "hidden-path", "sesame-four")
PART_URL = "https://files.example/figures.ods?key=sesame-one&x=1"
ADDRESSES = f"""
[[calendar]]
name = "ours"
kind = "csv"
url = "https://stats.example/hidden-path/c.csv?key=sesame-two"
secret = true
[[producer]]
id = "department-for-example"
name = "Department"
newest = ["https://stats.example/new.xml#sesame-three"]
press = ["https://stats.example/press.xml?key=sesame-four"]
press_keywords = ["claims"]
[[part]]
match = {{ producer = "department-for-example" }}
id = "sheet"
role = "data"
url = "{PART_URL}"
recognise = "status"
"""
SETTINGS = Settings.model_validate(
    tomllib.loads(f'[[calendar]]\nname = "govuk"\nkind = "govuk"\n{ADDRESSES}')
)
PATHS = [
    *(
        "/",
        "/releases/claims-q3",
        "/incidents",
        "/status",
        "/readyz",
        "/metrics",
        "/calendar.toml",
        "/calendar.ics",
    ),
    *(
        "/api/v1/releases",
        "/api/v1/releases/claims-q3",
        "/api/v1/calendars",
        "/api/v1/events",
        "/api/v1/incidents",
    ),
]
DAY = ("--from", "2026-11-26", "--to", "2026-11-26")
COMMANDS = [
    *(("today", "--date", "2026-11-26", *json) for json in ((), ("--json",))),
    *((verb, "claims-q3", *json) for verb in ("explain",) for json in ((), ("--json",))),
    *(("plan", "--date", "2026-11-26", *json) for json in ((), ("--json",))),
    *(("calendar", verb, "ours") for verb in ("read", "diff")),
    *(("calendar", "history", "claims-q3", *json) for json in ((), ("--json",))),
    *(("export", "--format", kind) for kind in ("csv", "json", "ics", "toml", "sqlite")),
    ("export", "--events"),
    *(
        ("report", "period", *DAY, "--format", kind)
        for kind in ("md", "html", "docx", "odt", "csv", "json")
    ),
    *(("incident", "list", *json) for json in ((), ("--json",))),
    *(("incident", "show", "INCIDENT", *json) for json in ((), ("--json",))),
    *(
        ("incident", "draft", "INCIDENT", "--format", kind)
        for kind in ("md", "html", "docx", "odt")
    ),
    *(("incident", "draft", "INCIDENT", option) for option in ("--versions", "--fields", "--json")),
    *(("probe", url) for url in (PART_URL, "http://127.0.0.1:9/?key=sesame-two")),
    *(("check", *json) for json in ((), ("--json",), ("--online",))),
    ("replay",),
    ("once",),
    ("store", "check"),
]


def write_config(folder: Path, store: str) -> Path:
    """Write a configuration with the same keys, whose calendar and listings refuse each connection.

    Return the file.
    """
    tables = f"""
[budget]
default = "100/s"
[store]
url = "{store}"
[evidence]
folder = "{folder}/evidence"
[[channel]]
name = "outbox"
kind = "folder"
folder = "{folder}/outbox"
"""
    config = folder / "config.toml"
    config.write_text(tables + ADDRESSES.replace("https://stats.example", "http://127.0.0.1:9"))
    return config


def text_of(content: bytes) -> str:
    """Return the text of a document, also of one that is a zip file."""
    if not content.startswith(b"PK"):
        return content.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return "".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


@pytest.mark.slow
def test_no_command_prints_a_key_in_an_address(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    async def act(monitor: MonitorInTest) -> None:
        # The release, due at 09:30, is overdue. So the store has an incident and drafts that name
        # its addresses.
        await monitor.until("09:41:00")

    settings = run_monitor(tmp_path, NEVER_PUBLISHED, act, base=SETTINGS)
    config = write_config(tmp_path, settings.store.url)
    with contextlib.closing(reopened(settings)) as store:
        incident = store.verdicts.incidents()[0].id
    outputs = {}
    capfdbinary.readouterr()
    for command in COMMANDS:
        arguments = [incident if word == "INCIDENT" else word for word in command]
        status = status_of(["--config", str(config), *arguments])
        out, err = capfdbinary.readouterr()
        # Some commands write a document, which can be a zip file, to standard output.
        outputs[command] = text_of(out) + err.decode()
        # No server answers at the configured addresses. So some commands report a fault of the
        # input, 1, or outside, 3.
        assert status in {0, 1, 3}, command
    assert {command: key for command, text in outputs.items() for key in KEYS if key in text} == {}
    assert "files.example/figures.ods?[redacted]" in outputs["explain", "claims-q3"]
    assert "Traceback" not in "".join(outputs.values())


@pytest.mark.slow
@with_daemon(NEVER_PUBLISHED, base=lambda _folder: SETTINGS)
async def test_no_page_api_notice_or_draft_shows_an_address_key(monitor: MonitorInTest) -> None:
    """The release, due at 09:30, is overdue.

    So there are an incident, notices and drafts that name its addresses.
    """
    await monitor.until("09:41:00")
    store = monitor.store
    texts = []
    async with browse(monitor, redactor=redactor(secrets_in_addresses(monitor.settings))) as client:
        drafts = [f"/api/v1/incidents/{one.id}/draft.html" for one in store.verdicts.incidents()]
        pages = [f"/incidents/{one.id}" for one in store.verdicts.incidents()]
        for path in [*PATHS, *drafts, *pages]:
            answer = await client.get(path)
            assert (path, answer.status_code) == (path, 200)
            texts.append(answer.text)
    for message in monitor.received():
        texts += [message.subject, message.text, message.html, json.dumps(message.data)]
        texts += [one.content.decode("utf-8", "replace") for one in message.attachments]
    found = "\n".join(texts)
    assert [key for key in KEYS if key in found] == []
    # The key is hidden, and the rest of the address is shown.
    assert "files.example/figures.ods?[redacted]" in found
    row = monitor.verdict_row()
    # The store itself keeps the whole address.
    assert KEYS[0] in json.dumps(row.body)


def test_the_log_contains_no_key_in_an_address(tmp_path: Path) -> None:
    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:31:00")

    # The configured addresses contain the words in KEYS. The log must have `[redacted]` in their
    # place.
    stream = io.StringIO()
    hide = redactor(secrets_of(SETTINGS))
    assert hide is not None
    listener = logs.start_logging("DEBUG", stream, hide=hide)
    try:
        run_monitor(tmp_path, NEVER_PUBLISHED, act, base=SETTINGS)
    finally:
        listener.stop()
        structlog.reset_defaults()
    assert [key for key in KEYS if key in stream.getvalue()] == []
    assert "[redacted]" in stream.getvalue()


def redact_with(configured_url: str, text: str, *, is_path_secret: bool = False) -> str:
    """Return a text in which the secrets of the configured address of a calendar are hidden."""
    calendar = CalendarSettings(name="ours", kind="csv", url=configured_url, secret=is_path_secret)
    hide = redactor(secrets_in_addresses(Settings(calendar=[calendar])))
    assert hide is not None
    return hide(text)


@pytest.mark.parametrize(
    ("configured_query", "text", "redacted_text"),
    [
        ("key=sesame-one&page=2", "/y?page=2&key=sesame-one", "/y?page=2&[redacted]"),
        ("key=abcd&d={period}", "/x?key=abcd&d=2026-07", "/x?[redacted]2026-07"),
        (
            "key=sesame-one",
            "URL:https://a.example/x?key=ses\r\n ame-one",
            "URL:https://a.example/x?[redacted]",
        ),
    ],
    ids=[
        "in another order",
        "with the month of the request filled in",
        "in a folded line of a calendar file",
    ],
)
def test_key_of_a_configured_address_is_hidden_wherever_written(
    configured_query: str, text: str, redacted_text: str
) -> None:
    """For example, with `key=sesame-one&page=2` configured, `/y?page=2&key=sesame-one` is written
    as `/y?page=2&[redacted]`.
    """
    assert redact_with(f"https://a.example/x?{configured_query}", text) == redacted_text


def test_folder_of_a_secret_path_is_hidden_in_other_addresses() -> None:
    """The path /sesame/calendar.csv is secret.

    So its folder, /sesame/, is replaced in other addresses, too.
    """
    configured_url = "https://a.example/sesame/calendar.csv"
    redacted = redact_with(
        configured_url, "https://a.example/sesame/births.html", is_path_secret=True
    )
    assert redacted == "https://a.example[redacted]births.html"


def test_a_fault_of_the_configuration_quotes_no_key(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    # The fault is the misspelt `htps`. The address has a secret key, which the message must not
    # quote.
    file.write_text(
        '[[calendar]]\nname = "ours"\nkind = "csv"\nurl = "htps://stats.example/c.csv?key=sesame-one"\n'
    )
    with pytest.raises(BadInput) as caught:
        read_settings(file)
    assert "stats.example/c.csv?..." in str(caught.value)
    assert "sesame" not in str(caught.value)
