"""Sends each channel one message from memory while the store fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from alerts.channel import Accepted, Channel, Message
from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import BREACHES
from alerts.message import build_message
from alerts.notice import Notice, notice_id, write_blocks
from monitor.clock import Clock
from monitor.deliver.outbox import Outbox
from monitor.threads import RecurringJob

_log = structlog.get_logger(__name__)
_EVERY = timedelta(seconds=1)
_LONGEST_SEND = 120.0
_NO_MORE = (
    "You get no further message until the store is back. Then it is recorded, and the usual notices"
    " follow."
)


@dataclass(slots=True)
class LastResort:
    """Notifies people of breaches that the store cannot record.

    `store_fails` is set while the store may fail. `failing_since` returns since when it certainly
    has, else None. `find_unrecorded` yields the facts of releases with a verdict that the store
    lacks. Each channel gets one message in one failure of the store, about the first breach that
    routes send to it.
    """

    clock: Clock
    outbox: Outbox
    store_fails: asyncio.Event
    failing_since: Callable[[datetime], datetime | None]
    find_unrecorded: Callable[[], Iterable[ReleaseFacts]]
    _notified: set[str] = field(default_factory=set)

    def jobs(self) -> Iterator[RecurringJob]:
        """Yield the recurring job."""
        yield _EVERY, "last resort", self.notify

    async def notify(self) -> None:
        """Wait until the store fails. If a release is in breach then, notify the channels that were
        not yet notified.
        """
        await self.store_fails.wait()
        since = self.failing_since(self.clock.now())
        if since is None:  # also in the first seconds of each failure
            self._notified.clear()
            return
        messages: dict[str, Message] = {}
        for channel, message in self._make_messages(since):
            if channel not in self._notified:
                messages.setdefault(channel, message)
        self._notified |= messages.keys()
        await send_to_each(self.outbox.channels_in_use, messages)

    def _make_messages(self, since: datetime) -> Iterator[tuple[str, Message]]:
        """Yield the messages about all unrecorded breaches, each with its channel."""
        now, options = self.clock.now(), self.outbox.options
        for facts in self.find_unrecorded():
            decision = decide(facts, None, now)
            incident = decision.incident
            if incident is None or incident.kind not in BREACHES:
                continue
            for notice in decision.notices:
                unrecorded = _as_unrecorded(notice, since)
                message = self.outbox.redact(build_message(unrecorded, incident))
                for delivery in options.rules.deliveries(notice, incident, now):
                    if delivery.due <= now:
                        yield delivery.channel, message


def _as_unrecorded(notice: Notice, since: datetime) -> Notice:
    """Return an opening notice that says that it is not recorded yet.

    It has an id of its own, because the recorded one follows, and names no incident, because there
    is none to read yet.
    """
    why = (
        f"The store has failed since {since:%H:%M:%S} UTC, so this is not recorded yet. {_NO_MORE}"
    )
    return replace(
        notice,
        id=notice_id(notice.incident, "last_resort", since.isoformat()),
        incident="",
        subject=f"NOT RECORDED, the store fails: {notice.subject}",
        text=write_blocks([why], [notice.text.rstrip()]),
    )


def make_waiting_message(monitor: str, fault: str, at: datetime) -> Message:
    """Return the message of a monitor that waits for its store before it can begin."""
    subject = f"NOT WATCHING: the monitor {monitor} waits for its store"
    why = f"It was started at {at:%H:%M:%S} UTC, and looks at nothing until its store answers."
    notice = Notice(
        id=notice_id(monitor, "last_resort", at.isoformat()),
        kind="opened",
        incident="",
        release="",
        producer="",
        grade="report",
        findings=(),
        at=at,
        subject=subject,
        text=write_blocks([subject], [why], [fault]),
    )
    return build_message(notice, None)


async def send_to_each(channels: Iterable[Channel], messages: Mapping[str, Message]) -> None:
    """Send each channel its message, by name, all at once. Log how each ended."""

    async def send(channel: Channel, message: Message) -> None:
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                outcome = await channel.send(message)
        except TimeoutError:
            _log.error("last_resort", channel=channel.name, refused="no answer")
            return
        reason = ""
        if not isinstance(outcome, Accepted):
            reason = outcome.reason
        _log.warning("last_resort", channel=channel.name, refused=reason)

    chosen: Sequence[tuple[Channel, Message]] = [
        (channel, messages[channel.name]) for channel in channels if channel.name in messages
    ]
    await asyncio.gather(*(send(channel, message) for channel, message in chosen))
