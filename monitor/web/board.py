"""The front page: what needs somebody, whatever its day, and then the releases of one day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.deliver.incident_json import incident_json
from monitor.errors import UserFault
from monitor.judge.as_json import is_of
from monitor.web.pages import render, silences_of
from monitor.web.request import day_of, queries_of, takes

Row = Mapping[str, Any]
_GRAVEST = ("overdue", "early", "not_published", "late", "unproven", "unannounced", "pending")
_GOOD = ("on_time", "cancelled", "moved", "pending")
_MANY = 20
"""Releases beyond which those that nothing went wrong with are folded, by producer."""
_FILTERS = ("producer", "state", "q")
_MOST_NEEDING = 12


@dataclass(frozen=True, slots=True)
class Group:
    """Releases that stand together; a folded one has a heading that opens it."""

    heading: str
    rows: Sequence[Row]
    is_folded: bool = False


async def board(request: Request) -> Response:
    """Show what needs somebody and the releases of one day, those of a producer, in a state, or with a text alone."""
    queries = queries_of(request)
    takes(request, ("date", *_FILTERS))
    chosen = {name: request.query_params.get(name, "").strip() for name in _FILTERS}
    day = _day(request.query_params.get("date"), queries.today())
    promised = sorted(await queries.board(day, day), key=_urgency)
    rows = [row for row in promised if _is_wanted(row, chosen, queries.producers)]
    needing = await queries.needing()
    return render(
        request,
        "board.html",
        day=day,
        promised=len(promised),
        groups=groups_of(rows, queries.producers),
        counts=_counts(rows),
        chosen=chosen,
        is_filtered=any(chosen.values()),
        producers=_producers(promised, queries.producers),
        states=[word for word, _ in _counts(promised)],
        needing=[incident_json(one) for one in needing[:_MOST_NEEDING]],
        more=max(0, len(needing) - _MOST_NEEDING),
        days=[day + timedelta(days=ahead) for ahead in range(1, 8)],
        before=day - timedelta(days=1),
        today=queries.today(),
        unready=list(queries.live.unready()),
        silences=await silences_of(queries),
        unheard=queries.unheard(queries.clock.now()) if queries.sees_all else {},
    )


def groups_of(rows: Sequence[Row], names: Mapping[str, str]) -> list[Group]:
    """Return the releases of a day as they are shown: on a busy one, what went well is folded, by producer."""
    if len(rows) <= _MANY:
        return [Group("", rows)] if rows else []
    bad = [row for row in rows if row["verdict"] not in _GOOD or row["incident"] is not None]
    good = sorted((row for row in rows if row not in bad), key=lambda row: _name(row["producer"], names))
    folded = [
        Group(name, tuple(some), is_folded=True)
        for name, some in groupby(good, key=lambda row: _name(row["producer"], names))
    ]
    return [*([Group("", bad)] if bad else []), *folded]


def _is_wanted(row: Row, chosen: Mapping[str, str], names: Mapping[str, str]) -> bool:
    text = f"{row['title']} {row['id']} {_name(row['producer'], names)}".casefold()
    is_in_state = chosen["state"] in ("", row["verdict"])
    return is_in_state and is_of(row, chosen["producer"]) and chosen["q"].casefold() in text


def _producers(rows: Iterable[Row], names: Mapping[str, str]) -> list[tuple[str, str]]:
    ids = {name for row in rows for name in row.get("producers", [row["producer"]])}
    return sorted(((one, _name(one, names)) for one in ids), key=lambda one: one[1].casefold())


def _name(producer: str, names: Mapping[str, str]) -> str:
    return names.get(producer, producer)


def _urgency(row: Row) -> tuple[str, int]:
    """Within a slot, what went wrong stands first: many are promised for the same minute."""
    start = (row["slot"] or {}).get("start") or ""
    return start, _gravity(row["verdict"])


def _counts(rows: Iterable[Row]) -> list[tuple[str, int]]:
    """Return how many releases bear each verdict, the gravest first: a busy day is longer than a screen."""
    found = Counter(row["verdict"] for row in rows)
    return sorted(found.items(), key=lambda one: _gravity(one[0]))


def _gravity(verdict: str) -> int:
    return _GRAVEST.index(verdict) if verdict in _GRAVEST else len(_GRAVEST)


def _day(text: str | None, default: date) -> date:
    try:
        return day_of(text) if text else default
    except ValueError as exc:
        raise UserFault('date: not a day, write "2026-11-26"') from exc


ROUTES = [Route("/", board)]
