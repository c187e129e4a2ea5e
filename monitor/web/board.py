"""The front page: what happens now, what needs action whatever its day, and the releases of one day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.incident import Incident
from monitor.errors import StoreFault, UserFault
from monitor.judge.as_json import is_by, verdict_or_due
from monitor.threads import with_pauses
from monitor.web.embargo import has_passed
from monitor.web.fragments import (
    Row,
    counts,
    element_of,
    gravity,
    is_bad,
    named,
    needing_part,
    pieces,
    row_part,
    warnings_part,
)
from monitor.web.live import LiveBoard
from monitor.web.pages import fault_page, render
from monitor.web.queries import Queries
from monitor.web.request import day_of, form_of, queries_of, takes

_MANY = 20
"""Releases beyond which those that nothing went wrong with are folded, by producer."""
_FILTERS = ("producer", "state", "q")
_DATE = ("day", "month", "year")
_MINE = "ninethirty-mine"
_A_YEAR = 365 * 24 * 3600
_PRODUCER = re.compile(r"[\w.-]{0,100}")


@dataclass(frozen=True, slots=True)
class Group:
    """Releases that stand together; a folded one has a heading that opens it."""

    heading: str
    rows: Sequence[Row]
    is_folded: bool = False


async def board(request: Request) -> Response:
    """Show what happens now, what needs action, and the releases of one day that match the filters."""
    queries = queries_of(request)
    takes(request, ("date", *_DATE, *_FILTERS, "wall"))
    live: LiveBoard = request.app.state.live
    # Before anything is asked: what changes while this page is made is told once more on its stream.
    position = live.position(all_=queries.sees_all)
    asked = request.query_params
    mine = _mine(request)
    chosen = {name: asked.get(name, mine if name == "producer" else "").strip() for name in _FILTERS}
    day, fault = _day(asked, queries.today())
    promised = sorted(await queries.board(day, day), key=_urgency)
    rows = [row for row in promised if _is_wanted(row, chosen, queries.producers)]
    needing = await _needing(queries)
    now, is_today = queries.clock.now(), day == queries.today()
    looked = _looked(queries, promised, now) if is_today else {}
    parts = pieces(queries, promised, now, looked, counting=True)
    return render(
        request,
        "board.html",
        400 if fault else 200,
        day=day,
        fault=fault,
        typed={name: asked.get(name, "") for name in _DATE},
        promised=len(promised),
        groups=groups_of(rows, queries.producers),
        counts=counts(rows),
        chosen=chosen,
        mine=mine,
        is_filtered=any(chosen.values()),
        producers=producers_of(promised, queries.producers),
        states=[word for word, _ in counts(promised)],
        needing=needing_part(queries, needing),
        parts=parts | {"warnings": await warnings_part(queries, now)},
        cells=await cells_of(queries, rows, looked, now),
        live=position if is_today else "",
        wall=asked.get("wall") == "1",
        days=[day + timedelta(days=ahead) for ahead in range(1, 8)],
        before=day - timedelta(days=1),
        today=queries.today(),
    )


async def remember(request: Request) -> Response:
    """Keep in a cookie whose releases the front page shows in this browser; all again, where nobody's is named."""
    producer = (await form_of(request)).get("producer", "")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return fault_page(request, 403, "This form was sent from elsewhere.")
    if not _PRODUCER.fullmatch(producer):
        raise UserFault("producer: not the id of a producer")
    answer = RedirectResponse("/", 303)
    if producer:
        secure = request.scope["scheme"] == "https"
        answer.set_cookie(_MINE, producer, max_age=_A_YEAR, secure=secure, httponly=True, samesite="lax")
    else:
        answer.delete_cookie(_MINE)
    return answer


async def _needing(queries: Queries) -> list[Incident]:
    try:
        return await queries.needing()
    except StoreFault:
        # What the day brings is known from memory; why nothing more is stands above it.
        return []


def groups_of(rows: Sequence[Row], names: Mapping[str, str]) -> list[Group]:
    """Return the releases of a day as they are shown: on a busy one, what went well is folded, by producer."""
    if len(rows) <= _MANY:
        return [Group("", rows)] if rows else []
    bad = [row for row in rows if is_bad(row)]
    good = sorted((row for row in rows if not is_bad(row)), key=lambda row: _name(row["producer"], names))
    folded = [
        Group(name, tuple(some), is_folded=True)
        for name, some in groupby(good, key=lambda row: _name(row["producer"], names))
    ]
    return [*([Group("", bad)] if bad else []), *folded]


def _mine(request: Request) -> str:
    kept = request.cookies.get(_MINE, "")
    return kept if _PRODUCER.fullmatch(kept) else ""


def _looked(queries: Queries, rows: Iterable[Row], now: datetime) -> dict[str, datetime]:
    """Return when each release was last looked at, as far as whoever asks may know."""
    pulses = queries.live.pulses()
    told = (row["id"] for row in rows if queries.sees_all or has_passed(row, now))
    return {name: looked for name in told if name in pulses and (looked := pulses[name].looked) is not None}


async def cells_of(
    queries: Queries, rows: Iterable[Row], looked: Mapping[str, datetime], now: datetime
) -> dict[str, Markup]:
    """Return each row of the table, by the id of its release."""
    made = {}
    async for row in with_pauses(rows, queries.clock):
        name = row["id"]
        cells = row_part(queries, row, looked.get(name), now)
        made[name] = Markup(f'<tr id="{element_of(name)}">{cells}</tr>\n')  # noqa: S704 # escaped where it was made
    return made


def _is_wanted(row: Row, chosen: Mapping[str, str], names: Mapping[str, str]) -> bool:
    text = f"{row['title']} {row['id']} {_name(row['producer'], names)}".casefold()
    is_in_state = chosen["state"] in ("", verdict_or_due(row))
    return is_in_state and is_by(row, chosen["producer"]) and chosen["q"].casefold() in text


def producers_of(rows: Iterable[Row], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the producers of releases with their names, in the order of these."""
    ids = {name for row in rows for name in row.get("producers", [row["producer"]])}
    return named(ids, names)


def _name(producer: str, names: Mapping[str, str]) -> str:
    return names.get(producer, producer)


def _urgency(row: Row) -> tuple[str, int]:
    """Within a slot, what went wrong stands first: many are promised for the same minute."""
    start = (row["slot"] or {}).get("start") or ""
    return start, gravity(verdict_or_due(row))


def _day(asked: Mapping[str, str], default: date) -> tuple[date, str]:
    """Return the day that a link or the three date fields name, or the default and what is wrong with the day."""
    typed = "-".join(asked.get(name, "").strip().zfill(2) for name in reversed(_DATE))
    text = asked.get("date") or (typed if typed != "00-00-00" else "")
    try:
        return day_of(text) if text else default, ""
    except ValueError:
        return default, "Date must be a real date, such as 27 3 2026"


ROUTES = [Route("/", board), Route("/mine", remember, methods=["POST"])]
