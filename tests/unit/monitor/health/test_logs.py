from __future__ import annotations

import io
import json
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from structlog.testing import capture_logs

from monitor.config.read import read_settings
from monitor.config.secrets import SecretsOfAll, secrets_of
from monitor.config.settings import Settings
from monitor.errors import StoreFault
from monitor.health import logs

SECRETS = {
    "SMTP_PASSWORD": 'pa"ss/wörd',
    "NOTIFY_KEY": "live-11111111-2222",
    "HOOK_SECRET": "hmac-key-0001",
    "SLACK": "slack://TokenA/TokenB/TokenC-xyz",
}
CONFIG = """
[store]
url = "postgresql+psycopg://monitor:s%40cret-db@db.example/ninethirty"
[deadman]
url = "https://hc.example/5c9a0f3e-1b4d-4a6e"
[[channel]]
name = "mail"
kind = "mail"
host = "smtp.example"
sender = "a@example"
to = ["b@example"]
user = "a"
password = { env = "SMTP_PASSWORD" }
[[channel]]
name = "chat"
kind = "apprise"
url = { env = "SLACK" }
[[channel]]
name = "hook"
kind = "webhook"
url = "https://hooks.example/services/T000/B000/tokenvalue"
secret = { file = "KEY_FILE" }
"""


@contextmanager
def logging_to(stream: io.StringIO, **options: Any) -> Iterator[None]:  # noqa: ANN401  # as start_logging takes them
    """Set logging up for a block, and put back what the tests run under."""
    root = logging.getLogger()
    before, level, configured = list(root.handlers), root.level, structlog.get_config()
    # Whoever set logging up before in this process may have left warnings captured, which is done
    # once only.
    logging.captureWarnings(capture=False)
    listener = logs.start_logging(stream=stream, **options)
    try:
        yield
    finally:
        listener.stop()
        root.handlers[:] = before
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        structlog.configure(**configured)


def parse_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_events_and_lines_of_libraries_are_json_lines() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        structlog.get_logger("monitor.x").info("verdict", release="r", verdict="late")
        logging.getLogger("somebody.elses").warning(
            "took %d tries", 3, extra={"color_message": "took \x1b[36m%d"}
        )
        warnings.showwarning("mind this", UserWarning, "x.py", 1)
    ours, theirs, warned = parse_lines(stream)
    assert (ours["msg"], ours["release"], ours["logger"], ours["level"]) == (
        "verdict",
        "r",
        "monitor.x",
        "info",
    )
    assert (theirs["msg"], theirs["logger"], theirs["level"]) == (
        "took 3 tries",
        "somebody.elses",
        "warning",
    )
    assert "color_message" not in theirs
    assert "mind this" in warned["msg"]
    assert all(line["ts"].endswith("Z") for line in (ours, theirs, warned))


def test_text_log_escapes_control_characters_of_strangers() -> None:
    stream, path = io.StringIO(), "/a\x1b]0;title\x07\u202e\x85"
    with logging_to(stream, as_json=False):
        structlog.get_logger("monitor.x").info("request", path=path)
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()


def test_libraries_that_log_every_request_or_step_log_only_warnings() -> None:
    stream = io.StringIO()
    # Both lines are of level INFO.
    with logging_to(stream):
        logging.getLogger("httpx").info("HTTP Request: GET https://hc.example/secret")
        logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_traceback_shows_no_local_variables_and_quotes_no_value(*, as_json: bool) -> None:
    stream = io.StringIO()

    def broken() -> None:
        # This text is in a local variable, and in the messages of ValueError and KeyError.
        body = "figures seen before their slot"
        try:
            int(body)
        except ValueError as exc:
            raise RuntimeError("not a number") from ExceptionGroup(
                "all of it", [exc, KeyError(body)]
            )

    with logging_to(stream, as_json=as_json):
        try:
            broken()
        except RuntimeError:
            structlog.get_logger("x").exception("job_failed")
            logging.getLogger("asyncio").exception("a look broke")
    text = stream.getvalue()
    loggers_used = 2
    assert text.count("RuntimeError") == text.count("not a number") == loggers_used
    assert "broken" in text
    assert "ExceptionGroup" in text
    assert "figures" not in text


@pytest.mark.parametrize("as_json", [True, False])
def test_environment_error_is_logged_in_one_line(*, as_json: bool) -> None:
    """A locked store, for example, is no fault of our code, so a traceback would not help."""
    stream = io.StringIO()

    def locked() -> None:
        raise StoreFault("store var/x.db: another program has held it locked") from OSError(
            "database is locked"
        )

    with logging_to(stream, as_json=as_json):
        try:
            locked()
        except StoreFault as fault:
            structlog.get_logger("x").error("job_failed", job="retention", exc_info=fault)
            structlog.get_logger("x").exception("job_failed", job="retention")
            logging.getLogger("asyncio").exception("job_failed")
    log_lines = stream.getvalue().splitlines()
    assert len(log_lines) == 3
    assert all("store var/x.db: another program has held it locked" in line for line in log_lines)
    assert not any(word in stream.getvalue() for word in ("frames", "test_logs.py", "OSError"))


@pytest.mark.parametrize("as_json", [True, False])
def test_no_logger_writes_a_secret_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, as_json: bool
) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    (tmp_path / "key").write_text("from-a-file-0002\n")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.replace("KEY_FILE", str(tmp_path / "key")))
    hidden = ["from-a-file-0002"]  # the whole content of the key file
    # the password of the store, as it is and as its address has it
    hidden += ["s@cret-db", "s%40cret-db"]
    # parts of the addresses of `deadman`, `hook` and `chat`
    hidden += ["5c9a0f3e", "B000/tokenvalue", "TokenC-xyz"]
    # The password of `mail`, and parts of it as escaped in JSON and in an address.
    hidden += [SECRETS["SMTP_PASSWORD"], 'pa\\"ss', "w%C3%B6rd"]
    settings = read_settings(config)
    secrets, secrets_of_all = secrets_of(settings), SecretsOfAll()
    secrets_of_all.add(settings)
    stream = io.StringIO()
    with logging_to(stream, as_json=as_json, hide=secrets_of_all.hide):
        log = structlog.get_logger("x")
        for secret in secrets:
            log.warning(
                "fault", reason=f"could not reach {secret}: refused", url=quote(secret, safe="")
            )
            logging.getLogger("aiosmtplib").warning("sent %r", secret)
            log.error("broke", exc_info=OSError(f"POST {secret} failed"))
    lines_for_each = 3
    assert stream.getvalue().count("[redacted]") >= lines_for_each * len(secrets)
    assert [secret for secret in hidden if secret in stream.getvalue()] == []


def test_secrets_of_every_configuration_so_far_are_hidden() -> None:
    """The monitor starts with the first key. Two reloads each replace it by the next one."""
    addresses = [f"https://hc.example/key-{number}" for number in (1, 2, 3)]
    secrets = SecretsOfAll()
    assert secrets.hide(addresses[0]) == addresses[0]
    for address in addresses:
        secrets.add(Settings.model_validate({"deadman": {"url": address}}))
    assert secrets.hide(" ".join(addresses)) == "[redacted] [redacted] [redacted]"


def test_values_named_like_secrets_and_users_in_addresses_are_hidden() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        structlog.get_logger("x").info(
            "request",
            token="abc",
            url="https://me:p@w@host.example/x?to=a@b",
            authorization="Basic x",
        )
    (line,) = parse_lines(stream)
    assert line["token"] == line["authorization"] == "[redacted]"
    assert line["url"] == "https://host.example/x?to=a@b"


def test_used_logger_follows_a_later_configuration() -> None:
    logger = structlog.get_logger("monitor.x")
    with logging_to(io.StringIO()):
        logger.info("before")
    # This configures logging again, after the first use of the logger.
    with capture_logs() as captured:
        logger.info("after")
    assert [line["event"] for line in captured] == ["after"]


def test_flood_of_one_address_leaves_room_for_lines_of_others_and_of_people() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        log = structlog.get_logger("web")
        for _ in range(700):
            log.info("request", status=404, client="192.0.2.1")
        for _ in range(700):
            log.info("request", status=404, client="192.0.2.2", account="user:anne")
        log.info("request", status=404, client="192.0.2.3")
    written = Counter(line["client"] for line in parse_lines(stream))
    assert written == {"192.0.2.1": 100, "192.0.2.2": 700, "192.0.2.3": 1}


def test_flood_of_equal_request_lines_is_limited_to_600() -> None:
    """Strangers cause request lines, not verdicts. At most 600 equal ones are written in a
    minute.
    """
    stream = io.StringIO()
    with logging_to(stream):
        log = structlog.get_logger("web")
        for _ in range(700):
            log.info("request", status=401)
            log.info("verdict", status="late")
        log.info("request", status=500)
    written = Counter((line["msg"], line["status"]) for line in parse_lines(stream))
    assert written == {("request", 401): 600, ("request", 500): 1, ("verdict", "late"): 700}
