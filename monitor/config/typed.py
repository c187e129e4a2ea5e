"""What can only be checked once every table is right by itself: lengths in order, options of calendars."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.settings import Settings
from schedules.sources.options import SourceOptions, option_faults


def typed_faults(settings: Settings) -> Iterator[tuple[str, str, str | None]]:
    """Yield `(key, reason, value)` for each fault; the value stands in the reason where it is told at all."""
    yield from _order(settings)
    for place, table in enumerate(settings.calendar, 1):
        options = SourceOptions(
            table.name,
            table.url or table.file or "",
            producer=table.producer,
            filters={name: tuple(values) for name, values in table.filters.items()},
            options=table.options,
        )
        for fault in option_faults(table.kind, options):
            key, _, reason = fault.partition(": ")
            yield f"calendar[{place}].{key}", reason, None


def _order(settings: Settings) -> Iterator[tuple[str, str, str | None]]:
    watch, policy = settings.watch, settings.policy
    if policy.note_within < policy.on_time_within:
        yield "policy.note_within", "must not be shorter than on_time_within", None
    if not watch.far.begins >= watch.ahead.begins >= watch.near.begins >= watch.slot.begins:
        yield "watch", "far, ahead, near and slot must each begin later than the one before", None
    if settings.clock.unproven_offset < settings.clock.warn_offset:
        yield "clock.unproven_offset", "must not be shorter than warn_offset", None
