"""A PostgreSQL address where the driver of PostgreSQL is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_postgresql_without_its_driver_names_the_extra_to_install(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[store]\nurl = "postgresql+psycopg://ninethirty@127.0.0.1/ninethirty"\n', encoding="utf-8")
    # The driver is installed here, so a process of its own hides it.
    code = (
        "import sys; sys.modules['psycopg'] = None; from monitor.cli.main import status_of;"
        f"sys.exit(status_of(['--config', {str(config)!r}, 'today']))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "the store needs psycopg, which the extra `postgres` installs\n")
