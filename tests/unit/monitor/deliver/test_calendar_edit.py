"""One edit of a calendar that changes several entries gives one notice, and each release an
incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerts.incident import IncidentKind
from alerts.notice import Notice
from alerts.routes import Route
from alerts.silence import Scope, create_silence
from monitor.clock import VirtualClock
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.message import MessageBuilder
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.writer import Writer
from schedules.slot import Precision, Slot
from tests.unit.monitor.deliver.outbox import a_channel, an_outbox
from tests.worlds.instants import DAY, MINUTE, SLOT
from tests.worlds.releases import a_promise, a_release
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import judge

EDITED_AT = SLOT - DAY
RELEASES = ("r0", "r1", "r2", "r3")


def verdict_on_moved_release(
    name: str, edited_at: datetime = EDITED_AT, producer: str = "ofqual"
) -> Verdict:
    """Return the verdict on a release when its calendar was edited to move it by five minutes."""
    old = a_promise(release=name, confirmed_at=edited_at - 10 * MINUTE)
    slot = Slot(Precision.INSTANT, instant=SLOT + 5 * MINUTE)
    new = replace(old, slot=slot, learnt=edited_at, confirmed_at=edited_at)
    release = a_release(id=name, title=f"Title {name}", producer=producer)
    return judge(release, [old, new], {}, [], Policy(), edited_at)


def record_verdicts(
    store: TemporaryStore, verdicts: Sequence[Verdict], *routes: Route
) -> list[Notice]:
    recorder = VerdictRecorder(ReportingRules(channels=["mail", "hook"], routes=routes))
    for verdict in verdicts:
        with store.transaction() as tx:
            recorder.record(tx, assess(verdict, Measurement()), verdict.at)
    return store.outbox.notices()


def test_edit_of_four_entries_gives_one_notice_and_four_incidents() -> None:
    """One edit of a calendar moves four releases by five minutes, a day before their slot.

    That is short notice.

    There is one notice about all four. Each release has an incident, and the notice belongs to the
    first of them.
    """
    store = TemporaryStore()
    (notice,) = record_verdicts(store, [verdict_on_moved_release(name) for name in RELEASES])
    assert (
        notice.subject
        == "CALENDAR: 4 entries of govuk (ofqual), announced or changed at short notice"
    )
    # It is about no single release, and it begins its thread, so it follows no other notice.
    assert (notice.kind, notice.release, notice.follows) == ("calendar", "", "")
    assert all(f"- Title {name} (ofqual) due " in notice.text for name in RELEASES)
    assert notice.text.count("09:35 GMT") == len(RELEASES)  # the new time of each
    assert notice.findings == ("calendar", "short_notice")
    incidents = [incident for name in RELEASES for incident in store.verdicts.incidents_of(name)]
    assert [incident.kind for incident in incidents] == [IncidentKind.CALENDAR] * 4
    assert notice.incident == incidents[0].id


def test_recording_a_calendar_edit_again_adds_no_notice() -> None:
    store = TemporaryStore()
    # An edit of the calendar moved these four releases.
    verdicts = [verdict_on_moved_release(name) for name in RELEASES]
    notices = record_verdicts(store, verdicts)
    assert len(notices) == 1
    all_notices_after_second_time = record_verdicts(store, verdicts)
    assert all_notices_after_second_time == notices


def test_message_about_an_edit_counts_entries_and_has_no_measurement() -> None:
    """One message is about all four releases that one edit moved.

    So it has the measurements of none.
    """
    store = TemporaryStore()
    (notice,) = record_verdicts(
        store, [verdict_on_moved_release(name) for name in ("r0", "r1", "r2", "r3")]
    )
    message = MessageBuilder(store.verdicts).build(notice, "mail", EDITED_AT)
    # `brief` is the short subject, for mail.
    assert (
        message.brief
        == "CALENDAR: 4 entries of govuk (ofqual), announced or changed at short notice"
    )
    assert message.data["measured"] is None


def test_notice_of_an_edit_of_one_entry_has_its_title() -> None:
    (notice,) = record_verdicts(TemporaryStore(), [verdict_on_moved_release("r0")])
    assert notice.subject.startswith("CALENDAR: Title r0 (ofqual) due ")
    assert notice.release == "r0"


def test_a_later_edit_and_another_producer_have_their_own_notice() -> None:
    """An edit of a calendar moves r0.

    A later edit moves r1. The first edit also moves r2, of another producer.

    These three share no notice: each has its own.
    """
    first = verdict_on_moved_release("r0")
    later_edit = verdict_on_moved_release("r1", EDITED_AT + 10 * MINUTE)
    other_producer = verdict_on_moved_release("r2", producer="ons")
    notices = record_verdicts(TemporaryStore(), [first, later_edit, other_producer])
    # Each notice names its release. One about several releases would name none.
    assert {notice.release for notice in notices} == {"r0", "r1", "r2"}


def test_silenced_release_is_left_out_of_an_edits_common_notice() -> None:
    """Messages about the release r0 are silenced.

    Then one edit of a calendar moves r0 and three other releases.

    The other three share a notice. The silenced one has a notice of its own.
    """
    store = TemporaryStore()
    silence = create_silence(
        Scope.RELEASE,
        "r0",
        EDITED_AT + 2 * DAY,
        role="duty",
        reason="a planned move",
        now=EDITED_AT,
    )
    with store.transaction() as tx:
        tx.save(silence)
    notices = record_verdicts(
        store, [verdict_on_moved_release(name) for name in ("r0", "r1", "r2", "r3")]
    )
    # The common notice is about several releases, so it has none in `release`.
    notices_by_release = {notice.release: notice for notice in notices}
    assert notices_by_release.keys() == {"r0", ""}
    common_notice = notices_by_release[""]
    assert common_notice.subject.startswith("CALENDAR: 3 entries")
    assert "Title r0" not in common_notice.text


def test_edited_entry_with_more_channels_has_its_own_notice() -> None:
    """Notices about releases of ofqual go to `mail`, and those of dfe to `hook`.

    One calendar edit moves r0 and r1.

    Both releases are of ofqual, but r1 is also of dfe. So r1 has a notice of its own, which goes to
    both channels.
    """
    store = TemporaryStore()
    own, shared = verdict_on_moved_release("r0"), verdict_on_moved_release("r1")
    shared = replace(shared, others=("dfe",))
    notices = record_verdicts(
        store, [own, shared], a_route("mail", producer="ofqual"), a_route("hook", producer="dfe")
    )
    channels = {
        notice.release: {row.channel for row in store.outbox.deliveries(notice.id)}
        for notice in notices
    }
    assert channels == {"r0": {"mail"}, "r1": {"mail", "hook"}}


def test_entries_found_changed_within_ten_seconds_share_a_notice() -> None:
    """One edit of a calendar changed five entries. The monitor finds one of them every 2.5 s.

    The notice of the first waits ten seconds for others. Then it is sent, and is about the four
    found by then. The fifth is found after that, so it has a notice of its own.
    """

    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        mail = a_channel(clock)
        outbox = an_outbox(store, writer, [mail], clock, OutboxOptions())
        for name in ("r0", "r1", "r2", "r3"):
            record_verdicts(store, [replace(verdict_on_moved_release(name), at=clock.now())])
            await outbox.send_due("mail")
            assert not mail.messages
            await clock.sleep(2.5)
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
