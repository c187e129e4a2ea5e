"""One edit of a calendar that changes several entries is one notice; each release keeps its incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.incident import Kind
from alerts.notice import Notice
from alerts.silence import Scope, create_silence
from monitor.clock import VirtualClock
from monitor.deliver.facts import Measurement
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.writer import Writer
from schedules.slot import Precision, Slot
from tests.unit.monitor.deliver.outbox import an_outbox, recording
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore

EDITED = -86_400.0
NAMES = ("r0", "r1", "r2", "r3")


def moved(name: str, read: float = EDITED, producer: str = "ofqual") -> Verdict:
    """Judge a release whose calendar moved it by five minutes, as read so many seconds after its first slot."""
    old = a_promise(release=name, confirmed_at=after_slot(read - 600))
    slot = Slot(Precision.INSTANT, instant=SLOT + timedelta(minutes=5))
    new = replace(old, slot=slot, learnt=after_slot(read), confirmed_at=after_slot(read))
    release = a_release(id=name, title=f"Title {name}", producer=producer)
    return judge(release, [old, new], {}, [], Policy(), after_slot(read))


def recorded(store: TemporaryStore, verdicts: Sequence[Verdict]) -> list[Notice]:
    record = VerdictRecorder(store, ReportingRules(channels=["mail", "hook"]))
    for found in verdicts:
        with store.transaction() as tx:
            record.record(tx, found, Measurement(), found.at)
    return store.outbox.notices()


def test_one_edit_of_four_entries_gives_one_notice_that_names_each() -> None:
    store = TemporaryStore()
    (notice,) = recorded(store, [moved(name) for name in NAMES])
    assert notice.subject == "CALENDAR: 4 entries of govuk (ofqual), announced or changed at short notice"
    assert (notice.kind, notice.release, notice.follows) == ("calendar", "", "")
    assert all(f"- Title {name} (ofqual) due 09:35 GMT" in notice.text.replace("5 January ", "") for name in NAMES)
    assert notice.findings == ("calendar", "short_notice")
    theirs = [store.verdicts.incidents_of(name) for name in NAMES]
    assert [[one.kind for one in each] for each in theirs] == [[Kind.CALENDAR]] * 4
    assert notice.incident == theirs[0][0].id
    assert recorded(store, [moved(name) for name in NAMES]) == [notice]


def test_the_notice_of_an_edit_of_one_entry_has_its_title() -> None:
    (notice,) = recorded(TemporaryStore(), [moved("r0")])
    assert notice.subject.startswith("CALENDAR: Title r0 (ofqual) due ")
    assert notice.release == "r0"


def test_other_edits_and_other_producers_have_their_own_notice() -> None:
    told = recorded(TemporaryStore(), [moved("r0"), moved("r1", EDITED + 600), moved("r2", producer="ons")])
    assert len(told) == 3


def test_a_silenced_entry_is_not_in_the_notice_of_the_same_edit_and_does_not_silence_it() -> None:
    store = TemporaryStore()
    with store.transaction() as tx:
        until = after_slot(EDITED) + timedelta(days=2)
        tx.save_silence(create_silence(Scope.RELEASE, "r0", until, "duty", "a planned move", after_slot(EDITED)))
    others, silenced = sorted(recorded(store, [moved(name) for name in NAMES]), key=lambda one: one.release)
    assert silenced.release == "r0"
    assert others.subject.startswith("CALENDAR: 3 entries")
    assert "Title r0" not in others.text


def test_the_notice_of_a_calendar_change_waits_ten_seconds_for_other_entries_and_no_longer() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        mail = recording(clock)
        outbox = an_outbox(store, writer, [mail], clock, OutboxOptions())
        for place, name in enumerate(NAMES):
            await clock.sleep(place)
            recorded(store, [replace(moved(name), at=clock.now())])
            await outbox.send_due("mail")
        await clock.sleep(10)
        await outbox.send_due("mail")
        (message,) = mail.messages.values()
        assert message.subject.startswith("CALENDAR: 4 entries")
        assert message.brief == "CALENDAR: 4 entries of govuk, announced or changed at short notice"
        assert message.data["measured"] is None
        recorded(store, [moved("r4")])
        await outbox.send_due("mail")
        assert len(mail.messages) == 2
        writer.abandon()

    run_virtually(story, after_slot(EDITED))
