"""A page that several editions of one title share says nothing about the later ones while the first
is awaited.
"""

from __future__ import annotations

from pathlib import Path

from monitor.app.options import make_policies
from monitor.look.fetch import Answer
from monitor.look.interpret import Interpreter
from monitor.look.sighting import State
from monitor.watch.rejudge import replay
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, reopened, run_monitor
from tests.worlds.scripts import a_web_page, an_answer

TITLE, PAGE = "Example claims each week", "https://figures.example/claims-each-week"
EDITION = """
[[release]]
id = "{id}"
title = "{title}"
producer = "example-office"
url = "{url}"
slot = {slot}T09:30:00
"""
HEAD = """
title = "Two editions of one title on one page"
from = 2026-11-26T09:20:00
until = 2026-11-26T10:00:00
""" + "".join(
    EDITION.format(id=name, title=TITLE, url=PAGE, slot=slot)
    for name, slot in (("this", "2026-11-26"), ("next", "2026-12-03"))
)


def test_page_of_an_edition_is_no_early_release_of_the_next_one(tmp_path: Path) -> None:
    """Both were absent until the slot of the first one. Replay gives the same result."""
    verdicts = {}

    async def note_verdicts(monitor: MonitorInTest) -> None:
        await monitor.until("09:50")
        watch = monitor.daemon.parts.watch
        for name in watch.releases:
            body = watch.judging.verdict_now(name)
            assert body is not None
            verdicts[body["slot"]["start"][:10]] = body["verdict"]

    page = an_answer(PAGE, "09:30:02", a_web_page(TITLE))
    settings = run_monitor(tmp_path, page, note_verdicts, head=HEAD)
    assert verdicts == {"2026-11-26": "on_time", "2026-12-03": "pending"}
    store = reopened(settings)
    for _release, differences in replay(store, make_policies(settings), begin=None, end=None):
        assert differences == []
    store.close()


def test_page_is_no_proof_for_the_next_edition_before_its_first_verdict_either(
    tmp_path: Path,
) -> None:
    """After a restart, a look may end before the editions are judged."""

    async def begin_again_and_look(monitor: MonitorInTest) -> None:
        await monitor.until("09:25")
        watch = monitor.daemon.parts.watch
        for known in list(watch.releases.values()):
            watch.forget(known.release.id)
            watch.adopt(known.announced or known.release, known.promises)
        assert {known.verdict for known in watch.releases.values()} == {None}
        seen = {}
        for known in watch.releases.values():
            (target,) = (each for each in known.targets.values() if each.id.endswith("page/edge"))
            answer = Answer(target.url, 404, {}, b"", *[monitor.clock.now()] * 2)
            sighting = Interpreter().interpret_now(target, answer)
            watch.see(target, sighting, answer)
            seen[known.promises[-1].slot.begins()] = watch.releases[target.release].runs[target.id]
        this, following = (runs[-1].state for _, runs in sorted(seen.items()))
        assert (this, following) == (State.ABSENT, State.UNKNOWN)

    run_monitor(tmp_path, "", begin_again_and_look, head=HEAD)
