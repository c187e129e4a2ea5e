"""`ninethirty channel`: send a test notice through a channel."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from alerts.channel import Accepted, Message, Outcome
from alerts.finding import ReleaseFacts
from alerts.message import build_message
from alerts.notice import Notice
from alerts.notice_text import write_notice_subject, write_notice_text
from alerts.steps import ACKNOWLEDGE, COMPLETE, steps_at
from monitor.cli import complete
from monitor.cli.common import Context, json_verb, print_json
from monitor.errors import unknown_name
from monitor.store.rows import CHANNEL_TESTED
from schedules.contract.verdict import Finding, FindingKind, Grade, PartVerdict, VerdictKind
from schedules.times.interval import Bounds
from schedules.times.zone import LONDON

if TYPE_CHECKING:
    from datetime import datetime


_OVERDUE = timedelta(minutes=3)
_ADDRESS = "https://www.example.org/statistics"


@click.group("channel")
def command() -> None:
    """Test the channels that notify people and machines.

    Example: ninethirty channel test desk
    """


@command.command("test")
@click.argument("name", shell_complete=complete.channels)
@json_verb
def test(context: Context, *, name: str) -> None:
    """Send a test notice through the channel NAME. Exit status 1 if it is refused.

    Example: ninethirty channel test desk
    """
    names = [channel.name for channel in context.settings.channel]
    if name not in names:
        raise unknown_name("channel", name, names)
    outcome = asyncio.run(_send_test(context, name))
    if isinstance(outcome, Accepted):
        _record_test(context, name)
        reference = f", reference {outcome.reference}" if outcome.reference else ""
        body = {
            "channel": name,
            "accepted": True,
            "reference": outcome.reference or None,
            "reason": None,
        }
        context.print_result(body, f"{name}: accepted{reference}")
        return
    if context.as_json:
        refusal = {"reference": None, "reason": outcome.reason, "permanent": outcome.permanent}
        print_json({"channel": name, "accepted": False, **refusal})
    else:
        click.echo(f"{name}: refused: {outcome.reason}", err=True)
    raise SystemExit(1)


def _record_test(context: Context, name: str) -> None:
    """Record that the channel took a test, so that `ready` knows it. A first test may precede the
    store.
    """
    if not context.has_store:
        return
    with context.store() as store, store.transaction() as tx:
        tx.save(context.peer.actor.act(CHANNEL_TESTED, name, context.now()))


async def _send_test(context: Context, name: str) -> Outcome:
    from monitor.app.options import make_channels

    channel = next(
        each for each in make_channels(context.settings, context.now) if each.name == name
    )
    try:
        return await channel.send(_make_test_message(name, context.now()))
    finally:
        await channel.close()


def _make_test_message(name: str, now: datetime) -> Message:
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
    notice_text = write_notice_text("opened", "late", facts, "test-of-a-channel", now, steps=steps)
    text = f"TEST\n\n{notice_text}"
    subject = f"TEST: {write_notice_subject('opened', 'late', facts, now)}"
    kind, no_incident = "test", ""
    notice = Notice(
        identity,
        kind,
        no_incident,
        facts.release,
        facts.producer,
        "note",
        ("late",),
        now,
        subject,
        text,
    )
    return build_message(notice, incident=None, link=f"{_ADDRESS}/incident")
