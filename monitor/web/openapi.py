"""The description of the API in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from alerts.draft.write.outline import Document
from monitor import __version__

_INSTANT = {"type": ["string", "null"], "format": "date-time"}
_BOUNDS = {
    "type": ["object", "null"],
    "properties": {"min": {"type": ["number", "null"]}, "max": {"type": ["number", "null"]}},
}
_INTERVAL = {"type": "object", "properties": {"after": _INSTANT, "by": _INSTANT}}
_RELEASE = {
    "type": "object",
    "required": ["id", "title", "producer", "url", "slot", "verdict", "grade", "final", "parts", "findings"],
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "producers": {"type": "array", "items": {"type": "string"}},
        "producer": {"type": "string"},
        "calendar": {"type": "array", "items": {"type": "string"}},
        "url": {"type": "string"},
        "address": {"enum": ["announced", "guessed", "led_to", "found"]},
        "early_bound": {"type": ["number", "null"]},
        "slot": {"type": ["object", "null"]},
        "verdict": {"type": "string"},
        "grade": {"enum": ["none", "note", "report"]},
        "final": {"type": "boolean"},
        "first_seen": _INTERVAL,
        "delay": _BOUNDS,
        "exposures": {"type": "array", "items": {"type": "object"}},
        "parts": {"type": "array", "items": {"type": "object"}},
        "findings": {"type": "array", "items": {"type": "object"}},
        "code": {"type": ["object", "null"]},
        "incident": {"type": ["string", "null"]},
        "unproven_because": {"type": ["string", "null"]},
        "joined_into": {"type": "string", "description": "only where the release belongs to this other one by now"},
    },
}
_FAULT = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_CLOSED = {
    "401": _answer("the board is not public: neither a name with its password nor the token", _FAULT),
    "429": _answer("too many wrong ones", _FAULT),
}


def _get(summary: str, schema: dict[str, Any], *parameters: dict[str, Any], missing: bool = False) -> dict[str, Any]:
    responses = {"200": _answer("the answer", schema), "400": _answer("wrong parameters", _FAULT), **_CLOSED}
    if missing:
        responses["404"] = _answer("nothing of that name", _FAULT)
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": responses}}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _list(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": item}}}


_DAY = {"type": "string", "format": "date"}
_ENDING = {"name": "ending", "in": "path", "required": True, "schema": {"enum": ["docx", "odt", "html", "md"]}}
_DOCUMENT = _query("document", "default draft, once signed report", {"enum": list(Document)})
_DRAFT = {
    "get": {
        "summary": "The newest draft of an incident as a document",
        "parameters": [_path("incident"), _ENDING, _DOCUMENT],
        "responses": {
            "200": {"description": "the document"},
            "400": _answer("wrong parameters", _FAULT),
            "404": _answer("nothing of that name", _FAULT),
            **_CLOSED,
        },
    }
}
_CALENDAR = {
    "type": "object",
    "required": ["name", "last_usable_read", "entries", "last_read", "fault"],
    "properties": {
        "name": {"type": "string"},
        "last_usable_read": _INSTANT,
        "entries": {"type": ["integer", "null"]},
        "last_read": _INSTANT,
        "fault": {"type": ["string", "null"]},
    },
}
_CALENDARS = {
    "type": "object",
    "required": ["calendars", "reads"],
    "properties": {
        "calendars": {"type": "array", "items": _CALENDAR},
        "reads": {"type": "array", "items": {"type": "object"}},
    },
}
_EVENT = {
    "type": "object",
    "required": ["id", "release", "at", "before", "after", "body"],
    "properties": {
        "id": {"type": "string"},
        "release": {"type": "string"},
        "at": _INSTANT,
        "before": {"type": ["string", "null"]},
        "after": {"type": "string"},
        "body": _RELEASE,
    },
}
_EVENTS = _list("events", _EVENT)
_EVENTS["properties"]["next"] = {"type": ["string", "null"], "description": "what to give as after for the next page"}
_ROLE = {"type": "object", "required": ["role"], "properties": {"role": {"type": "string", "maxLength": 80}}}
_ACKNOWLEDGE = {
    "post": {
        "summary": "Say in which role somebody has an incident; saying it twice changes nothing",
        "security": [{"token": []}],
        "parameters": [_path("incident")],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ROLE}}},
        "responses": {
            "200": _answer("the incident as it is now", {"type": "object"}),
            "400": _answer("no role, or wrong parameters", _FAULT),
            "401": _answer("no token, or a wrong one", _FAULT),
            "404": _answer("nothing of that name", _FAULT),
            "429": _answer("too many wrong tokens", _FAULT),
        },
    }
}

_SILENCE_ASKED = {
    "type": "object",
    "required": ["of", "name", "until", "reason", "role"],
    "properties": {
        "of": {"enum": ["incident", "release", "producer"]},
        "name": {"type": "string"},
        "until": {"type": "string", "format": "date-time"},
        "reason": {"type": "string", "maxLength": 300},
        "role": {"type": "string", "maxLength": 80},
    },
}
_SILENCES = {
    **_get("The silences that hold messages back now", _list("silences", {"type": "object"})),
    "post": {
        "summary": "Hold messages back of an incident, a release or a producer, for at most 14 days",
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _SILENCE_ASKED}}},
        "responses": {
            "201": _answer("the silence", {"type": "object"}),
            "400": _answer("no reason, role or end that will do", _FAULT),
            "401": _answer("no token, or a wrong one", _FAULT),
            "404": _answer("nothing of that name", _FAULT),
            "429": _answer("too many wrong tokens", _FAULT),
        },
    },
}

DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "ninethirty", "version": __version__, "summary": "Promised statistics, and when each appeared"},
    "paths": {
        "/api/v1/releases": _get(
            "Releases by the local day of their slot",
            _list("releases", _RELEASE),
            _query("from", "first day, default today", _DAY),
            _query("to", "last day, default the first", _DAY),
            _query("producer", "only this producer", {"type": "string"}),
        ),
        "/api/v1/releases/{release}": _get("One release", _RELEASE, _path("release"), missing=True),
        "/api/v1/incidents": _get(
            "The newest 500 incidents, newest first",
            _list("incidents", {"type": "object"}),
            _query("from", "first day on which they occurred", _DAY),
            _query("to", "last day on which they occurred", _DAY),
            _query("producer", "those of this producer, alone or with others", {"type": "string"}),
            _query(
                "open", "true: those that want somebody, not over or with a report that is owed", {"enum": ["true"]}
            ),
        ),
        "/api/v1/incidents/{incident}": _get("One incident", {"type": "object"}, _path("incident"), missing=True),
        "/api/v1/incidents/{incident}/draft.{ending}": _DRAFT,
        "/api/v1/incidents/{incident}/acknowledge": _ACKNOWLEDGE,
        "/api/v1/silences": _SILENCES,
        "/api/v1/events": _get(
            "Every change of a verdict, oldest first",
            _EVENTS,
            _query("after", "the id of the last event already read, default none", {"type": "string"}),
            _query("release", "events of this release alone", {"type": "string"}),
            _query("limit", "how many at most, default 1000", {"type": "integer", "minimum": 1, "maximum": 1000}),
            missing=True,
        ),
        "/api/v1/calendars": _get("Every calendar with its last usable read, and the last reads", _CALENDARS),
    },
    # Nothing, where the board is public.
    "security": [{}, {"password": []}, {"token": []}],
    "components": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "password": {"type": "http", "scheme": "basic"},
        }
    },
}


def query_names(path: str) -> tuple[str, ...]:
    """Return the names of the parameters that an address takes after its `?`, in the order they are described."""
    told = DESCRIPTION["paths"].get(path, {}).get("get", {}).get("parameters", ())
    return tuple(one["name"] for one in told if one["in"] == "query")
