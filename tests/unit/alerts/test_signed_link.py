from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.signed_link import read_token, sign_token

NOW = datetime(2018, 1, 5, 9, 31, 1, tzinfo=UTC)
KEY = b"k" * 32
DAY = timedelta(days=1)


@given(incident=st.text(max_size=100))
def test_a_token_returns_its_incident(incident: str) -> None:
    assert read_token(sign_token(incident, NOW + DAY, KEY), KEY, NOW) == incident


def test_a_token_expires() -> None:
    token = sign_token("malpractice-2017-2018-01-05", until=NOW, key=KEY)
    assert read_token(token, KEY, NOW) == "malpractice-2017-2018-01-05"
    assert read_token(token, KEY, NOW + timedelta(seconds=1)) is None


def test_a_token_signed_with_another_key_is_refused() -> None:
    assert read_token(sign_token("i", NOW + DAY, b"other"), KEY, NOW) is None


@given(token=st.text(max_size=200))
def test_an_invented_token_is_refused(token: str) -> None:
    assert read_token(token, KEY, NOW) is None


@given(place=st.integers(0, 200), letter=st.sampled_from("ABCxyz019-_"))
def test_a_changed_token_never_returns_another_incident(place: int, letter: str) -> None:
    """One letter of the token, at random, is replaced.

    `read_token` returns None if it refuses a token.
    """
    token = sign_token("malpractice-2017-2018-01-05", NOW + DAY, KEY)
    changed = token[: place % len(token)] + letter + token[place % len(token) + 1 :]
    assert read_token(changed, KEY, NOW) in {None, "malpractice-2017-2018-01-05"}
