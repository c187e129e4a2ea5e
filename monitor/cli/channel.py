"""`ninethirty channel`: a test notice through a channel, as a real one would go."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, as_json, print_json, unknown
from monitor.cli.say import local

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.channel import Message, Outcome


@click.group("channel")
def command() -> None:
    """Try the channels by which people and machines are told.

    Example: ninethirty channel test desk
    """


@command.command("test")
@click.argument("name")
@as_json
@click.pass_obj
def test(context: Context, *, name: str, as_json: bool) -> None:
    """Send a test notice through the channel NAME; exit status 1 when it is refused.

    Example: ninethirty channel test desk
    """
    from alerts.channel import Accepted

    names = [channel.name for channel in context.settings.channel]
    if name not in names:
        raise unknown("channel", name, names)
    outcome = asyncio.run(_send(context, name))
    accepted = isinstance(outcome, Accepted)
    if as_json:
        print_json({"channel": name, "accepted": accepted, **_told(outcome)})
    elif isinstance(outcome, Accepted):
        click.echo(f"{name}: accepted" + (f", reference {outcome.reference}" if outcome.reference else ""))
    else:
        click.echo(f"{name}: refused: {outcome.reason}", err=True)
    if not accepted:
        raise SystemExit(1)


async def _send(context: Context, name: str) -> Outcome:
    from monitor.app.options_of_people import channels_of

    found = next(each for each in channels_of(context.settings, context.now, context.path.parent) if each.name == name)
    try:
        return await found.send(_message(name, context.now()))
    finally:
        await found.close()


def _message(name: str, now: datetime) -> Message:
    from alerts.channel import Message
    from alerts.notice import SCHEMA

    # An id of its own each time: a receiver drops what it has had before.
    identity = hashlib.sha256(f"test {name} {now.isoformat()}".encode()).hexdigest()[:32]
    subject = "TEST: nothing has happened, ninethirty tries this channel"
    text = f"{subject}\n\nSent at {local(now)} through the channel {name}. Nothing needs to be done.\n"
    data = {"schema": SCHEMA, "id": identity, "thread": identity, "kind": "test", "subject": subject}
    return Message(identity, identity, "test", subject, text, data=data)


def _told(outcome: Outcome) -> dict[str, object]:
    from alerts.channel import Accepted

    if isinstance(outcome, Accepted):
        return {"reference": outcome.reference or None, "reason": None}
    return {"reference": None, "reason": outcome.reason, "permanent": outcome.permanent}
