"""Messages carry the draft, in an organisation's own template if it has one, and a link."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx

from alerts.channel import Message
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.message import MessageBuilder
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from schedules.contract.verdict import Readings
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

LINKS = Links("https://board.example", b"a key")


def store_with_late_incident() -> TemporaryStore:
    """Return a store with one incident, on a late release of the producer `ofqual`, and its notice
    to `mail`.
    """
    store = TemporaryStore()
    recorder = VerdictRecorder(ReportingRules(channels=["mail"]))
    with store.transaction() as tx:
        recorder.record(tx, assess(a_late_verdict(400), Measurement()), after_slot(400))
    return store


def build_message(store: TemporaryStore, *formats: str, **options: Any) -> Message:  # noqa: ANN401 # of MessageBuilder
    """Return the message of the store's notice to a channel that takes drafts in these formats."""
    (notice,) = store.outbox.notices()
    builder = MessageBuilder(store.verdicts, **options)
    return builder.build(notice, "mail", after_slot(400), formats)


def write_template(folder: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("Our own heading for {{ subject }}")
    document.save(str(folder / "own.docx"))
    return folder / "own.docx"


def text_of(content: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)


def test_producers_own_template_is_used_for_docx_only(tmp_path: Path) -> None:
    templates = {"ofqual": write_template(tmp_path)}
    rules = ReportingRules(templates=templates)
    word, markdown = build_message(
        store_with_late_incident(), "docx", "md", rules=rules
    ).attachments
    assert word.name.endswith(".docx")
    # The template has "Our own heading for {{ subject }}". The title of the late release is
    # Malpractice.
    assert text_of(word.content) == "Our own heading for Malpractice"
    assert b"Our own heading" not in markdown.content


def test_producers_own_template_is_not_used_for_another_producer(tmp_path: Path) -> None:
    """The late release is of the producer `ofqual`, which has no template of its own."""
    rules = ReportingRules(templates={"ofsted": write_template(tmp_path)})
    (word,) = build_message(store_with_late_incident(), "docx", rules=rules).attachments
    # The template has "Our own heading for {{ subject }}".
    assert "Our own heading" not in text_of(word.content)


def test_message_about_two_readings_has_the_link_to_answer() -> None:
    asked = Readings("9:30am BST", (SLOT, after_slot(3600)))
    link = "To say which time is meant: https://board.example/releases/r#which"
    for readings, is_asked in ((asked, True), (replace(asked, by="duty statistician"), False)):
        store = store_with_late_incident()
        (incident,) = store.verdicts.incidents()
        assert incident.facts is not None
        with store.transaction() as tx:
            tx.save(replace(incident, facts=replace(incident.facts, readings=readings)))
        message = build_message(store, links=LINKS)
        assert (link in message.text) is is_asked


def test_message_has_the_link_to_acknowledge_it() -> None:
    store = store_with_late_incident()
    message = build_message(store, links=LINKS)
    (notice,) = store.outbox.notices()
    assert LINKS.acknowledge_link(notice, "mail") in message.text
    assert message.data["link"] == LINKS.acknowledge_link(notice, "mail")


def test_message_built_again_for_a_retry_is_the_same() -> None:
    store = store_with_late_incident()
    assert build_message(store, links=LINKS) == build_message(store, links=LINKS)


def test_draft_in_an_unknown_format_is_left_out() -> None:
    store = store_with_late_incident()
    (incident,) = store.verdicts.incidents()
    message = build_message(store, "docx", "scroll")
    assert [attachment.name for attachment in message.attachments] == [f"{incident.id}.docx"]
