"""What a published thing proves by the title it bears."""

from __future__ import annotations

from monitor.look.fetch import Found
from monitor.look.recognise.likeness import Likeness, likeness
from monitor.look.recognise.seen import Context, Recognised, absent
from monitor.look.sighting import State


def by_title(context: Context, seen: str, found: tuple[Found, ...], version: str | None = None) -> Recognised:
    """Return presence, specific when the title is ours with its period; absence while another edition stands there."""
    like = likeness(context.title, seen)
    # A page that was missing a while ago is no old edition: its title is wrong, or the calendar's is.
    if like is Likeness.OTHER_EDITION and not context.was_missing:
        return absent("another edition stands there")
    return Recognised(State.PRESENT, like is Likeness.SAME, found, version=version)
