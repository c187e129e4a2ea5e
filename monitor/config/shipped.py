"""What goes beside the program: examples of configurations, and what Prometheus, Grafana or systemd need."""

from __future__ import annotations

import shutil
from pathlib import Path

from monitor.errors import SurroundingsFault, UserFault

PARTS = (
    "examples",
    "deploy/alertmanager.yml",
    "deploy/grafana",
    "deploy/kubernetes",
    "deploy/ninethirty.service",
    "deploy/prometheus",
)
"""Where each lies in the repository; `deploy/secrets`, which somebody may have made there, is none of it."""


def unpack(folder: Path) -> None:
    """Copy it into a new or empty folder.

    Raises `UserFault` where something is there already, `SurroundingsFault` when it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserFault(f"{folder}: is there already, and not empty")
        for part in PARTS:
            kept, copied = _kept() / part, folder / part
            copied.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if kept.is_dir() else shutil.copy)(kept, copied)
    except OSError as exc:
        raise SurroundingsFault(f"{folder}: cannot be written: {exc.strerror}") from exc


def _kept() -> Path:
    # The wheel carries the repository's files inside this package.
    carried = Path(__file__).with_name("shipped")
    return carried if carried.is_dir() else Path(__file__).parents[2]
