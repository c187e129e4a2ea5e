"""A socket of both families shows IPv4 clients by their IPv4 address."""

from __future__ import annotations

import pytest

from monitor.web.credentials import unmapped


@pytest.mark.parametrize(
    ("shown", "address"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", ""),
    ],
)
def test_mapped_address_counts_as_the_ipv4_address(shown: str, address: str) -> None:
    assert unmapped(shown) == address
