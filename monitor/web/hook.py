"""Models of the JSON that a webhook posts. Tests compare every event with them.

`python -m monitor.web.hook` prints their schema, which is published as `docs/webhook.schema.json`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from alerts.message import OPENING_KINDS, PERSON_ACTS, SCHEMA
from alerts.notice_text import SUBJECT_SUFFIX
from monitor.web.answers import (
    Acknowledged,
    Answer,
    Bounds,
    Elsewhere,
    Exposure,
    IncidentKindJson,
    Instant,
    Interval,
)
from monitor.web.operations import PlainSchema
from schedules.contract.verdict import Grade

KINDS = sorted(
    {*OPENING_KINDS, *SUBJECT_SUFFIX, *PERSON_ACTS, "digest", "readiness", "summary", "test"}
)


class HookIncident(Answer):
    """The incident of an event: who acknowledged it, when it was closed, and when its report was
    signed.
    """

    id: str
    kind: IncidentKindJson
    title: str
    opened: Instant
    closed: Instant | None
    acknowledged: Acknowledged | None
    signed: Instant | None


class HookPart(Answer):
    """The measurements of one part of the release."""

    id: str
    role: str
    url: str
    required: bool
    verdict: str
    first_seen: Interval
    delay: Bounds | None
    users_delay: Bounds | None
    exposures: list[Exposure]


class HookMeasured(Answer):
    """The measurements of the release, as of `at`."""

    url: str
    timezone: str
    slot: Instant | None
    slot_text: str
    verdict: str
    final: bool
    at: Instant
    unproven_because: str | None
    available_elsewhere: list[Elsewhere]
    parts: list[HookPart]


class HookFile(Answer):
    """A file of the draft, sent if the channel has `with_attachments`. `base64` is its content."""

    name: str
    media_type: str
    size: int
    sha256: str
    base64: str


class Hook(Answer):
    """One event.

    `id` is the same at every attempt, and `thread` is the same for all events of one incident.

    `event` is the sort of event, and `kind` is more specific. `link` is where to read or
    acknowledge the incident, `page` is its page, `runbook` the instructions: empty if there are no
    pages. `incident` is null for a digest, a summary, `readiness` and a test. `measured` is null
    for these, and for an incident logged by hand about no release.
    """

    version: Literal["ninethirty.notice/1"] = Field(alias="schema")
    id: str
    thread: str
    event: Literal[
        "opened",
        "changed",
        "over",
        "reminder",
        "acknowledged",
        "closed",
        "signed",
        "summary",
        "readiness",
        "test",
    ]
    kind: Annotated[str, WithJsonSchema({"type": "string", "enum": KINDS})]
    at: Instant
    release: str
    producer: str
    grade: Grade
    findings: list[str]
    subject: str
    text: str
    link: str
    page: str
    runbook: str
    attachments: list[str]
    files: list[HookFile]
    incident: HookIncident | None
    measured: HookMeasured | None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the events that a webhook posts."""
    made = Hook.model_json_schema(mode="serialization", schema_generator=PlainSchema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **made}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))  # noqa: T201  # all it is for
