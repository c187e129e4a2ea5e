"""One edit of a calendar that changes several entries gives one notice, and each release an incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerts.incident import Kind
from alerts.notice import Notice
from alerts.silence import Scope, create_silence
from monitor.clock import VirtualClock
from monitor.deliver.facts import Measurement
from monitor.deliver.message import MessageBuilder
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.writer import Writer
from schedules.slot import Precision, Slot
from tests.unit.monitor.deliver.outbox import a_channel, an_outbox
from tests.worlds.instants import DAY, MINUTE, SLOT
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore

EDITED_AT = SLOT - DAY
RELEASES = ("r0", "r1", "r2", "r3")


def verdict_on_moved_release(name: str, edited_at: datetime = EDITED_AT, producer: str = "ofqual") -> Verdict:
    """Return the verdict on a release when its calendar was edited to move it by five minutes."""
    old = a_promise(release=name, confirmed_at=edited_at - 10 * MINUTE)
    slot = Slot(Precision.INSTANT, instant=SLOT + 5 * MINUTE)
    new = replace(old, slot=slot, learnt=edited_at, confirmed_at=edited_at)
    release = a_release(id=name, title=f"Title {name}", producer=producer)
    return judge(release, [old, new], {}, [], Policy(), edited_at)


def record_verdicts(store: TemporaryStore, verdicts: Sequence[Verdict]) -> list[Notice]:
    """Record verdicts one after the other. Return all notices of the store."""
    recorder = VerdictRecorder(store, ReportingRules(channels=["mail", "hook"]))
    for verdict in verdicts:
        with store.transaction() as tx:
            recorder.record(tx, verdict, Measurement(), verdict.at)
    return store.outbox.notices()


def test_one_edit_of_four_entries_gives_four_incidents_and_one_notice_that_names_all_entries() -> None:
    store = TemporaryStore()
    (notice,) = record_verdicts(store, [verdict_on_moved_release(name) for name in RELEASES])
    assert notice.subject == "CALENDAR: 4 entries of govuk (ofqual), announced or changed at short notice"
    # It is about no single release, and it begins its thread, so it follows no other notice.
    assert (notice.kind, notice.release, notice.follows) == ("calendar", "", "")
    assert all(f"- Title {name} (ofqual) due " in notice.text for name in RELEASES)
    assert notice.text.count("09:35 GMT") == len(RELEASES)  # each was moved by five minutes
    assert notice.findings == ("calendar", "short_notice")
    incidents = [incident for name in RELEASES for incident in store.verdicts.incidents_of(name)]
    assert [incident.kind for incident in incidents] == [Kind.CALENDAR] * 4
    # The notice is in the thread of the first incident.
    assert notice.incident == incidents[0].id


def test_judging_an_edit_again_gives_no_further_notice() -> None:
    store = TemporaryStore()
    verdicts = [verdict_on_moved_release(name) for name in RELEASES]
    # `record_verdicts` returns all notices of the store so far.
    all_notices_at_first, all_notices_at_last = (record_verdicts(store, verdicts) for _ in range(2))
    assert len(all_notices_at_first) == len(all_notices_at_last) == 1


def test_the_brief_text_about_an_edit_has_its_number_of_entries_and_its_data_have_no_measurement() -> None:
    store = TemporaryStore()
    (notice,) = record_verdicts(store, [verdict_on_moved_release(name) for name in RELEASES])
    no_drafts = {"mail": ()}  # the formats of drafts for each channel
    message = MessageBuilder(store.verdicts, endings=no_drafts).build(notice, "mail", EDITED_AT)
    assert message.brief == "CALENDAR: 4 entries of govuk, announced or changed at short notice"
    # A notice about several releases has no measurement of a single one.
    assert message.data["measured"] is None


def test_the_notice_of_an_edit_of_one_entry_has_its_title() -> None:
    (notice,) = record_verdicts(TemporaryStore(), [verdict_on_moved_release("r0")])
    assert notice.subject.startswith("CALENDAR: Title r0 (ofqual) due ")
    assert notice.release == "r0"


def test_a_later_edit_and_another_producer_have_their_own_notice() -> None:
    first = verdict_on_moved_release("r0")
    later_edit = verdict_on_moved_release("r1", EDITED_AT + 10 * MINUTE)
    other_producer = verdict_on_moved_release("r2", producer="ons")
    notices = record_verdicts(TemporaryStore(), [first, later_edit, other_producer])
    # Each notice names its release. One about several entries would name none.
    assert {notice.release for notice in notices} == {"r0", "r1", "r2"}


def test_a_silenced_entry_has_its_own_notice_and_that_of_its_edit_names_only_the_other_entries() -> None:
    store = TemporaryStore()
    with store.transaction() as tx:
        until, reason = EDITED_AT + 2 * DAY, "a planned move"
        tx.save(create_silence(Scope.RELEASE, "r0", until, role="duty", reason=reason, now=EDITED_AT))
    notices = record_verdicts(store, [verdict_on_moved_release(name) for name in RELEASES])
    # The notice of several entries names no release. Both are stored, and the silence delays the one of r0.
    assert sorted(notice.release for notice in notices) == ["", "r0"]
    (others,) = (notice for notice in notices if notice.release != "r0")
    assert others.subject.startswith("CALENDAR: 3 entries")
    assert "Title r0" not in others.text


def test_changed_entries_found_within_ten_seconds_share_a_notice_and_one_found_later_has_its_own() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        mail = a_channel(clock)
        outbox = an_outbox(store, writer, [mail], clock, OutboxOptions())
        for name in RELEASES:
            record_verdicts(store, [replace(verdict_on_moved_release(name), at=clock.now())])
            await outbox.send_due("mail")
            # The notice still waits for other entries of the edit.
            assert not mail.messages
            await clock.sleep(10 / len(RELEASES))
        # Now it is ten seconds after the first.
        await outbox.send_due("mail")
        (message,) = mail.messages.values()
        assert message.subject.startswith("CALENDAR: 4 entries")
        record_verdicts(store, [replace(verdict_on_moved_release("r4"), at=clock.now())])
        await clock.sleep(10)
        await outbox.send_due("mail")
        assert len(mail.messages) == 2
        writer.abandon()

    run_virtually(story, EDITED_AT)
