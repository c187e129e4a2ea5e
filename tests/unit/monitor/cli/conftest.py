from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.client import OFFLINE
from monitor.cli.main import status_of
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.store.open import open_store
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.web.local_socket import own_name
from schedules.promise import Promise
from schedules.release import Release
from tests.worlds.instants import MINUTE, SECOND, SLOT
from tests.worlds.looks import ABSENT, PRESENT, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import judge

INCIDENT = "births-2016-2018-01-05"
AHEAD = datetime(2030, 1, 4, 9, 30, tzinfo=UTC)
BIRTHS_DELAY = {"min": 1200.0, "max": 1201.0}
"""Births 2016 was last absent 20 minutes after its slot, and present a second later."""
CONFIG = """
[store]
url = "sqlite:///{folder}/store.db"
[evidence]
folder = "{folder}/evidence"
[[calendar]]
name = "mine"
kind = "toml"
file = "calendar.toml"
[[channel]]
name = "desk"
kind = "folder"
folder = "{folder}/outbox"
[[producer]]
id = "ons"
name = "Office for National Statistics"
"""
GOOD = """
[store]
url = "sqlite:///{folder}/store.db"
[evidence]
folder = "{folder}/evidence"
[web]
public_url = "https://board.dft.gov.uk"
link_key = {{ env = "PATH" }}
[[calendar]]
name = "govuk"
kind = "govuk"
filters = {{ organisations = ["department-for-transport"] }}
[[producer]]
id = "department-for-transport"
name = "Department for Transport"
hosts = ["www.gov.uk"]
[[channel]]
name = "desk"
kind = "mail"
host = "smtp.dft.gov.uk"
sender = "ninethirty@dft.gov.uk"
to = ["desk@dft.gov.uk"]
"""
"""A configuration that `check` finds in order."""
CALENDAR = """
[[release]]
id = "births-2016"
title = "Births 2016"
producer = "ons"
url = "https://stats.example/births"
slot = 2018-01-05T09:30:00
"""


@dataclass(frozen=True)
class Result:
    """What the program printed and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 # whatever was printed
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return each printed line as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


RunCli = Callable[..., Result]
HEAD = "head of profession"


def release_with_promise(name: str, title: str, slot: datetime) -> tuple[Release, Promise]:
    url = f"https://stats.example/{name}"
    release = a_release(id=name, title=title, producer="ons", url=url, calendars=("mine",))
    return release, a_promise(slot, release=name, calendar="mine")


def births_run(state: State, first: int, last: int) -> Run:
    """Return a run of looks at the page of births-2016, one a second, between two seconds relative
    to its slot.
    """
    every_second = {"looks": last - first, "largest_gap": SECOND}
    return a_run(
        "births-2016/page/edge",
        state,
        first,
        last,
        specific=state is PRESENT,
        status=200,
        **every_second,
    )


def fill(store: Store) -> None:
    """Write a release that came out twenty minutes late, with its incident and draft, and one that
    lies ahead.
    """
    store.upgrade()
    births, promise = release_with_promise("births-2016", "Births 2016", SLOT)
    deaths, later = release_with_promise("deaths-2029", "Deaths 2029", AHEAD)
    runs = [births_run(ABSENT, -3600, 1200), births_run(PRESENT, 1201, 3600)]
    by_target = {runs[0].target: runs}
    events = VerdictRecorder(ReportingRules())
    with store.transaction() as tx:
        for known, promised in ((births, promise), (deaths, later)):
            tx.save(known)
            tx.add_promises([promised])
        tx.save(*runs)
    for minute in (2, 10, 30):
        now = SLOT + minute * MINUTE
        verdict = judge(births, [promise], by_target, [], Policy(), now)
        with store.transaction() as tx:
            events.record(tx, assess(verdict, Measurement("edge", by_target)), now)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that verbs can be tried on; it is copied for each test."""
    file = tmp_path_factory.mktemp("cli") / "store.db"
    store = open_store(f"sqlite:///{file}", durable=False)
    fill(store)
    store.close()
    return file


@pytest.fixture
def folder(tmp_path: Path, filled: Path) -> Path:
    shutil.copy(filled, tmp_path / "store.db")
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "calendar.toml").write_text(CALENDAR)
    return tmp_path


@pytest.fixture
def run_cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> RunCli:
    """Return a function that runs the program on the configuration of `folder`."""

    def run_cli(*arguments: str) -> Result:
        status = status_of(["--config", str(folder / "config.toml"), *arguments])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        # A test of its own checks that commands say that no monitor runs.
        return Result(status, printed.out, printed.err.replace(f"{OFFLINE}\n", ""))

    return run_cli


@contextmanager
def serving(server: HTTPServer) -> Iterator[None]:
    """Let a server answer in a thread inside this context."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


@contextmanager
def opened_store(folder: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{folder}/store.db", durable=False)) as store:
        yield store


@contextmanager
def write_store(folder: Path) -> Iterator[Transaction]:
    with opened_store(folder) as store, store.transaction() as tx:
        yield tx


def append_config(folder: Path, text: str) -> None:
    """Add text to the configuration in a folder."""
    config = folder / "config.toml"
    config.write_text(config.read_text() + text)


def list_as(folder: Path, line: str) -> None:
    """Let a line of the users file name the user who runs the tests."""
    users = folder / "users"
    users.touch(0o600)
    users.write_text(line.format(user=own_name()))
    append_config(folder, '[web]\nusers_file = "users"\n')


@pytest.fixture
def as_head(folder: Path) -> None:
    """Give the user who runs the tests the right to sign."""
    list_as(folder, f'hope:system = "{{user}}":{HEAD}:head')


def replace_in_config(folder: Path, old: str, new: str) -> None:
    """Replace every occurrence of a text in the configuration in a folder."""
    config = folder / "config.toml"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))


def configure_well(folder: Path) -> None:
    """Write the configuration that `check` finds in order, and files that a faulty one may name."""
    (folder / "empty.toml").write_text("# nothing yet\n")
    entry = '[[release]]\ntitle = "A"\nproducer = "dft"\nslot = 2026-12-17\n'
    (folder / "odd-status.toml").write_text(entry + 'state = "confirmd"\n')
    (folder / "odd-slot.toml").write_text(entry.replace("2026-12-17", '"17 Decmber"'))
    (folder / "many-remarks.toml").write_text(f'{entry}url = "nowhere"\n' * 7)
    for name, content in (("open", b"secret"), ("empty", b"\n"), ("odd", b"\xff\xfe")):
        (folder / name).write_bytes(content)
    (folder / "open").chmod(0o644)
    (folder / "config.toml").write_text(GOOD.format(folder=folder))


@pytest.fixture
def good(folder: Path) -> Path:
    configure_well(folder)
    return folder
