# ruff: noqa: INP001 # a script of its own
"""Writes what the program is made of as CycloneDX 1.6: `sbom.py requirements.lock`, the same bytes
for the same lock.

Names, versions and hashes are those of the lock, by which everything is installed; licences are
those that the installed packages declare.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

_ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> Iterator[dict[str, Any]]:
    """Yield a component for each entry of a lock."""
    for name, version, rest in _ENTRY.findall(lock):
        purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
        made: dict[str, Any] = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
        }
        # A lock names the hash of each file that may be installed: the distributions of one
        # release.
        made["externalReferences"] = [
            {"type": "distribution", "url": purl, "hashes": [{"alg": "SHA-256", "content": each}]}
            for each in _HASH.findall(rest)
        ]
        yield made | (
            {"licenses": [{"license": {"name": licence}}]}
            if (licence := _find_licence(name))
            else {}
        )


def _find_licence(name: str) -> str:
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    classified = [
        one.rpartition(" :: ")[2]
        for one in told.get_all("Classifier", [])
        if one.startswith("License ::")
    ]
    short = (told.get("License") or "").strip()
    return (
        told.get("License-Expression")
        or next(iter(classified), "")
        or (short if 0 < len(short) < 80 else "")
    )


def bill(lock: Path) -> dict[str, Any]:
    """Return the bill of materials of the program whose lock this is."""
    project = tomllib.loads((lock.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = list(components(lock.read_text(encoding="utf-8")))
    name = f"{project['name']}@{project['version']}"
    serial = uuid.uuid5(uuid.NAMESPACE_URL, name + json.dumps(parts, sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": parts,
    }


if __name__ == "__main__":
    json.dump(bill(Path(sys.argv[1])), sys.stdout, indent=1)
    sys.stdout.write("\n")
