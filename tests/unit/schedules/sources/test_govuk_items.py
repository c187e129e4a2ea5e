from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.sources.govuk_items import NotAContentItem, Schema, content_item, read_item

PATH = "/government/statistics/claims"


def published(**more: object) -> bytes:
    attachments = [
        {"id": "1", "title": "Bulletin", "url": f"{PATH}/bulletin", "attachment_type": "html"},
        {
            "id": "2",
            "filename": "tables.ods",
            "url": "https://assets.publishing.service.gov.uk/media/a/tables.ods",
            "attachment_type": "file",
            "content_type": "application/vnd.oasis.opendocument.spreadsheet",
            "file_size": 184320,
            "alternative_format_contact_email": "jo@example.org",
        },
        {
            "id": "3",
            "title": "Dashboard",
            "url": "https://dashboard.example.org/",
            "attachment_type": "external",
        },
    ]
    history = [{"note": "First published.", "public_timestamp": "2026-11-26T09:30:02Z"}]
    data = {
        "schema_name": "publication",
        "document_type": "national_statistics",
        "base_path": PATH,
        "title": "Claims",
        "public_updated_at": "2026-11-26T09:30:02+00:00",
        "publishing_scheduled_at": "2026-11-26T09:30:00Z",
        "scheduled_publishing_delay_seconds": 3,
        "details": {"attachments": attachments, "change_history": history},
    }
    return json.dumps(data | more).encode()


def test_a_publication_has_its_documents_times_and_number_of_changes() -> None:
    """It was updated at 09:30:02, and has three attachments and one change note."""
    item = read_item(published())
    assert item.schema is Schema.PUBLICATION
    assert item.public_updated_at == datetime(2026, 11, 26, 9, 30, 2, tzinfo=UTC)
    assert not item.withdrawn
    assert [(each.kind, each.title) for each in item.attachments] == [
        ("html", "Bulletin"),
        ("file", "tables.ods"),
        ("external", "Dashboard"),
    ]
    assert item.change_count == 1


def test_mail_addresses_are_removed_from_a_content_item() -> None:
    body = published(withdrawn_notice={"explanation": "<p>Ask jo@example.org</p>"})
    assert "@" not in repr(read_item(body))


def test_a_withdrawn_page_is_still_a_publication() -> None:
    item = read_item(published(withdrawn_notice={"withdrawn_at": "2026-12-02T10:00:04Z"}))
    assert item.withdrawn


def test_a_removed_page_is_recognised_although_its_status_is_200() -> None:
    """`read_item` gets only the body of a response, in which the schema says "gone"."""
    details = {"explanation": "<div><p>Published in error.</p></div>", "alternative_path": ""}
    assert read_item(published(schema_name="gone", details=details)).schema is Schema.GONE


def test_a_redirect_leads_where_its_exact_rule_says() -> None:
    """A redirect has rules. The one of type “exact” for the path of the item itself counts."""
    rules = [
        {"path": f"{PATH}/x", "type": "prefix", "destination": "/elsewhere"},
        {"path": PATH, "type": "exact", "destination": "/government/publications/claims"},
    ]
    item = read_item(published(schema_name="redirect", redirects=rules))
    assert item.destination == "/government/publications/claims"
    assert item.leads_to_publication()


def test_documents_of_an_old_page_are_read_from_its_html() -> None:
    """An old page has no list of attachments with fields. It has a snippet of HTML with links: to a
    file (twice), to a report, and to a mail address, which is no document.
    """
    snippet = (
        '<section><a href="/government/uploads/x/tables.ods"><img></a><h2><a'
        ' href="/government/uploads/x/tables.ods">Tables</a></h2><a'
        ' href="mailto:jo@example.org">Ask</a><a'
        ' href="/government/statistics/claims/report">Report</a></section>'
    )
    item = read_item(published(details={"documents": [snippet]}))
    assert [(each.kind, each.title) for each in item.attachments] == [
        ("file", "Tables"),
        ("html", "Report"),
    ]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"schema_name": 3}', b"[" * 100_000, b"\xff"]
)
def test_bytes_that_are_no_content_item_are_refused(body: bytes) -> None:
    with pytest.raises(NotAContentItem):
        read_item(body)


def test_an_unknown_schema_is_not_a_statistics_page() -> None:
    assert content_item({"schema_name": "special_route"}).schema is Schema.OTHER


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "details",
        "links",
        "redirects",
        "withdrawn_notice",
        "title",
        "base_path",
        "public_updated_at",
        "schema_name",
    ]
)


@given(st.dictionaries(names, json_values), st.sampled_from(list(Schema)))
def test_fields_of_a_wrong_type_count_as_absent(data: dict[str, Any], schema: Schema) -> None:
    """Any values of these fields raise no error, and the schema is read all the same."""
    assert content_item(data | {"schema_name": schema.value}).schema is schema
