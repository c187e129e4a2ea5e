"""No accepted configuration blinds: windows leave no gap, and something can be proved at a slot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import example, given, reject
from hypothesis import strategies as st

from monitor.config.read import check_settings
from monitor.config.settings import Settings
from monitor.errors import BadInput
from monitor.look.fetch import Answer
from monitor.look.interpret import Interpreter
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from monitor.plan.windows import UNSEEN, Progress, Stage, windows_for
from schedules.slot import Precision, Slot

Table = dict[str, object]

SLOT_TIME = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
SLOT = Slot(Precision.INSTANT, instant=SLOT_TIME)
PROMISED_DAY = Slot(Precision.DAY, first=date(2026, 7, 23), last=date(2026, 7, 23))
PROMISED_MONTH = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
_slots = st.sampled_from([SLOT, PROMISED_DAY, PROMISED_MONTH])

PAGE = Target("w/page/edge", "w", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "status")
TRIPWIRE = Target(
    "~tripwire/x", "", "", View.TRIPWIRE, "https://www.gov.uk/y", "www.gov.uk", "link:*"
)

_lengths = st.sampled_from(
    ["0s", "7s", "90s", "2m", "10m", "61m", "2h", "12h", "50h", "7d", "9d", "14d", "30d"]
)
_spacings = st.sampled_from(["20ms", "900ms", "1s", "7s", "60s", "61m", "7h", "5d"])
_early_phases = st.fixed_dictionaries({"from": _lengths, "every": _spacings})
_slot_phases = st.fixed_dictionaries(
    {}, optional={"from": _lengths, "until": _lengths, "every": _spacings}
)
_tripwire_phases = st.fixed_dictionaries({}, optional={"every": _spacings})
_every_watch_table = st.fixed_dictionaries(
    {},
    optional={
        "far": _early_phases,
        "ahead": _early_phases,
        "near": _early_phases,
        "slot": _slot_phases,
        "overdue": st.fixed_dictionaries(
            {},
            optional={
                "every": _spacings,
                "until": _lengths,
                "then_every": _spacings,
                "free_every": _spacings,
                "free_until": _lengths,
                "close": _lengths,
            },
        ),
        "settle": st.fixed_dictionaries(
            {}, optional={"every": _spacings, "parts_every": _spacings, "until": _lengths}
        ),
        "exposed": st.fixed_dictionaries({}, optional={"every": _spacings}),
        "after": st.fixed_dictionaries({}, optional={"every": _spacings, "until": _lengths}),
        "tripwire": _tripwire_phases,
    },
)


_rates = st.sampled_from(["5/h", "61/m", "2/s", "50/s"])
_producers = st.sampled_from([0, 1, 9, 400]).map(
    lambda count: [
        {"id": f"p{number}", "name": "A Department", "hosts": ["www.gov.uk"]}
        for number in range(count)
    ]
)
_tables_that_matter_at_a_slot = st.fixed_dictionaries(
    {
        "watch": st.fixed_dictionaries(
            {},
            optional={
                "slot": st.fixed_dictionaries(
                    {},
                    optional={
                        "from": st.sampled_from(["0s", "90s"]),
                        "until": st.sampled_from(["7s", "20m"]),
                    },
                ),
                "tripwire": st.fixed_dictionaries(
                    {"every": st.sampled_from(["900ms", "1s", "7s", "5m"])}
                ),
            },
        ),
        "network": st.fixed_dictionaries(
            {}, optional={"timeout": st.sampled_from(["900ms", "1s", "7s", "60s"])}
        ),
        "clock": st.fixed_dictionaries(
            {"warn_offset": st.just("0s")},
            optional={"unproven_offset": st.sampled_from(["1s", "2s", "60s"])},
        ),
        "policy": st.fixed_dictionaries(
            {}, optional={"confirmed_within": st.sampled_from(["4m", "5m", "12h"])}
        ),
        "budget": st.fixed_dictionaries(
            {}, optional={"default": _rates, "www.gov.uk": _rates, "stats.example": _rates}
        ),
        "producer": _producers,
    }
)


def accepted(table: Table) -> Settings:
    """Return the settings, or reject the example if they are refused."""
    try:
        return check_settings(table, Path("config.toml"))
    except BadInput:
        reject()


# No phase precedes the slot phase, whose spacing does not divide its length.
@example(
    {"ahead": {"from": "90s", "every": "60s"}, "near": {"from": "90s", "every": "60s"}}
    | {"slot": {"from": "90s", "every": "7s"}},
    SLOT,
    UNSEEN,
)
@given(_every_watch_table, _slots, st.sampled_from([UNSEEN, Progress(Stage.EXPOSED, SLOT_TIME)]))
def test_no_accepted_setting_leaves_an_instant_without_a_window(
    table: Table, slot: Slot, progress: Progress
) -> None:
    """From `ahead` (a day or an instant) or `far` (a month) until the watch closes."""
    watch = accepted({"watch": table}).watch
    begins, passes = slot.begins(), slot.passes()
    assert begins is not None
    assert passes is not None
    early = watch.far if slot is PROMISED_MONTH else watch.ahead
    windows = windows_for(PAGE, slot, progress, watch)
    covered = [window for window in windows if window.ends > begins - early.begins]
    assert covered[0].begins <= begins - early.begins
    assert covered[-1].ends >= passes + watch.overdue.close
    assert all(one.ends == following.begins for one, following in pairwise(covered))
    (tripwire,) = windows_for(TRIPWIRE, slot, progress, watch)
    assert tripwire.begins <= begins - watch.ahead.begins + timedelta(days=1)
    assert tripwire.ends >= passes + watch.overdue.close


@given(_tables_that_matter_at_a_slot)
def test_every_accepted_configuration_can_prove_something_at_a_slot(table: Table) -> None:
    settings = accepted(table)
    slot = settings.watch.slot
    slot_phase = (slot.begins + slot.until).total_seconds()

    # The host is asked, tripwires left aside: each producer has one request a period.
    producers = len(settings.producer)
    listings = {"www.gov.uk": producers / settings.watch.tripwire.every.total_seconds()}
    for host in ("www.gov.uk", "stats.example"):
        rate = settings.rate(host) - listings.get(host, 0.0)
        assert rate * slot_phase > 0.99, host

    # It has half a second to answer, and if it does not, another look follows in the phase.
    assert 0.5 < settings.network.timeout.total_seconds() <= slot_phase

    # Our clock is right, and the answer is dated in whole seconds.
    sent = SLOT_TIME + timedelta(seconds=0.9)
    date_header = {"date": "Thu, 23 Jul 2026 08:30:00 GMT"}
    answer = Answer(PAGE.url, 404, date_header, b"", sent, sent + timedelta(seconds=0.5))
    interpreter = Interpreter(unproven_offset=settings.clock.unproven_offset)
    assert interpreter.interpret_now(PAGE, answer).state is State.ABSENT

    # The calendar is read four minutes before the slot, or within the next minute.
    assert settings.policy.confirmed_within > timedelta(minutes=4)


_out = st.builds(
    lambda is_complete, lost_at: Progress(
        Stage.SEEN, SLOT_TIME, is_complete=is_complete, lost_at=lost_at
    ),
    st.booleans(),
    st.none() | st.integers(1, 40 * 86400).map(lambda count: SLOT_TIME + timedelta(seconds=count)),
)


@given(_every_watch_table, _out)
def test_watch_of_a_release_that_is_out_has_no_gap(table: Table, progress: Progress) -> None:
    windows = windows_for(PAGE, SLOT, progress, accepted({"watch": table}).watch)
    assert all(one.ends == following.begins for one, following in pairwise(windows))
