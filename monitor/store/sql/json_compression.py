"""Compresses JSON for the store to a fifth of its size, with a dictionary of its keys and most
frequent words.
"""

from __future__ import annotations

import zlib

_PLAIN, _COMPRESSED = b"\0", b"\1"
"""The first byte of stored JSON says how it is stored."""
_RAW_DEFLATE = -15
"""The largest window of zlib, negative for data without header and checksum."""
_SMALL_WINDOW, _SMALL_MEMORY = -13, 5
"""8 KB: the dictionary and nearly every text fit in. A compressor takes 48 KB, not 256 KB."""

# Never change it, because stored JSON can only be decompressed with the same dictionary. Add a
# second dictionary with another first byte instead. The most frequent words are last, where a
# reference to them takes the fewest bytes.
_WORDS = (
    b'"timeline":[{"at":"","by":"","text":"Opened"}],"words":{},"facts":{"release":"","slot_text":"","slot_source":"'
    b'"slot_learnt":"","certainty":{"monitor":"edge","looks":,"failed_looks":,"spacing":1.0,"clock_offset":{"min":'
    b'"records":[["edge-","subject":"","text":"","follows":"","kind":"opened","grade_changed","final","reopened"'
    b'"exposure_closed","finding":"calendars_disagree","short_notice","unannounced","platform","clock_fault","blind"'
    b'"stale_edge","withdrawn","swapped","elsewhere_first","early_exposure","partial","detail":"","seconds":{"min":'
    b'"exposures":[{"part":"html","from":{"after":"","by":""},"to":{"after":null,"by":null},"open":true,"open":false'
    b'"code":{"edition":"3.0","practice":"T3.6"},"code":null,"incident":null,"unproven_because":null,"unproven_because":"'
    b'"precision":"month","precision":"day","first":"20","last":"20","doubt":"","state":"provisional","state":"cancelled"'
    b'"link":"https://www.gov.uk/government/statistics/announcements/","previous":null,"why":"","published":false'
    b'"joined_by":"address","calendars":["govuk"],"calendar":["govuk"],"recognise":"status","role":"attachment"'
    b'"role":"alternative","role":"data","role":"html","url":"https://assets.publishing.service.gov.uk/media/'
    b'"verdict":"not_published","verdict":"unproven","verdict":"overdue","verdict":"late","verdict":"early"'
    b'"verdict":"pending","grade":"report","grade":"note","final":false,"timezone":"Europe/London","source":"govuk"'
    b'"uid":"/government/statistics/announcements/","title":"","producer":"office-for-national-statistics"'
    b'{"id":"","title":"","producer":"","calendar":["govuk"],"url":"https://www.gov.uk/government/statistics/'
    b'"slot":{"start":"2026-01-05T09:30:00.000Z","end":null,"precision":"instant","timezone":"Europe/London","announced":"20'
    b'"slot":{"precision":"instant","instant":"2026-01-05T09:30:00Z","raw":"2026-01-05T09:30:00+00:00"},"state":"confirmed"'
    b'"doubt":null,"parts":[],"verdict":"on_time","grade":"none","final":true,"first_seen":{"after":"20","by":"20'
    b'"},"delay":{"min":0.,"max":1.},"exposures":[],"parts":[{"id":"page","role":"page","url":"https://www.gov.uk/'
    b'government/statistics/","recognise":"govuk","required":true,"verdict":"on_time","first_seen":{"after":"2026-'
    b'","by":"2026-01-05T09:30:00.000Z"},"delay":{"min":0.,"max":1.},"exposures":[]}],"findings":[],"code":null}'
)
# To copy a compressor takes half of the time of a new one, which must read the dictionary.
_COMPRESSOR = zlib.compressobj(
    zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, _SMALL_WINDOW, _SMALL_MEMORY, zdict=_WORDS
)


def pack(text: str) -> bytes:
    """Return the text compressed, with a first byte that says how."""
    plain = text.encode()
    compressor = _COMPRESSOR.copy()
    packed = compressor.compress(plain) + compressor.flush()
    return _COMPRESSED + packed if len(packed) < len(plain) else _PLAIN + plain


def unpack(data: bytes) -> str:
    """Return the text that `pack` compressed. Raises ValueError for other bytes."""
    mark, rest = data[:1], data[1:]
    if mark == _PLAIN:
        return rest.decode()
    if mark != _COMPRESSED:
        raise ValueError("packed by a newer version")
    try:
        return zlib.decompressobj(_RAW_DEFLATE, zdict=_WORDS).decompress(rest).decode()
    except zlib.error as exc:
        raise ValueError(f"cannot be unpacked: {exc}") from exc
