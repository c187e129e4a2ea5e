"""At each minute from 09:25 to 12:30, explain, board, notice and draft of the five incidents agree
and are true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.app.options import make_policies
from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.rehearse.demo import INCIDENTS, copy_store_as_of, script_of
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import Script, read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.store.open import open_store
from monitor.store.sql.engine import Store
from monitor.watch.rejudge import StoredJudge
from schedules.times.zone import LONDON

MINUTE = timedelta(minutes=1)
BOARD_EVERY = 15
"""Minutes: a board as of an instant takes a copy of the whole store."""
TOLERANCE = timedelta(seconds=60)
UNSURE = timedelta(seconds=5)
"""How far a look can be from what it shows."""
# When each landing page really changed, from the incidents' reports (facts: incidents.md).
DELAYS = {
    "ipcc-2015": timedelta(minutes=38),
    "moj-2016": timedelta(),
    "ofsted-2017": timedelta(),
    "ofqual-2018-01": timedelta(hours=2, minutes=49),
    "ofqual-2018-03": timedelta(minutes=82),
}
LATE = ("late", "overdue")


@dataclass(frozen=True)
class Told:
    """A rehearsal that was played, with its results."""

    script: Script
    store: Store
    explainer: StoredJudge
    slot: datetime
    bodies: dict[datetime, dict[str, Any]] = field(default_factory=dict)

    @property
    def release(self) -> str:
        return self.script.release[0].id

    def minutes(self) -> Iterator[datetime]:
        """Yield every minute from five minutes before the slot to three hours after it, as long as
        the script lasts.
        """
        at = self.slot - 5 * MINUTE
        while at <= min(self.slot + 180 * MINUTE, self.script.ends):
            yield at
            at += MINUTE


@pytest.fixture(scope="module", params=INCIDENTS)
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Told]]:
    script = read_script(script_of(request.param))
    base = read_settings(script.config) if script.config is not None else Settings()
    folder = tmp_path_factory.mktemp(request.param)
    play(script, base, folder)
    settings = rehearsal_settings(script, base, folder)
    store = open_store(settings.store.url)
    body = store.verdicts.judged()[0].body
    slot = datetime.fromisoformat(body["slot"]["start"])
    yield (
        request.param,
        Told(script, store, StoredJudge(store, make_policies(settings), LONDON), slot),
    )
    store.close()


def explained(told: Told, now: datetime) -> dict[str, Any]:
    if now not in told.bodies:
        found = told.explainer.explain_release(told.release, now)
        assert found is not None
        told.bodies[now] = found.body
    return told.bodies[now]


@pytest.mark.slow
def test_explain_says_the_truth_at_every_minute(told: tuple[str, Told]) -> None:
    name, world = told
    delay = DELAYS[name]
    for now in world.minutes():
        body = explained(world, now)
        is_out = now >= world.slot + delay
        if body["verdict"] in LATE:
            assert delay > TOLERANCE, now
            assert now > world.slot + TOLERANCE, now
            assert body["delay"]["min"] <= min(delay, now - world.slot).total_seconds(), now
        if body["verdict"] == "late":
            assert is_out, now
            assert body["delay"]["max"] >= (delay - UNSURE).total_seconds(), now
        if body["verdict"] == "on_time":
            assert is_out, now
            assert delay <= TOLERANCE, now
        if body["first_seen"]["by"]:
            assert is_out or body["exposures"] or body["parts"][0]["exposures"], now


@pytest.mark.slow
def test_the_board_says_the_same_as_explain(told: tuple[str, Told]) -> None:
    _, world = told
    for now in list(world.minutes())[::BOARD_EVERY]:
        shown = copy_store_as_of(world.store, now)
        row = shown.verdicts.judged_one(world.release)
        assert row is not None
        body = explained(world, now)
        assert (row.body["verdict"], row.body["delay"]) == (body["verdict"], body["delay"]), now
        shown.close()


@pytest.mark.slow
def test_the_latest_notice_and_draft_agree_with_explain(told: tuple[str, Told]) -> None:
    name, world = told
    measured = [one for one in world.store.verdicts.incidents() if one.kind.value != "hand"]
    notices = sorted(world.store.outbox.notices(), key=lambda one: one.at)
    drafts = [draft for one in measured for draft in world.store.verdicts.drafts(one.id)]
    assert notices
    for now in world.minutes():
        body = explained(world, now)
        of_page = [one for one in notices if one.at <= now and one.release == world.release]
        if body["verdict"] == "overdue" and now > world.slot + 5 * MINUTE:
            assert of_page[-1].subject.startswith(("LATE", "OVERDUE", "PARTLY LATE")), (
                now,
                of_page[-1].subject,
            )
        if of_page and of_page[-1].subject.startswith("ON TIME"):
            assert body["verdict"] in ("on_time", "early"), now
        written = [draft for draft in drafts if draft.at <= now]
        if written and DELAYS[name] > TOLERANCE and now < world.slot + DELAYS[name]:
            said = json.dumps(written[-1].facts, ensure_ascii=False)
            assert re.search(r"not on its announced page yet|is not out yet|not seen", said), now
            assert not re.search(r"landing page came out [^.]* late", said), now


def test_every_incident_has_its_truth() -> None:
    assert set(DELAYS) == set(INCIDENTS)
    assert all(Path(script_of(name)).is_file() for name in INCIDENTS)
