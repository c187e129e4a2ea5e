"""Finds the id under which an entry is known, if its calendar now shows it under another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from schedules.announcement import Announcement
from schedules.matching import MADE_ID
from schedules.slot import first_day, has_passed
from schedules.titles import read_title


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
    kept = [
        _under_id_of_edition(known[each.uid], each, known, at) if each.uid in known else each
        for each in shown
    ]
    taken = {each.uid for each in kept}
    if taken <= known.keys():
        return kept
    missing: dict[str, list[Announcement]] = defaultdict(list)
    for uid, old in known.items():
        if uid not in taken:
            missing[_join_blanks(old.title)].append(old)
    # First match entries of the same time. Without it, several old entries of the title could be
    # the same.
    for needs_same_time in (True, False):
        for place, each in enumerate(kept):
            is_given = has_given_ids and not MADE_ID.fullmatch(each.uid)
            if shown[place].uid in known or each.uid in known or is_given:
                continue
            candidates = missing[_join_blanks(each.title)]
            same = [old for old in candidates if _is_same(old, each)]
            if needs_same_time:
                same = [old for old in same if old.slot.is_same_time(each.slot)]
            if len(same) == 1:
                candidates.remove(same[0])
                kept[place] = replace(each, uid=same[0].uid)
    return kept


def _join_blanks(title: str) -> str:
    return " ".join(title.split())


def _is_same(old: Announcement, new: Announcement) -> bool:
    """Return whether a new entry is an old one with the same title, which is no longer shown.

    If the title names a period, the same place (address and link) is enough, or the same time if
    the new id was made from the link. If it names none, both must be the same.
    """
    has_period = bool(read_title(new.title).period)
    is_same_time = old.slot.is_same_time(new.slot)
    if (old.url, old.link) == (new.url, new.link):
        return is_same_time or has_period
    return is_same_time and has_period and MADE_ID.fullmatch(new.uid) is not None


def _under_id_of_edition(
    before: Announcement, now: Announcement, known: Mapping[str, Announcement], at: datetime
) -> Announcement:
    """Return an entry, under an id of its own if `before`, which had its id, was an edition whose
    slot has passed.
    """
    old, new = read_title(before.title).period, read_title(now.title).period
    if not old or not new or old == new:
        return now
    uid = f"{now.uid}@{'-'.join(sorted(new))}"
    old_day, new_day = first_day(before.slot), first_day(now.slot)
    is_next = (
        has_passed(before.slot, at)
        and not has_passed(now.slot, at)
        and old_day is not None
        and new_day is not None
        and old_day < new_day
    )
    if is_next or uid in known:
        return replace(now, uid=uid)
    return now
