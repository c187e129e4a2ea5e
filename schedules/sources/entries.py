"""Turns the rows of a calendar into its entries: repeats left out, contradictions in doubt, every
key for one entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain

from schedules.address import canonical_address
from schedules.announcement import Announcement, State
from schedules.called_off import CALLED_OFF, read_called_off
from schedules.clean import clean_address, clean_text
from schedules.dates.read import read_date, with_stamp
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.dates.status import read_status
from schedules.same_entry import UNDATED
from schedules.slot import Slot, first_day, last_day
from schedules.source import Reading
from schedules.sources.footnotes import find_footnotes, with_footnotes
from schedules.sources.row import CalendarRow, Remark, clean_title, make_announcement
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import local_date
from schedules.titles import Title, names_a_period, read_title

MOST_NOTES = 200
_A_WEEK = timedelta(days=7)
_LONGEST = 1000
_OTHER_ORDER = {"dmy": "mdy", "mdy": "dmy", "ymd": "ymd"}


def make_announcements(
    given: Iterable[CalendarRow],
    settings: CalendarSettings,
    now: datetime,
    texts: Iterable[str] = (),
) -> tuple[list[Announcement], list[Remark]]:
    """Return all rows as announcements with unique keys where possible, with remarks.

    `texts` are those of the page around the rows, which may have notes about some of them.
    """
    rows = list(given)
    notes = find_footnotes(chain(texts, (row.title for row in rows if not row.date)))
    if notes:
        rows = [with_footnotes(row, notes) for row in rows]
    anchor = local_date(now, settings.zone)
    made: list[Announcement] = []
    remarks: list[Remark] = []
    without_uid: list[int] = []
    for index, row in enumerate(rows):
        announcement, faults = make_announcement(row, settings, anchor)
        # Before duplicates are dropped: of two rows of one release only one may be called off.
        made.append(heed_title(announcement, settings.stands))
        remarks += faults
        if not row.uid.strip():
            without_uid.append(index)
    if any(each.slot.reason == "order" for each in made):
        made = [_doubt_order(each, settings, anchor) for each in made]
    kept, remarks_on_duplicates = drop_duplicates(make_uids_unique(made, without_uid))
    return kept, remarks + remarks_on_duplicates


def _doubt_order(given: Announcement, settings: CalendarSettings, anchor: date) -> Announcement:
    """Return an entry of a calendar that has dates in another order than it says, with a doubt if
    its own date can be read in both.
    """
    order = _OTHER_ORDER[settings.date_order]
    other = read_date(given.slot.raw, anchor, given.slot.timezone, order).slot
    slot = with_stamp(given.slot, other)
    if slot.doubt == given.slot.doubt or slot.reason:
        return given
    doubted = replace(slot, doubt="order")
    return replace(given, slot=doubted, doubt=given.doubt or doubted.doubt)


def drop_duplicates(made: Sequence[Announcement]) -> tuple[list[Announcement], list[Remark]]:
    """Return the entries without repeats, and remarks.

    A doubt marks different entries with the same key, and entries of one edition that name
    different times: a calendar may keep the old entry of a release that moved.
    """
    kept = list(dict.fromkeys(made))
    by_uid = _group_by((each.uid for each in kept), kept)
    remarks = [
        Remark(same[0].uid, f"{len(same)} different entries share this id", same[0].title)
        for same in by_uid
        if same[0].title
    ]
    rivals: dict[Announcement, list[Announcement]] = {}
    for same in by_uid:
        rivals |= dict.fromkeys(same, same)
    # First by address alone, because splitting 100,000 titles takes seconds.
    by_address = _group_by((canonical_address(each.url) for each in kept), kept)
    editions = (_group_by(map(_edition_of, each), each) for each in by_address)
    for same in chain.from_iterable(editions):
        listed_again = [each for each in _find_listed_again(same) if each not in rivals]
        rivals |= dict.fromkeys(listed_again, same)
        remarks += [
            Remark(each.uid, "another entry of this edition has another time", each.title)
            for each in listed_again
        ]
    return [
        _with_all_readings(each, rivals[each]) if each in rivals else each for each in kept
    ], remarks


def _group_by(
    keys: Iterable[Hashable | None], made: Sequence[Announcement]
) -> list[list[Announcement]]:
    """Return the entries of each key that several entries have. An entry without a key is in no
    group.
    """
    groups: dict[Hashable, list[Announcement]] = {}
    for key, announcement in zip(keys, made, strict=True):
        if key is not None:
            groups.setdefault(key, []).append(announcement)
    return [group for group in groups.values() if len(group) > 1]


def _edition_of(entry: Announcement) -> tuple[str, Title, str] | None:
    """Return what two entries of one edition share: producer, title with its period, and address.

    Return None for an entry that lacks one of these, or that is called off.
    """
    is_called_off = entry.state in CALLED_OFF or entry.doubt == STATUS_DOUBT
    address = canonical_address(entry.url)
    if not address or is_called_off or not names_a_period(entry.title):
        return None
    return entry.producer, read_title(entry.title), address


def _find_listed_again(same: Sequence[Announcement]) -> list[Announcement]:
    """Return the entries of one edition that cannot all be right about its time. If those that are
    not provisional name one time, only the provisional ones are returned.

    Entries that span a week or more may be of a series with one title, so none is returned.
    """
    days = [day for each in same if (day := first_day(each.slot)) is not None]
    if len(days) < len(same) or max(days) - min(days) >= _A_WEEK or _can_all_be_true(same):
        return []
    sure = [each for each in same if each.state is not State.PROVISIONAL]
    if sure and _can_all_be_true(sure):
        return [each for each in same if each not in sure]
    return list(same)


def _can_all_be_true(same: Sequence[Announcement]) -> bool:
    """Return whether the times of entries, which have one each, can all be true."""
    instants = {each.slot.instant for each in same} - {None}
    first_days = [day for each in same if (day := first_day(each.slot)) is not None]
    last_days = [day for each in same if (day := last_day(each.slot)) is not None]
    return len(instants) <= 1 and max(first_days) <= min(last_days)


def _with_all_readings(given: Announcement, same: Sequence[Announcement]) -> Announcement:
    """Return one of several entries of one id or edition, with the times of all, and with the
    status of one that does not stand.
    """
    times = set(chain.from_iterable(_times_of(each.slot) for each in same))
    slot = replace(given.slot, readings=tuple(sorted(times)))
    called_off = [each for each in same if each.state in CALLED_OFF or each.doubt == STATUS_DOUBT]
    if not called_off or given in called_off:
        return replace(given, doubt=given.doubt or "duplicate-uid", slot=slot)
    status = called_off[0].status or str(called_off[0].state)
    return replace(given, doubt=STATUS_DOUBT, slot=slot, status=status)


def _times_of(slot: Slot) -> tuple[datetime, ...]:
    if slot.instant is not None and slot.doubt is None:
        return (slot.instant,)
    return slot.all_readings()


def make_uids_unique(
    made: Sequence[Announcement], without_uid: Collection[int]
) -> list[Announcement]:
    """Return the entries, with another uid for those that have the same uid and different days.

    `without_uid` are the indices of rows without a uid of their own. `make_uid` made it from the
    title, so all rows of a monthly series may have the same one, `x`. They get the month
    (`x@2026-07`). If two rows with different days still have the same uid, these get the day
    (`x@2026-07-23`). The month is tried first, because it changes less often. A row without a day
    gets `x@undated` if another one has a day, so that it does not take that one's uid.
    """
    result = list(made)
    dated = {made[index].uid for index in without_uid if first_day(made[index].slot) is not None}
    for index in without_uid:
        uid = made[index].uid
        if uid in dated and first_day(made[index].slot) is None:
            result[index] = replace(made[index], uid=f"{uid}{UNDATED}")
    for date_format in ("%Y-%m", "%Y-%m-%d"):
        uids_and_days = {
            (result[index].uid, first_day(result[index].slot)) for index in without_uid
        }
        day_count = Counter(uid for uid, _ in uids_and_days)
        for index in without_uid:
            original = made[index]
            day = first_day(original.slot)
            if day_count[result[index].uid] > 1 and day is not None:
                result[index] = replace(original, uid=f"{original.uid}@{day.strftime(date_format)}")
    return result


def make_reading(
    made: Sequence[Announcement],
    remarks: Sequence[Remark],
    *,
    lists_overdue: bool = True,
) -> Reading:
    """Return the reading of a calendar: clean announcements, and remarks as notes, the
    first `MOST_NOTES` of them and how many more there are.

    `lists_overdue`: the calendar keeps entries after their day.
    """
    notes = [str(remark) for remark in remarks[:MOST_NOTES]]
    if len(remarks) > MOST_NOTES:
        notes.append(f"… and {len(remarks) - MOST_NOTES} more remarks")
    announcements = tuple(map(clean_announcement, made))
    return Reading(announcements, tuple(map(clean_text, notes)), lists_overdue)


def heed_title(given: Announcement, stands: Collection[str]) -> Announcement:
    """Return an announcement called off if its title says so, whatever its own state was, and in
    doubt if its title may say so and has none of the words `stands`.
    """
    rest, status = read_called_off(given.title)
    if status.is_understood and status.state is None:
        return given
    read = read_status(given.title, stands)
    may_stand = read.state is State.CONFIRMED or (not rest and read.state is State.PROVISIONAL)
    is_settled = given.state in CALLED_OFF or may_stand
    is_heeded = status.is_understood and given.state is status.state
    if is_heeded or (not status.is_understood and is_settled):
        return given
    return replace(
        given,
        state=status.state or given.state,
        doubt=given.slot.doubt if status.is_understood else STATUS_DOUBT,
        status=given.status or clean_title(given.title),
    )


def clean_announcement(given: Announcement) -> Announcement:
    """Return an announcement whose texts and addresses are safe to store and show."""
    before = (given.producer, given.why, given.uid, given.slot.raw, given.status)
    after = tuple(clean_text(text, _LONGEST) for text in before)
    title, url, link = clean_text(given.title), clean_address(given.url), clean_address(given.link)
    # Most are clean already. A copy of each would take time and memory.
    if after == before and (title, url, link) == (given.title, given.url, given.link):
        return given
    producer, why, uid, raw, status = after
    slot = given.slot if raw == given.slot.raw else replace(given.slot, raw=raw)
    return replace(
        given,
        title=title,
        producer=producer,
        why=why,
        uid=uid,
        slot=slot,
        url=url,
        link=link,
        status=status,
    )
