"""A release that was moved to another day, public early on the earlier of both days, and released:
every text names the right day of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from alerts.decide import decide
from alerts.draft.fill import fill_form
from alerts.draft.form import choose_form
from alerts.draft.write.registry import WRITERS
from alerts.message import build_message
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from schedules.promise import Promise
from tests.worlds.instants import DAY, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks
from tests.worlds.releases import a_promise
from tests.worlds.verdicts import Case, runs_seen

MONDAY, FRIDAY, THURSDAY = "2018-01-08 09:30", "2018-01-05 09:30", "2018-01-04 16:00"
EVERY = 5.0


@dataclass(frozen=True)
class ReDated:
    """Slots before and after the move, when it was read, when the page came and went, and what is
    right: the end of the last subject, the account, and the days in the JSON.
    """

    moved: Sequence[str]
    read: str
    public: Sequence[tuple[str, str]]
    subject: str
    account: str
    days: tuple[str, str]

    def promises(self) -> list[Promise]:
        before, after = map(at, self.moved)
        read = at(self.read)
        old = a_promise(before, learnt=read - 40 * DAY, confirmed_at=read, unlearnt=read)
        return [old, a_promise(after, learnt=read, confirmed_at=after + DAY)]


CASES = {
    "moved to Monday, public for 20 minutes at its old time": ReDated(
        (FRIDAY, MONDAY),
        "2018-01-05 07:30",
        [("2018-01-05 09:30", "2018-01-05 09:50"), (MONDAY, "")],
        "from 5 January 09:30 GMT; released between 09:29:55 and 09:30:00 GMT",
        "pre-announced on GOV.UK for 9.30am on Monday 8 January 2018. It became available at about"
        " 9.30am on 5 January, about 3 days early. It was removed at about 9.50am. The release was"
        " published as announced at 9.30am on 8 January.",
        ("2018-01-05", "2018-01-08"),
    ),
    "moved to Monday, public at its old time, and late on Monday": ReDated(
        (FRIDAY, MONDAY),
        "2018-01-05 07:30",
        [("2018-01-05 09:30", "2018-01-05 09:50"), ("2018-01-08 09:50", "")],
        "from 5 January 09:30 GMT; released between 09:49:55 and 09:50:00 GMT, 19 min 55 s to"
        " 20 min late",
        "It became available at about 9.30am on 5 January, about 3 days early. It was removed at"
        " about 9.50am. The release was not available again until 9.50am on 8 January.",
        ("2018-01-05", "2018-01-08"),
    ),
    "moved to Monday, public from its old time on": ReDated(
        (FRIDAY, MONDAY),
        "2018-01-05 07:30",
        [("2018-01-05 09:30", "")],
        "from 5 January 09:30 GMT; already public when its slot came",
        "It became available at about 9.30am on 5 January, about 3 days early. It remained"
        " available until the announced time.",
        ("2018-01-05", "2018-01-08"),
    ),
    "brought forward to Friday, public on Thursday": ReDated(
        (MONDAY, FRIDAY),
        "2018-01-03 09:30",
        [(THURSDAY, "2018-01-04 16:20"), (FRIDAY, "")],
        "from 4 January 16:00 GMT; released between 09:29:55 and 09:30:00 GMT",
        "pre-announced on GOV.UK for 9.30am on Friday 5 January 2018. It became available at about"
        " 4pm on 4 January, some 17½ hours early. It was removed at about 4.20pm. The release was"
        " published as announced at 9.30am on 5 January.",
        ("2018-01-04", "2018-01-05"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_text_names_the_days_of_exposure_and_release(case: ReDated) -> None:
    slot = at(case.moved[1])
    turns = [(seconds_at("2018-01-03 12:00"), ABSENT)]
    for came, went in case.public:
        turns.append((seconds_at(came), PRESENT))
        if went:
            turns.append((seconds_at(went), ABSENT))
    seen = {"page": RegularLooks(turns, every=EVERY)}
    incident, notices = None, []
    for seconds in (-3600.0, 200.0, 1300.0):
        now = seconds_at(f"{slot:%Y-%m-%d %H:%M}") + seconds
        verdict = Case(now, seen, promises=case.promises()).verdict()
        measured = Measurement(monitor="m", runs=runs_seen(now, seen, EVERY))
        assessed = assess(verdict, measured)
        decided = decide(assessed.facts, incident, assessed.facts.at)
        incident = decided.incident or incident
        notices += decided.notices
    assert incident is not None
    message = build_message(notices[-1], incident)
    assert message.subject.endswith(case.subject)
    form = choose_form(incident.occurred, incident.facts.grade)
    report = fill_form(incident, form, configured={}, previous=(), now=incident.facts.at)
    assert case.account in WRITERS["md"](report).decode()
    body = assessed.body
    assert (body["first_seen"]["by"][:10], body["released"]["by"][:10]) == case.days
