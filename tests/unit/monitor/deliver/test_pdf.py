from __future__ import annotations

import pytest

from monitor.deliver.drafts import as_pdf
from monitor.errors import SurroundingsFault


def test_without_libreoffice_one_line_says_so() -> None:
    with pytest.raises(SurroundingsFault, match=r"^no \.pdf: LibreOffice \(no-such-office\) is not installed$"):
        as_pdf(b"", "odt", "no-such-office")
