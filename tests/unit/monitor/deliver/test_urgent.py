"""A higher grade is sent at once, and no older notice of its thread arrives after it.

Messages about one incident are usually a minute apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
        self.outbox = an_outbox(
            self.store, self.writer, [self.mail], self.clock, OutboxOptions(rules=rules)
        )

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
    """Run a coroutine as a test.

    Its `paced_mail` begins a minute after the slot. The other arguments are fixtures.
    """

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
    """Here three notices are made, five seconds apart.

    The first is the opening. The second says that the grade rose, which is urgent, so it is sent at
    once. The third is of another kind, such as `new_finding`. So it waits.
    """
    paced_mail.add_notice("opened")
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(GRADE_CHANGED)
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(kind)
    assert await paced_mail.send_and_list_kinds() == ["opened", GRADE_CHANGED]


@with_paced_mail
async def test_waiting_follow_ups_are_sent_with_a_higher_grade(paced_mail: PacedMail) -> None:
    """5 s after the opening, a new finding has to wait.

    Five seconds later, the grade rises. That is urgent, so it is sent at once. Its message also
    lists the finding.
    """
    paced_mail.add_notice("opened")
    await paced_mail.send_and_wait(seconds=5)
    finding = paced_mail.add_notice("new_finding")
    await paced_mail.send_and_wait(seconds=5)
    paced_mail.add_notice(GRADE_CHANGED)
    assert await paced_mail.send_and_list_kinds() == ["opened", GRADE_CHANGED]
    last_message = list(paced_mail.mail.messages.values())[-1]
    assert f"Since the last message:\n- {finding.subject}" in last_message.text


@with_paced_mail
async def test_opening_delayed_by_quiet_hours_precedes_a_higher_grade(
    paced_mail: PacedMail,
) -> None:
    """An incident opens.

    Because of quiet hours, its first notice, `opened`, is to be sent only after eight hours.

    Five seconds later its grade rises. The notice of that is urgent, and quiet hours do not delay
    it. So it is sent at once. As the opening must come before it, the opening is sent now, too.
    """
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
async def test_incident_with_urgent_notice_precedes_those_that_waited_longer(
    paced_mail: PacedMail,
) -> None:
    """The opening of incident i is sent.

    Then there are notices of the incidents a and b, which wait.

    A second later, the grade of incident i rises, which is urgent. So its notice is sent before the
    other two.
    """
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
    """The opening of an incident is sent.

    Then 40 notices of others are sent, and each takes ten seconds.

    After 35 s, during the fourth of them, the grade of the first incident rises. This notice is
    urgent. The outbox reads new notices after every five sends. So the urgent one is the sixth.
    """
    paced_mail.add_notice("opened", "incident")
    await paced_mail.send_and_wait(seconds=5)
    for number in range(40):
        paced_mail.add_notice("unproven", f"other-{number}")
    slow_mail = SlowChannel(paced_mail.clock, seconds=10.0)
    outbox = an_outbox(paced_mail.store, paced_mail.writer, [slow_mail], paced_mail.clock)
    sending = asyncio.ensure_future(outbox.send_due("mail"))
    await paced_mail.clock.sleep(35)
    urgent = paced_mail.add_notice(GRADE_CHANGED, "incident")
    outbox.wake()
    await sending
    sixth = slow_mail.received_ids[5]
    assert sixth == urgent.id
    assert len(slow_mail.received_ids) == 40 + 1


@with_paced_mail
async def test_later_notices_that_a_restored_store_lost_are_not_sent_again(
    paced_mail: PacedMail,
) -> None:
    """Three notices of an incident are sent. Then the store is restored from an older backup, in
    which they still wait.
    """
    for kind in ("opened", "new_finding", "appeared"):
        paced_mail.add_notice(kind)
        await paced_mail.send_and_wait(seconds=61)
    sent = paced_mail.store.outbox.deliveries()
    waiting = [
        replace(row, standing=DeliveryState.WAITING, attempts=0, began=None, finished=None)
        for row in sent
    ]
    with paced_mail.store.transaction() as tx:
        tx.save(*waiting)
    await paced_mail.outbox.send_due("mail")
    assert paced_mail.mail.attempts == 3
    assert paced_mail.store.outbox.deliveries() == sent
