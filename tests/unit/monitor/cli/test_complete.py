"""The words that a shell offers for completion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.silence import Scope, Silence, create_silence
from monitor.cli.main import status_of
from monitor.clock import SystemClock
from tests.unit.monitor.cli.conftest import release_with_promise, write_store

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Complete:
    """Return a function that returns the words bash is offered for the last, incomplete word of a
    command.
    """

    def complete(*words: str, config: Path = folder / "config.toml") -> list[str]:
        monkeypatch.setenv("_NINETHIRTY_COMPLETE", "bash_complete")
        line = ["ninethirty", "--config", str(config), *words]
        monkeypatch.setenv("COMP_WORDS", " ".join(line))
        monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
        assert status_of([]) == 0
        result = capsys.readouterr()
        assert result.err == ""
        return [one.partition(",")[2] for one in result.out.splitlines() if one]

    return complete


def test_the_shell_completes_verbs_and_options(complete: Complete) -> None:
    # Verbs are offered in the order in which the help lists them.
    assert complete("re") == ["ready", "reload", "replay", "report", "rehearse"]
    assert complete("incident", "s") == ["show", "sign", "step"]
    assert "--producer" in complete("today", "--p")
    assert complete("no-such-verb", "x") == []


@pytest.mark.parametrize(
    "verb",
    [
        *(("incident", verb) for verb in ("show", "draft", "note", "sign", "export")),
        ("incident", "action", "add"),
        ("silence", "add", "--incident"),
    ],
)
def test_shell_completion_offers_incidents_by_id(complete: Complete, verb: tuple[str, ...]) -> None:
    """A case is a command that takes an incident, such as `incident show`."""
    assert complete(*verb, "births") == ["births-2016-2018-01-05"]
    assert complete(*verb, "deaths") == []


def test_shell_completion_offers_names_in_the_configuration(complete: Complete) -> None:
    assert complete("channel", "test", "d") == ["desk"]
    assert complete("calendar", "read", "m") == ["mine"]
    assert complete("today", "--producer", "o") == ["ons"]


def test_shell_completion_offers_only_releases_near_now(complete: Complete, folder: Path) -> None:
    now = SystemClock().now()
    # The store also has a release of 2018 and one of 2030.
    soon, promise = release_with_promise("marriages-soon", "Marriages", now + timedelta(days=3))
    with write_store(folder) as tx:
        tx.save(soon)
        tx.add_promises([promise])
    for verb in ("explain", "calendar history", "silence add --release", "incident add --release"):
        assert complete(*verb.split(), "") == ["marriages-soon"]


def test_shell_completion_offers_only_active_silences(complete: Complete, folder: Path) -> None:
    now, hour = SystemClock().now(), timedelta(hours=1)

    def silence_of_an_hour(begins: datetime) -> Silence:
        return create_silence(
            Scope.PRODUCER, "ons", begins + hour, "duty statistician", "moves", begins
        )

    active, expired = silence_of_an_hour(begins=now), silence_of_an_hour(begins=now - 2 * hour)
    with write_store(folder) as tx:
        tx.save(active)
        tx.save(expired)
    # The id of each silence begins with its scope, `producer`.
    assert complete("silence", "end", "producer") == [active.id]


def test_completion_without_readable_files_is_silent_and_creates_nothing(
    complete: Complete, tmp_path: Path
) -> None:
    """When a person presses Tab, the shell offers names from the configuration and the store. Here
    one of them is broken or absent.
    """
    broken, fresh = tmp_path / "broken.toml", tmp_path / "fresh.toml"
    broken.write_text("[store")
    fresh.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/new/store.db"\n')
    for config in (broken, fresh, tmp_path / "none.toml"):
        assert complete("incident", "show", "", config=config) == []
        assert complete("channel", "test", "", config=config) == []
    assert not (tmp_path / "new").exists()


def test_shell_completion_offers_nothing_from_a_store_without_schema(
    complete: Complete, tmp_path: Path
) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "c.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path}/empty.db"\n')
    assert complete("explain", "", config=tmp_path / "c.toml") == []
