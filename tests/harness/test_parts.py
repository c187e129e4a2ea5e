"""`tests/parts` installs all packages that a bare Debian lacks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import browser_driver

# Each Debian has the packages that apt needs.
BASE = {"libc6", "libgcc-s1", "libstdc++6"}
OF_LIBC6 = {"libc", "libdl", "libm", "libpthread", "librt"}


def package(library: str, version: str) -> str:
    """Return the package that holds a shared library, by Debian's rule for their names."""
    if library in OF_LIBC6:
        return "libc6"
    return library.replace("_", "-") + version


@pytest.mark.needs("chromium")
def test_every_library_of_the_browsers_driver_is_on_every_debian_or_installed(root: Path) -> None:
    linked = subprocess.run(
        ["ldd", browser_driver()], capture_output=True, text=True, check=True
    ).stdout
    needed = {
        package(*found) for found in re.findall(r"^\t(lib[\w+-]+)\.so\.(\d+)", linked, re.MULTILINE)
    }
    listed = re.search(r"set -- (.*)", (root / "tests" / "parts").read_text())
    assert listed is not None
    assert "libc6" in needed
    assert needed - BASE - set(listed[1].split()) == set()
