"""One release of the ONS calendar, listed or as data, in either spelling of its fields → an announcement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from schedules.announcement import Announcement, Part, Role, State
from schedules.dates import assume_time, at_instant, no_slot, on_days, read_date
from schedules.slot import Slot
from schedules.slot_relations import first_day
from schedules.sources.govuk_items import plain_text, stamp
from schedules.sources.options import SourceOptions
from schedules.sources.row import REASONS, Remark, clean_title, clean_url
from schedules.times.zone import local

PRODUCER = "office-for-national-statistics"


@dataclass(frozen=True, slots=True)
class ReleaseItem:
    """What the ONS says of one release. `changes` are (date left behind, notice), oldest first."""

    uri: str
    title: str
    release_date: str
    provisional_date: str = ""
    finalised: bool = False
    cancelled: bool = False
    published: bool = False
    changes: tuple[tuple[str, str], ...] = ()
    cancellation: str = ""
    migrated_to: str = ""
    documents: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


def release_item(data: Mapping[str, Any]) -> ReleaseItem:
    """Read a release of the list or of `/data`, in snake_case or camelCase. Contacts are not looked at."""
    about = data["description"]
    changes = _either(data, "date_changes", "dateChanges") or ()
    notice = _either(about, "cancellation_notice", "cancellationNotice") or ()
    return ReleaseItem(
        uri=str(data.get("uri") or ""),
        title=clean_title(str(about.get("title") or "")),
        release_date=str(_either(about, "release_date", "releaseDate") or ""),
        provisional_date=str(_either(about, "provisional_date", "provisionalDate") or ""),
        finalised=bool(about.get("finalised")),
        cancelled=bool(about.get("cancelled")),
        published=bool(about.get("published")),
        changes=tuple(_change(change) for change in changes if isinstance(change, dict)),
        cancellation=plain_text(" ".join(str(line) for line in notice)),
        migrated_to=str(_either(about, "migration_link", "migrationLink") or ""),
        documents=_uris(_either(data, "related_documents", "relatedDocuments")),
        datasets=_uris(_either(data, "related_datasets", "relatedDatasets")),
    )


def announce(item: ReleaseItem, options: SourceOptions, site: str, remarks: list[Remark]) -> Announcement:
    """Turn a release into an announcement.

    "Postponed" is not believed: the list says so of a release brought forward too. What counts is `previous`.
    """
    slot = _slot(item, options.timezone)
    if slot.reason in REASONS:
        remarks.append(Remark(item.uri, REASONS[slot.reason], slot.raw))
    before, notice = item.changes[-1] if item.changes else ("", "")
    return Announcement(
        uid=item.uri,
        title=item.title,
        producer=options.producer or PRODUCER,
        url=clean_url(item.uri, site),
        slot=assume_time(slot, options.default_time),
        state=_state(item),
        doubt=slot.doubt,
        parts=tuple(_parts(item, site)),
        recognise="ons",
        link=clean_url(item.uri, site),
        previous=_slot_of_timestamp(before, options.timezone) if before else None,
        why=item.cancellation or plain_text(notice),
        published=item.published and not item.cancelled,
    )


def _state(item: ReleaseItem) -> State:
    # Published and cancelled at once counts as cancelled, as in ONS's own code.
    if item.cancelled:
        return State.CANCELLED
    return State.CONFIRMED if item.finalised else State.PROVISIONAL


def _slot(item: ReleaseItem, timezone: str) -> Slot:
    exact = _slot_of_timestamp(item.release_date, timezone)
    if item.finalised or item.cancelled:
        return exact
    # Before it is final the release date is a placeholder for sorting: its day at best.
    placed = first_day(exact)
    if item.provisional_date and placed is not None:
        told = read_date(item.provisional_date, placed, timezone).slot
        if told.reason is None and told.instant is None:
            return told
    return exact if placed is None else on_days(placed, placed, item.provisional_date or item.release_date, timezone)


def _slot_of_timestamp(text: str, timezone: str) -> Slot:
    """Return the slot of a timestamp: the whole day at local midnight, else that instant. Other text is a date text."""
    moment = stamp(text)
    if moment is None:
        return read_date(text, date(2000, 1, 1), timezone).slot if text else no_slot("", "empty", timezone)
    here = local(moment, timezone)
    if here.time() == time():
        return on_days(here.date(), here.date(), text, timezone)
    return at_instant(moment, text, timezone)


def _parts(item: ReleaseItem, site: str) -> list[Part]:
    # The page may move on publication, and then names its documents; none of these was promised.
    addresses = [(item.migrated_to, Role.ALTERNATIVE, "migrated")] if item.migrated_to else []
    if item.published:
        addresses += [(uri, Role.HTML, f"document-{n}") for n, uri in enumerate(item.documents, 1)]
        addresses += [(uri, Role.DATA, f"dataset-{n}") for n, uri in enumerate(item.datasets, 1)]
    first = {uri: (role, name) for uri, role, name in reversed(addresses)}
    return [Part(name, role, clean_url(uri, site), required=False) for uri, (role, name) in reversed(first.items())]


def _change(change: Mapping[str, Any]) -> tuple[str, str]:
    before = _either(change, "previous_date", "previousDate")
    return str(before or ""), str(_either(change, "change_notice", "changeNotice") or "")


def _either(data: Mapping[str, Any], snake: str, camel: str) -> Any:  # noqa: ANN401  # JSON is of any type
    return data.get(snake, data.get(camel))


def _uris(related: object) -> tuple[str, ...]:
    listed = related if isinstance(related, list) else ()
    return tuple(str(each["uri"]) for each in listed if isinstance(each, dict) and each.get("uri"))
