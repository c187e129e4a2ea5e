from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store.sql import json_compression as packing
from monitor.store.sql.json_compression import pack, unpack


@given(st.text())
def test_whatever_is_packed_comes_out_the_same(text: str) -> None:
    fit = text.encode(errors="replace").decode()
    assert unpack(pack(fit)) == fit


def test_a_text_longer_than_the_window_comes_out_the_same() -> None:
    text = "".join(f'"release-{number}":"on_time",' for number in range(5000))
    assert unpack(pack(text)) == text


def test_what_was_packed_with_the_largest_window_can_be_read() -> None:
    """Earlier versions packed so."""
    text = '{"verdict":"on_time","grade":"none"}' * 2000
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=packing._WORDS)
    assert unpack(b"\1" + compressor.compress(text.encode()) + compressor.flush()) == text


def test_the_words_of_the_first_dictionary_never_change() -> None:
    """Stored JSON is compressed with this list of words, and cannot be read with another one. To
    change the words, add a second dictionary instead.
    """
    digest = hashlib.sha256(packing._WORDS).hexdigest()
    assert digest == "497350eb787a7e76d578d1e86e84a71c3d363fc3d69cea0f119e4dc97668b92a"


def test_a_verdict_without_findings_is_compressed_to_less_than_half() -> None:
    text = '{"id":"x","verdict":"on_time","grade":"none","final":true,"exposures":[],"findings":[]}'
    assert len(pack(text)) < len(text) / 2


@pytest.mark.parametrize("data", [b"\2later", b"\1garbage", b""])
def test_bytes_that_were_not_packed_are_refused(data: bytes) -> None:
    """The first byte says how the rest was packed.

    Here it is unknown, the rest does not fit it, or it is missing.
    """
    with pytest.raises(ValueError, match="pack"):
        unpack(data)
