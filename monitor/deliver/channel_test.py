"""Sends a test notice through a channel."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.channel import Channel, Message, Outcome
from alerts.finding import ReleaseFacts
from alerts.message import build_message
from alerts.notice import Notice
from alerts.notice_text import write_notice_subject, write_notice_text
from alerts.steps import ACKNOWLEDGE, COMPLETE, steps_at
from monitor.errors import unknown_name
from schedules.contract.verdict import Finding, FindingKind, Grade, PartVerdict, VerdictKind
from schedules.times.interval import Bounds
from schedules.times.zone import LONDON

_OVERDUE = timedelta(minutes=3)
_ADDRESS = "https://www.example.org/statistics"


async def send_test(channels: Sequence[Channel], name: str, now: datetime) -> Outcome:
    """Send a test notice through the channel of this name. Raises `UnknownName`."""
    by_name = {channel.name: channel for channel in channels}
    if name not in by_name:
        raise unknown_name("channel", name, by_name)
    return await by_name[name].send(make_test_message(name, now))


def make_test_message(name: str, now: datetime) -> Message:
    """Return the message of a release that is three minutes overdue, marked as a test."""
    slot, delay = now - _OVERDUE, Bounds(_OVERDUE.total_seconds(), None)
    page = PartVerdict(
        "page", "page", f"{_ADDRESS}/page", required=True, verdict=VerdictKind.OVERDUE, delay=delay
    )
    facts = ReleaseFacts(
        release="test-of-a-channel",
        title="Test of a channel: there is no incident, and you need not do anything",
        producer="ninethirty",
        url=page.url,
        timezone=LONDON,
        slot=slot,
        slot_text="",
        slot_source="test",
        slot_learnt=slot,
        verdict=VerdictKind.OVERDUE,
        grade=Grade.NOTE,
        final=False,
        at=now,
        parts=(page,),
        findings=(Finding(FindingKind.LATE, "page", seconds=delay),),
    )
    # The id is new each time, because receivers drop ids that they already received.
    identity = hashlib.sha256(f"test {name} {now.isoformat()}".encode()).hexdigest()[:32]
    steps = (ACKNOWLEDGE, *steps_at("late"), COMPLETE)
    notice_text = write_notice_text("opened", "late", facts, facts.release, now, steps=steps)
    text = f"TEST\n\n{notice_text}"
    subject = f"TEST: {write_notice_subject('opened', 'late', facts, now)}"
    notice = Notice(
        id=identity,
        kind="test",
        incident="",
        release=facts.release,
        producer=facts.producer,
        grade=facts.grade,
        findings=("late",),
        at=now,
        subject=subject,
        text=text,
    )
    return build_message(notice, incident=None, link=f"{_ADDRESS}/incident")
