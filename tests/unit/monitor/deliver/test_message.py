"""What goes out for a notice: the draft, in an organisation's own file where it has one, and a link."""

from __future__ import annotations

import io
from pathlib import Path

import docx

from alerts.incident import Incident
from monitor.deliver.facts import Measurement
from monitor.deliver.message import MessageBuilder
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

KEY = b"a key"


def with_a_late_release() -> tuple[TemporaryStore, Incident]:
    store = TemporaryStore()
    with store.transaction() as tx:
        found = (
            VerdictRecorder(store, ReportingRules(channels=["mail"]))
            .record(tx, a_late_verdict(400), Measurement(), after_slot(400))
            .incident
        )
    assert found is not None
    return store, found


def a_template(folder: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("Our own heading for {{ subject }}")
    document.save(str(folder / "own.docx"))
    return folder / "own.docx"


def text_of(content: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)


def test_a_producers_own_template_is_used_for_docx_only(tmp_path: Path) -> None:
    store, incident = with_a_late_release()
    packer = MessageBuilder(
        store.verdicts, {"mail": ("docx", "md")}, templates={incident.producer: a_template(tmp_path)}
    )
    message = packer.build(store.outbox.notices()[0], "mail", after_slot(400))
    own, plain = message.attachments
    assert text_of(own.content) == "Our own heading for Malpractice"
    assert b"Our own heading" not in plain.content
    assert own.name == f"{incident.id}.docx"


def test_other_producers_get_the_shipped_form(tmp_path: Path) -> None:
    store, _ = with_a_late_release()
    message = MessageBuilder(store.verdicts, {"mail": ("docx",)}, templates={"another": a_template(tmp_path)}).build(
        store.outbox.notices()[0], "mail", after_slot(400)
    )
    assert "Our own heading" not in text_of(message.attachments[0].content)


def test_text_and_data_of_a_message_have_the_link() -> None:
    store, _ = with_a_late_release()
    notice = store.outbox.notices()[0]
    links = Links("https://board.example", KEY)
    message = MessageBuilder(store.verdicts, {"mail": ()}, links).build(notice, "mail", after_slot(400))
    assert links.acknowledge_link(notice) in message.text
    assert message.data["link"] == links.acknowledge_link(notice)
    assert MessageBuilder(store.verdicts, {"mail": ()}, links).build(notice, "mail", after_slot(400)) == message


def test_a_draft_that_cannot_be_rendered_does_not_block_its_notice() -> None:
    store, _ = with_a_late_release()
    message = MessageBuilder(store.verdicts, {"mail": ("docx", "scroll")}).build(
        store.outbox.notices()[0], "mail", after_slot(400)
    )
    assert [one.name.rpartition(".")[2] for one in message.attachments] == ["docx"]
