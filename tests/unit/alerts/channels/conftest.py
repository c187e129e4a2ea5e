"""A message with a draft."""

from __future__ import annotations

import pytest

from alerts.channel import Attachment, Message


@pytest.fixture
def draft() -> Attachment:
    return Attachment(
        "draft.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        b"\x00PK",
    )


@pytest.fixture
def message(draft: Attachment) -> Message:
    """A follow-up in a thread, with a draft."""
    return Message(
        id="aaaa0002",
        notice="aaaa0001",
        kind="grade_changed",
        subject="LATE, graver now: Malpractice £1 (ofqual)",
        text="Still not there.\n\nIncident: i\n",
        html="<p>Still not there.</p>",
        data={
            "schema": "ninethirty.notice/1",
            "at": "2018-01-05T09:35:01.000Z",
            "release": "malpractice",
            "producer": "ofqual",
            "grade": "report",
            "incident": {"id": "i", "opened": "2018-01-05T09:31:01.000Z", "closed": None},
        },
        attachments=(draft,),
    )
