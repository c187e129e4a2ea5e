"""Exports the evidence of one incident as a zip file that a third party can check."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alerts.incident import Incident
from monitor.errors import StoreFault, UserFault
from monitor.judge.runs import records_of
from monitor.store.evidence.attachments import read_attachment
from monitor.store.evidence.chain import chain_of, is_kept_by, read_bytes
from monitor.store.evidence.warc import DELETION_KIND
from monitor.store.rows import Record
from monitor.store.sql.read import EvidenceIndex, Reads
from schedules.times.json import fields_json

_HOW_TO_CHECK = (
    "Each file under records/ is a WARC 1.1 file of its own. Its SHA-256 is `sha256`; `sha256sum -c"
    " SHA256SUMS` compares all of them. `chain` is the SHA-256 of these lines joined by newlines:"
    " previous (the chain of the record numbered one lower by the same monitor, empty for number"
    " 1), monitor, number, kind, at, file, offset, length, sha256. A length of 0 means that the"
    " disk refused the bytes. A record without a path that has not expired lies with the monitor it"
    " names, whose own export holds it. Of an expired one, `given_up` is the record in which the"
    " monitor said that its bytes are given up, and by which rule; null there means that the chain"
    " says nothing of it. Each file under attachments/ is as a person attached it. A null path of"
    " one means that it lies on the machine of another monitor."
)


def export_bundle(
    store: Reads,
    folder: Path,
    incident: Incident,
    file: Path,
    now: datetime,
    owner: str | None = None,
) -> None:
    """Write every evidence record and attached file of an incident, and a manifest with their
    hashes, to a zip file.

    If bytes were deleted, the manifest lists their record and the record of the deletion.
    `owner` is the monitor with bytes in this folder, None for all. Bytes of other monitors are
    included only if their file is here too. The same evidence always makes the same zip. `sha256sum
    -c` can check it by its `SHA256SUMS`.

    Raises `UserFault` if the file exists or the slot has not passed, `StoreFault` if bytes are
    missing or changed.
    """
    slot = incident.facts.slot if incident.facts else None
    if slot is not None and now < slot:
        raise UserFault(
            f"incident {incident.id}: its evidence stays closed until its slot at"
            f" {slot.isoformat()}"
        )
    names = sorted(set(records_of(store.runs.of_release(incident.release))))
    records = _add_deletions(store.evidence, store.evidence.records(names))
    included = []
    for record in records:
        is_here = is_kept_by(owner, record.monitor) or (folder / record.file).exists()
        if record.expired is None and is_here:
            included.append(record)
    # They are needed to check the chain.
    predecessors = store.evidence.records(
        [f"{record.monitor}-{record.number - 1}" for record in records]
    )
    previous_chains = {(before.monitor, before.number + 1): before.chain for before in predecessors}
    manifest = _make_manifest(
        incident, records, previous_chains, {record.id for record in included}
    )
    contents = {"manifest.json": b""}
    for record in included:
        try:
            contents[_path_in_zip(record)] = read_bytes(folder, record)
        except ValueError as exc:
            raise StoreFault(f"evidence {record.id}: {exc}") from exc
    for attached in manifest["attachments"]:
        data = read_attachment(folder, attached["sha256"])
        if data is None:
            attached["path"] = None
        else:
            contents[attached["path"]] = data
    contents["manifest.json"] = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    _write_zip(file, contents, max((record.at for record in records), default=incident.opened))


def _add_deletions(evidence: EvidenceIndex, records: list[Record]) -> list[Record]:
    """Return the records in order, and the records that document when their bytes were deleted.

    A deletion at 9:00 sets `expired` of the deleted records to 9:00, and adds a `DELETION_KIND`
    record `at` 9:00.
    """
    deletion_times = defaultdict[str, set[datetime]](set)  # by monitor
    for record in records:
        # lost bytes never reached the disk to be deleted
        if record.expired is not None and not record.is_lost:
            deletion_times[record.monitor].add(record.expired)
    result = {record.id: record for record in records}
    for monitor, times in deletion_times.items():
        for record in chain_of(evidence, monitor):
            if record.kind == DELETION_KIND and record.at in times:
                result[record.id] = record
                # The bytes of this record may have been deleted too. Their deletion comes later in
                # the chain.
                if record.expired is not None:
                    times.add(record.expired)
    return sorted(result.values(), key=lambda record: (record.monitor, record.number))


def _make_manifest(
    incident: Incident,
    records: list[Record],
    previous: Mapping[tuple[str, int], str],
    included: Collection[str],
) -> dict[str, Any]:
    """Return the contents of `manifest.json`.

    `previous` has, for each record (by its monitor and number), the hash `chain` of the record
    numbered one lower. `included` are the ids of the records with bytes in the zip.
    """
    deletions = {(one.monitor, one.at): one.id for one in records if one.kind == DELETION_KIND}
    return {
        "incident": incident.id,
        "release": incident.release,
        "title": incident.title,
        "check": _HOW_TO_CHECK,
        "records": [
            {
                **fields_json(record, "id", "monitor", "number", "kind"),
                "at": record.at.isoformat(),
                **fields_json(record, "file", "offset", "length", "sha256", "chain"),
                "previous": previous.get((record.monitor, record.number), ""),
                "path": _path_in_zip(record) if record.id in included else None,
                "expired": record.expired.isoformat() if record.expired else None,
                # The id of the record that documents the deletion of this record's bytes.
                "given_up": (
                    deletions.get((record.monitor, record.expired)) if record.expired else None
                ),
            }
            for record in records
        ],
        "attachments": [
            {
                "name": one.name,
                "sha256": one.digest,
                "by": one.by,
                "at": one.at.isoformat(),
                "path": f"attachments/{number}-{quote(one.name, safe='.')}",
            }
            for number, one in enumerate(incident.attachments, 1)
        ],
    }


def _path_in_zip(record: Record) -> str:
    return f"records/{quote(record.id, safe='')}.warc.gz"


def _write_zip(file: Path, contents: Mapping[str, bytes], at: datetime) -> None:
    """Write a new zip file with these contents, all dated `at`, and their `SHA256SUMS`.

    `UserFault` if it exists.
    """
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents.items()
    )
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with os.fdopen(handle, "w+b") as raw, zipfile.ZipFile(raw, "w") as archive:
            for name, data in [*contents.items(), ("SHA256SUMS", sums.encode())]:
                member = zipfile.ZipInfo(name, at.astimezone(UTC).timetuple()[:6])
                # Without a mode, `unzip` makes a file that only root can read.
                member.external_attr = 0o600 << 16
                archive.writestr(member, data)
    except FileExistsError as exc:
        raise UserFault(
            f"{file} is there already: give another name, because an export never overwrites"
        ) from exc
    except OSError as exc:
        file.unlink(missing_ok=True)
        raise StoreFault(f"{file}: {exc.strerror}") from exc
