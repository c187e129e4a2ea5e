"""Finds the id under which an entry is known, if its calendar now shows it under another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice

from schedules.announcement import Announcement
from schedules.called_off import CALLED_OFF
from schedules.matching import MADE_ID
from schedules.slot import first_day, has_passed
from schedules.times.zone import local_date
from schedules.titles import read_title

UNDATED = "@undated"
"""The end of the id of a row without a date, if its calendar has dated rows of the same id."""


def keep_ids(
    known: Mapping[str, Announcement],
    shown: Sequence[Announcement],
    at: datetime,
    *,
    has_given_ids: bool,
) -> list[Announcement]:
    """Return the entries `shown` by a read at this time, each under the id by which it is `known`.

    An id can change although the entry is the same: some exports give new ids at each download,
    and an id that was made from a row depends on its link. The reverse also happens: a row is
    re-used for the next edition under its old id. That edition then gets an id of its own.

    If `has_given_ids`, people choose the ids, so a new one means a new entry.
    """
    if not known:
        return list(shown)
    editions = _group_by_row(known)
    kept = [_under_id_of_row(each, known, editions, at) for each in shown]
    taken = {each.uid for each in kept}
    if taken <= known.keys():
        return kept
    # Match by time first, because several old entries can share a period and addresses.
    for key_of in (_title_and_time, _edition_and_addresses):
        missing: dict[Hashable, list[Announcement]] = defaultdict(list)
        for uid, old in known.items():
            if uid not in taken:
                missing[key_of(old)].append(old)
        for index, each in enumerate(kept):
            if shown[index].uid in known or each.uid in known:
                continue
            is_given = has_given_ids and not MADE_ID.fullmatch(each.uid)
            key = None if is_given else key_of(each)
            if key is None:
                continue
            matches = (old for old in missing.get(key, ()) if _is_same(old, each))
            same = list(islice(matches, 2))
            if len(same) == 1:
                missing[key].remove(same[0])
                taken.add(same[0].uid)
                kept[index] = replace(each, uid=same[0].uid)
    return _under_ids_of_retitled(known, kept)


def _under_id_of_row(
    entry: Announcement,
    known: Mapping[str, Announcement],
    editions: Mapping[str, Sequence[Announcement]],
    at: datetime,
) -> Announcement:
    """Return an entry under the id that its row has now, if others are known of the row."""
    undated = f"{entry.uid}{UNDATED}"
    if undated in known and first_day(entry.slot) is None:
        return replace(entry, uid=undated)
    if _can_be_any_edition(entry):
        return _under_id_of_last(editions.get(entry.uid, ()), entry)
    if entry.uid in known:
        return _under_id_of_edition(known[entry.uid], entry, known, at)
    return entry


def _group_by_row(known: Mapping[str, Announcement]) -> Mapping[str, list[Announcement]]:
    """Return the dated entries of each row, sorted by id.

    If its title has no period, this is the order of its editions (`_next_edition_id`).
    """
    editions: dict[str, list[Announcement]] = defaultdict(list)
    for uid in sorted(known):
        if first_day(known[uid].slot) is not None:
            editions[uid.partition("@")[0]].append(known[uid])
    return editions


def _under_ids_of_retitled(
    known: Mapping[str, Announcement], shown: Sequence[Announcement]
) -> list[Announcement]:
    """Return the entries, each with a made id under that of the only earlier entry of its address
    and time: a corrected title changes an id that was made from it.
    """
    old, new = _group_by_address_and_time(known.values()), _group_by_address_and_time(shown)
    taken = {each.uid for each in shown}
    known_ids: dict[str, str] = {}
    for address_and_time, entries in new.items():
        matches = old.get(address_and_time, ())
        if not len(entries) == len(matches) == 1:
            continue
        if entries[0].uid not in known and matches[0].uid not in taken:
            known_ids[entries[0].uid] = matches[0].uid
    return [
        replace(each, uid=known_ids[each.uid]) if each.uid in known_ids else each for each in shown
    ]


def _group_by_address_and_time(
    entries: Iterable[Announcement],
) -> Mapping[tuple[object, ...], list[Announcement]]:
    """Return the entries of each address and time, if they have both and a made id."""
    groups: dict[tuple[object, ...], list[Announcement]] = defaultdict(list)
    for each in entries:
        if each.url and first_day(each.slot) is not None and MADE_ID.fullmatch(each.uid):
            groups[each.url, each.slot.begins(), each.slot.passes()].append(each)
    return groups


def find_next_editions(
    shown: Iterable[Announcement], published: Mapping[str, datetime], at: datetime
) -> list[Announcement]:
    """Return the entries that may be the next edition of a release that is out, each under an id of
    its own.

    Without a period, a later day can mean that, or a change made too late. So the first read that
    shows it gets both entries. `published` has the slots of releases that are out, by entry.
    """
    editions = []
    for each in shown:
        if each.uid not in published or not _can_be_any_edition(each):
            continue
        if each.state in CALLED_OFF or has_passed(each.slot, at):
            continue
        day = first_day(each.slot)
        if day is not None and day > local_date(published[each.uid], each.slot.timezone):
            editions.append(replace(each, uid=_next_edition_id(each.uid, day)))
    return editions


def _next_edition_id(last: str, day: date) -> str:
    """Return an id for the edition on `day` that sorts after that of the `last` edition."""
    uid = f"{last.partition('@')[0]}@{day}"
    # The last edition can have got its id by a day that was corrected since.
    return uid if uid > last else f"{last.partition('+')[0]}+{day}"


def _under_id_of_last(editions: Sequence[Announcement], entry: Announcement) -> Announcement:
    """Return an entry under the id of its row's last edition, preferably of one with its time."""
    if not editions:
        return entry
    same = [each for each in editions if each.slot.is_same_time(entry.slot)]
    return replace(entry, uid=[*editions, *same][-1].uid)


def _can_be_any_edition(entry: Announcement) -> bool:
    """Return whether the title has no period, and the id was made from the row."""
    return MADE_ID.fullmatch(entry.uid) is not None and not read_title(entry.title).period


def _title_and_time(entry: Announcement) -> Hashable:
    return (_join_blanks(entry.title), entry.slot.time_key)


def _edition_and_addresses(entry: Announcement) -> Hashable:
    """Return the title, address and link, or None if the title names no period."""
    if not read_title(entry.title).period:
        return None
    return (_join_blanks(entry.title), entry.url, entry.link)


def _join_blanks(title: str) -> str:
    return " ".join(title.split())


def _is_same(old: Announcement, new: Announcement) -> bool:
    """Return whether an old entry with the same key is the new one: it has the same address and
    link, or the title names a period and the new id was made from the row.
    """
    if (old.url, old.link) == (new.url, new.link):
        return True
    return bool(read_title(new.title).period) and MADE_ID.fullmatch(new.uid) is not None


def _under_id_of_edition(
    before: Announcement, entry: Announcement, known: Mapping[str, Announcement], at: datetime
) -> Announcement:
    """Return an entry, under an id with its period if `before`, which had its id, was an edition
    whose slot has passed.
    """
    if before.title == entry.title:
        return entry
    old, new = read_title(before.title).period, read_title(entry.title).period
    if not old or not new or old == new:
        return entry
    uid = f"{entry.uid}@{'-'.join(sorted(new))}"
    old_day, new_day = first_day(before.slot), first_day(entry.slot)
    is_next = (
        has_passed(before.slot, at)
        and not has_passed(entry.slot, at)
        and old_day is not None
        and new_day is not None
        and old_day < new_day
    )
    if is_next or uid in known:
        return replace(entry, uid=uid)
    return entry
