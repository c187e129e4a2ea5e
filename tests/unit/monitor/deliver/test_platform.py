"""Eight releases of three producers that one platform delays are one incident and one thread.

Eight releases of three producers on one host are late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from alerts.channels.pagerduty import build_event
from alerts.incident import IncidentKind
from alerts.silence import Scope, create_silence
from monitor.deliver.platform import related_incidents
from monitor.judge.runs import Blind
from monitor.store.rows import DeliveryState
from tests.unit.monitor.deliver.outbox import record_verdict
from tests.unit.monitor.deliver.platform_day import (
    A_MINUTE_LATE,
    FIVE_MINUTES_LATE,
    PLATFORM_INCIDENT,
    PRODUCERS_BY_RELEASE,
    PUBLISHED_AT,
    Day,
    with_day,
)
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import HOUR, MINUTE, SLOT, after_slot
from tests.worlds.verdicts import a_late_verdict


def pager_events(pager: FakeChannel) -> list[Mapping[str, object]]:
    events = (build_event(message, "key") for message in pager.messages.values())
    return [event for event in events if event is not None]


async def run_day_of_outage(day: Day, *, acknowledged: bool = False) -> None:
    """Judge all eight releases from a minute late until all are out, with every message sent when
    due.
    """
    await day.judge_at(A_MINUTE_LATE)
    await day.run_until(A_MINUTE_LATE + 30)
    if acknowledged:
        day.acknowledge(day.platform_incident(), "press office")
    await day.judge_at(FIVE_MINUTES_LATE)
    for name, seconds in PUBLISHED_AT.items():
        await day.judge_at(seconds + 2)
        assert day.platform_incident().is_open or name == "r7"
    verdicts_are_final_at = PUBLISHED_AT["r7"] + 2000
    await day.judge_at(verdicts_are_final_at)
    await day.run_until(verdicts_are_final_at + 100)


@with_day
async def test_late_releases_share_one_message_despite_one_silenced_producer(day: Day) -> None:
    """Messages about those of dfe are silenced.

    The channel `mail` gets messages about all releases, and the channel `ons` about those of the
    producer ons. Each gets one message about all its releases, not one about each.
    """
    silence = create_silence(
        Scope.PRODUCER,
        "dfe",
        until=SLOT + HOUR,
        role="duty",
        reason="their site moves",
        now=day.clock.now(),
    )
    with day.store.transaction() as tx:
        tx.save(silence)
    await day.judge_at(A_MINUTE_LATE)
    await day.run_until(A_MINUTE_LATE + 30)
    assert day.kinds("mail") == ["opened"]
    assert day.kinds("ons") == ["opened"]


@pytest.mark.slow
@with_day
async def test_platform_fault_delaying_eight_releases_is_one_short_thread(day: Day) -> None:
    """Mail and pager get messages about the host, and not about each release."""
    await run_day_of_outage(day)
    # Reminders 15, 45, 75 and 105 minutes after the opening. The last release is published after
    # 125 minutes.
    assert day.kinds("mail") == ["opened", "grade_changed", *["reminder"] * 4, "final"]
    opened, grade_changed, *_reminders, final = day.subjects("mail")
    assert opened.startswith("LATE: 8 releases of 3 producers (dfe, ofqual, ons) on www.gov.uk due")
    assert "8 not out yet" in opened
    assert "a report is now due" in grade_changed
    assert "all out" in final
    events = pager_events(day.channels["pager"])
    assert [event["event_action"] for event in events] == ["trigger", "resolve"]
    assert {event["dedup_key"] for event in events} == {PLATFORM_INCIDENT}
    assert day.store.check() == []


@pytest.mark.slow
@with_day
async def test_producers_channel_gets_only_messages_about_its_own_releases(day: Day) -> None:
    """Eight releases on one host are late, two of them of ons. The channel `mail` and the hook,
    which is for machines, get messages about all releases.
    """
    await run_day_of_outage(day)
    assert len(day.subjects("ons")) <= len(day.subjects("mail"))
    assert day.subjects("ons")[0].startswith("LATE: 2 releases of ons (8 in all) on www.gov.uk")
    # r7 is a release of ons, and r0 is one of dfe.
    texts = " ".join(message.text for message in day.channels["ons"].messages.values())
    assert "Title r7" in texts
    assert "Title r0" not in texts
    # The opening of each release and that of the platform.
    assert day.kinds("hook").count("opened") == len(PRODUCERS_BY_RELEASE) + 1


@pytest.mark.slow
@with_day
async def test_acknowledged_platform_incident_sends_no_reminders(day: Day) -> None:
    await run_day_of_outage(day, acknowledged=True)
    # If an incident is acknowledged, there is one message when half of its releases are out:
    # `appeared`.
    assert day.kinds("mail") == ["opened", "grade_changed", "appeared", "final"]


@pytest.mark.slow
@with_day
async def test_platform_incident_links_its_releases_and_has_period_report(day: Day) -> None:
    """An incident of the platform opens."""
    await run_day_of_outage(day, acknowledged=True)
    releases = sorted(PRODUCERS_BY_RELEASE)
    incident = day.platform_incident()
    assert (incident.kind, incident.is_open) == (IncidentKind.PLATFORM, False)
    assert [link.release for link in incident.linked] == releases
    # The host counts as a producer, beside the producers of the releases.
    assert set(incident.producers) == {"www.gov.uk", "dfe", "ofqual", "ons"}
    # Each release has an incident of its own. It is related to that of the platform, and the other
    # way round.
    incidents_of_releases = related_incidents(day.store.verdicts, incident)
    assert len(incidents_of_releases) == len(releases)
    related_to_first_release = related_incidents(day.store.verdicts, incidents_of_releases[0])
    assert related_to_first_release[-1].id == PLATFORM_INCIDENT
    report = day.store.verdicts.drafts(PLATFORM_INCIDENT)[-1]
    assert report.form == "period"
    assert all(f"Title {release}" in str(report.facts) for release in releases)


@with_day
async def test_platform_report_counts_releases_on_time_and_gaps(day: Day) -> None:
    """On one host, the release r9 is on time and eight others are late.

    In the first minute the monitor did not run.

    The late releases open an incident of their platform, the host. Its report counts the release
    that was on time, and the time in which the monitor could not see.
    """
    # Published one second after its slot, which counts as on time.
    on_time = a_late_verdict(61, "r9", seconds_late=1)
    await record_verdict(day.writer, day.recorder, on_time, day.clock.now())
    with day.store.transaction() as tx:
        tx.add_blind(Blind(SLOT, after_slot(60), "killed"))
    await day.judge_at(A_MINUTE_LATE)
    report = str(day.store.verdicts.drafts(PLATFORM_INCIDENT)[-1].facts)
    assert "releases watched: 1 on time" in report
    assert "The monitor could not see during 1 gap, 1 minute in all." in report


@with_day
async def test_opening_of_a_platform_replaces_unsent_openings_of_releases(day: Day) -> None:
    """Three releases of three producers are on one host, their platform. The first is overdue.

    Its opening, the first notice of its incident, is sent. Then the other two are overdue. Before
    their openings are sent, all three are judged together. So an incident of the platform opens.
    Its opening replaces the two unsent ones.
    """
    await day.judge_at(A_MINUTE_LATE, ["r0"])
    await day.run_until(A_MINUTE_LATE + 2)
    assert day.kinds("mail") == ["opened"]
    await day.judge_at(A_MINUTE_LATE + 3, ["r3", "r6"])
    await day.judge_at(A_MINUTE_LATE + 4, ["r0", "r3", "r6"])
    await day.run_until(A_MINUTE_LATE + 34)
    subject_of_r0, subject_of_platform = day.subjects("mail")
    assert "Title r0" in subject_of_r0
    assert "3 releases" in subject_of_platform
    # A delivery that another notice replaces is `COVERED`.
    deliveries = [row for row in day.store.outbox.deliveries() if row.channel == "mail"]
    replaced = [
        day.store.outbox.notice(row.notice)
        for row in deliveries
        if row.standing is DeliveryState.COVERED
    ]
    assert sorted(notice.release for notice in replaced if notice is not None) == ["r3", "r6"]


@with_day
async def test_mail_reports_ends_of_release_and_platform_in_one_message(day: Day) -> None:
    """The release r0 is overdue, so its incident opens.

    Then r3, of another producer on the same host, is overdue too.

    So an incident of their platform, the host, opens. Later both releases are published, and an
    hour after r3 both incidents end. Mail gets one message about both ends. A pager gets an event
    for each.
    """
    await day.judge_at(A_MINUTE_LATE, ["r0"])
    await day.run_until(A_MINUTE_LATE + 4)
    await day.judge_at(A_MINUTE_LATE + 9, ["r0", "r3"])
    await day.judge_at(FIVE_MINUTES_LATE, ["r0", "r3"])
    r3_published = PUBLISHED_AT["r3"]  # after r0
    await day.judge_at(r3_published + 2, ["r0", "r3"])
    await day.judge_at(r3_published + 3600, ["r0", "r3"])
    await day.run_until(r3_published + 3690)
    # A pager has a key for each incident.
    actions_by_key: dict[object, list[object]] = {}
    for event in pager_events(day.channels["pager"]):
        actions_by_key.setdefault(event["dedup_key"], []).append(event["event_action"])
    of_release, of_platform = actions_by_key.values()
    assert (of_release[0], of_release[-1]) == ("trigger", "resolve")
    assert (of_platform[0], of_platform[-1]) == ("trigger", "resolve")
    # The notice of an end is of the kind `final`.
    assert day.kinds("mail").count("final") == 1
    assert day.kinds("mail")[-1] == "final"


@with_day
async def test_thread_that_keeps_changing_is_sent_once_a_minute(day: Day) -> None:
    """A release is overdue.

    After the opening of its incident, it changes every five seconds for five minutes.

    Mail gets only about one message a minute about it.
    """
    await day.judge_at(A_MINUTE_LATE, ["r0"])
    changes_begin = A_MINUTE_LATE + 9  # seconds after the slot
    await day.run_until(changes_begin)
    opening = day.store.outbox.notices()[0]
    for number in range(60):
        kind, now = "back" if number % 2 else "new_finding", day.clock.now()
        change = replace(opening, id=f"change-{number}", kind=kind, at=now, follows=opening.id)
        with day.store.transaction() as tx:
            tx.add_notice(
                change, day.rules.deliveries(change, day.store.verdicts.incidents()[0], now)
            )
        await day.run_until(changes_begin + 5 * (number + 1))
    times = sorted(day.channels["mail"].received.values())
    assert all(after - before >= MINUTE for before, after in pairwise(times))
    # The opening, and about one message for each of the five minutes.
    assert 4 <= len(times) <= 7
    # Each message has the last change, and names those since the message before.
    texts = [message.text for message in day.channels["mail"].messages.values()]
    assert all("Since the last message:" in text for text in texts[2:])
