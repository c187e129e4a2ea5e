"""Files that were sent or signed, kept with an incident by the browser and the API."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

from monitor.store.evidence.attachments import MOST_BYTES
from tests.unit.monitor.web.board import WITH_TOKEN, Board
from tests.unit.monitor.web.people import send_incident_form, signed_in_board

SENT = b"%PDF-1.7 what was sent"
DIGEST = hashlib.sha256(SENT).hexdigest()


def keep_evidence_in(board: Board, folder: Path) -> None:
    assert board.queries.desk is not None
    board.queries.desk = replace(board.queries.desk, evidence=folder)


async def test_file_that_was_sent_is_kept_and_signs_nothing(users: Path, tmp_path: Path) -> None:
    """It is chosen in the browser, twice, and is once in the exported evidence."""
    async with signed_in_board(users) as board:
        keep_evidence_in(board, tmp_path)
        drafts = board.drafts()
        for _ in range(2):
            answer = await send_incident_form(board, attachment=("C:\\sent\\report.pdf", SENT))
            assert answer.status_code == 303
        (kept,) = board.late_incident().attachments
        assert (kept.name, kept.digest, kept.by) == ("report.pdf", DIGEST, "duty statistician")
        assert board.late_incident().owes_report
        assert board.drafts() == drafts
        assert DIGEST in await board.read_page(board.incident_page)
        exported = await board.client.get(f"{board.incident_page}/evidence.zip")
        with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            assert [one["sha256"] for one in manifest["attachments"]] == [DIGEST]
            assert archive.read(manifest["attachments"][0]["path"]) == SENT


async def test_too_large_file_is_refused_beside_its_box(users: Path, tmp_path: Path) -> None:
    async with signed_in_board(users) as board:
        keep_evidence_in(board, tmp_path)
        answer = await send_incident_form(board, attachment=("a.pdf", bytes(MOST_BYTES + 1)))
        assert answer.status_code == 400
        assert '<a href="#attachment">' in answer.text
        assert board.late_incident().attachments == ()


async def test_program_attaches_a_file(board: Board, tmp_path: Path) -> None:
    keep_evidence_in(board, tmp_path)
    path = f"/api/v1{board.incident_page}/attachments"
    sent = {"name": "report.docx", "content": b64encode(SENT).decode()}
    answer = await board.client.post(path, json=sent, headers=WITH_TOKEN)
    assert answer.status_code == 201
    assert answer.json()["attachments"][0]["sha256"] == DIGEST
    unknown = path.replace(board.incident, "nothing")
    assert (await board.client.post(unknown, json=sent, headers=WITH_TOKEN)).status_code == 404


async def test_attached_file_that_was_changed_is_not_exported(users: Path, tmp_path: Path) -> None:
    async with signed_in_board(users) as board:
        keep_evidence_in(board, tmp_path)
        await send_incident_form(board, attachment=("report.pdf", SENT))
        (tmp_path / "attachments" / DIGEST).write_bytes(b"other")
        exported = await board.client.get(f"{board.incident_page}/evidence.zip")
        assert exported.status_code >= 500
