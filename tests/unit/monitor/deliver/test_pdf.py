from __future__ import annotations

import pytest

from monitor.deliver.drafts import convert_to_pdf
from monitor.errors import EnvironmentFault


def test_without_libreoffice_the_error_is_one_line() -> None:
    with pytest.raises(EnvironmentFault, match=r"^no \.pdf: LibreOffice \(no-such-office\) is not installed$"):
        convert_to_pdf(b"", "odt", "no-such-office")
