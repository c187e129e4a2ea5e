"""`announcement` and `unlisted`: signs that a release is not out, even if the address of its page is unknown."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise import govuk
from monitor.look.recognise.govuk_item import recognise_json
from monitor.look.recognise.page import parse_json
from monitor.look.recognise.placeholder import ANNOUNCED
from monitor.look.recognise.result import Context, Recognised, absent, unknown
from monitor.look.recognise.title import Likeness, compare_titles
from monitor.look.sighting import State
from schedules.address import canonical_address


def recognise_announcement(answer: Answer, context: Context) -> Recognised:
    """Return absence if an announcement (a page or content item) still announces its release, else unknown."""
    seen = govuk.recognise(answer, context)
    return seen if seen.state is State.ABSENT and seen.why == ANNOUNCED else unknown("no announcement any more")


def recognise_index(answer: Answer, context: Context) -> Recognised:
    """Return absence if no entry in a listing of publications can be the release.

    The result is unknown if an entry has the release's title without its period, or if the listing is incomplete.
    Entries at alternative addresses of the release are ignored, because they do not show that its page is out.
    """
    content = parse_json(answer.body) if answer.whole else None
    if not isinstance(content, dict) or not isinstance(content.get("results"), list):
        return unknown("no listing that can be read")
    seen = recognise_json(answer, context)
    known = {canonical_address(url) for url in context.alternatives}
    others = (one for one in seen.found if "/announcements/" not in one.url and canonical_address(one.url) not in known)
    compared = [(compare_titles(context.title, one.title), one) for one in others]
    if same := tuple(one for like, one in compared if like is Likeness.SAME):
        return Recognised(State.PRESENT, found=same)
    is_like = any(like is Likeness.UNDATED for like, _ in compared)
    return unknown("a title like it is listed") if is_like else absent("not listed")
