"""A higher grade is sent at once, and no older notice of its thread arrives after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from alerts.incident import make_fact_notice
from alerts.notice import Notice
from monitor.clock import VirtualClock
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import SlowChannel, a_channel, an_outbox
from tests.worlds.incidents import an_incident, facts_of_a_release
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.virtual import Test, asking_for

GRADE_CHANGED = "grade_changed"


@dataclass
class PacedMail:
    """An outbox with one paced channel, and notices put into it."""

    clock: VirtualClock
    store: TemporaryStore = field(default_factory=TemporaryStore)

    def __post_init__(self) -> None:
        self.writer = Writer(self.store, self.clock)
        self.mail = a_channel(self.clock, "mail")
        rules = ReportingRules(channels=["mail"], folding=frozenset({"mail"}))
        self.outbox = an_outbox(self.store, self.writer, [self.mail], self.clock, OutboxOptions(rules=rules))

    def add_notice(self, kind: str, name: str = "i", due_in: timedelta = timedelta()) -> Notice:
        """Add a notice to the thread of incident `name`, to be sent at once or after `due_in`."""
        incident = an_incident(name)
        fact = "thread" if kind == "opened" else kind
        notice = make_fact_notice(kind, fact, incident, facts_of_a_release(), self.clock.now())
        with self.store.transaction() as tx:
            tx.add_notice(notice, [])
            tx.save(Delivery(notice.id, "mail", DeliveryState.WAITING, self.clock.now() + due_in))
        return notice

    async def send_and_wait(self, seconds: float) -> None:
        await self.outbox.send_due("mail")
        await self.clock.sleep(seconds)

    async def send_and_list_kinds(self) -> list[str]:
        await self.outbox.send_due("mail")
        return [message.kind for message in self.mail.messages.values()]


def with_paced_mail(test: Test) -> Callable[..., None]:
    """Run a coroutine as a test. Its `paced_mail` begins a minute after the slot. The other arguments are fixtures."""

    def run(**fixtures: object) -> None:
        async def story(clock: VirtualClock) -> None:
            paced_mail = PacedMail(clock)
            await test(paced_mail=paced_mail, **fixtures)
            paced_mail.writer.abandon()

        run_virtually(story, after_slot(61))

    return asking_for(run, test, given=("paced_mail",))


@pytest.mark.parametrize("kind", ["new_finding", "appeared", "exposure_closed"])
@with_paced_mail
async def test_only_a_higher_grade_is_sent_at_once(paced_mail: PacedMail, kind: str) -> None:
    """Messages about one incident are a minute apart. A notice that its grade rose is urgent, so it does not wait. A
    notice of another kind, such as `new_finding`, waits."""
    paced_mail.add_notice("opened")
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(GRADE_CHANGED)
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(kind)
    # This is ten seconds after the opening. So the last notice still waits.
    assert await paced_mail.send_and_list_kinds() == ["opened", GRADE_CHANGED]


@with_paced_mail
async def test_waiting_follow_ups_are_sent_with_a_higher_grade(paced_mail: PacedMail) -> None:
    """Messages of one thread are a minute apart. Five seconds after the opening there is a new finding, which has to
    wait. Five seconds later, a higher grade is sent at once, and its message also lists the finding."""
    paced_mail.add_notice("opened")
    await paced_mail.send_and_wait(seconds=5)
    earlier = paced_mail.add_notice("new_finding")
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(GRADE_CHANGED)
    assert await paced_mail.send_and_list_kinds() == ["opened", GRADE_CHANGED]
    last_message = list(paced_mail.mail.messages.values())[-1]
    assert f"Since the last message:\n- {earlier.subject}" in last_message.text


@with_paced_mail
async def test_opening_delayed_by_quiet_hours_precedes_a_higher_grade(paced_mail: PacedMail) -> None:
    """The higher grade is urgent, and must not come before the opening. So the opening is sent now, too."""
    paced_mail.add_notice("opened", due_in=timedelta(hours=8))
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(GRADE_CHANGED)
    assert await paced_mail.send_and_list_kinds() == ["opened", GRADE_CHANGED]


@with_paced_mail
async def test_quiet_hours_delay_even_a_notice_of_higher_grade(paced_mail: PacedMail) -> None:
    paced_mail.add_notice("opened")
    await paced_mail.send_and_wait(seconds=5)
    # Quiet hours of the channel delay this notice, although it is urgent.
    paced_mail.add_notice(GRADE_CHANGED, due_in=timedelta(hours=8))
    await paced_mail.send_and_wait(seconds=8 * 3600 - 1)
    assert await paced_mail.send_and_list_kinds() == ["opened"]
    await paced_mail.clock.sleep(1)
    assert await paced_mail.send_and_list_kinds() == ["opened", GRADE_CHANGED]


@with_paced_mail
async def test_thread_with_urgent_notice_precedes_threads_that_waited_longer(paced_mail: PacedMail) -> None:
    """The incident `i` gets a higher grade, which is urgent. Notices of the incidents `a` and `b` have waited a second
    longer."""
    paced_mail.add_notice("opened", "i")
    await paced_mail.send_and_wait(seconds=5)
    earlier = [paced_mail.add_notice("unproven", name) for name in ("a", "b")]
    await paced_mail.clock.sleep(1)
    urgent = paced_mail.add_notice(GRADE_CHANGED, "i")
    mail = SlowChannel(paced_mail.clock, seconds=10.0)
    await an_outbox(paced_mail.store, paced_mail.writer, [mail], paced_mail.clock).send_due("mail")
    # Notices of the same instant are sent in the order of their ids.
    assert mail.received_ids == [urgent.id, *sorted(one.id for one in earlier)]


@with_paced_mail
async def test_urgent_notice_waits_for_at_most_five_slow_sends(paced_mail: PacedMail) -> None:
    """The outbox reads new notices after every five sends."""
    # The opening of an incident is sent, so that an urgent notice can follow it later.
    paced_mail.add_notice("opened", "incident")
    await paced_mail.send_and_wait(seconds=5)
    # Then 40 notices of other incidents are sent. Each takes ten seconds.
    for number in range(40):
        paced_mail.add_notice("unproven", f"other-{number}")
    slow_mail = SlowChannel(paced_mail.clock, seconds=10.0)
    outbox = an_outbox(paced_mail.store, paced_mail.writer, [slow_mail], paced_mail.clock)
    sending = asyncio.ensure_future(outbox.send_due("mail"))
    # After 35 s, during the fourth send, an urgent notice is added: a higher grade.
    await paced_mail.clock.sleep(35)
    urgent = paced_mail.add_notice(GRADE_CHANGED, "incident")
    outbox.wake()
    await sending
    assert slow_mail.received_ids[5] == urgent.id
    assert len(slow_mail.received_ids) == 40 + 1
