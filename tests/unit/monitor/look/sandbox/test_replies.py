"""Replies of a worker: only plain values are unpacked, in either form in which Python pickles
them.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from monitor.look.sandbox.process import RefusedReply, unpack
from monitor.look.sighting import State


class AttributeByGetattr:
    """Is pickled as a call of `getattr`, as Python before 3.11.4 does with members of
    enumerations.
    """

    def __init__(self, owner: object, name: str) -> None:
        self.owner, self.name = owner, name

    def __reduce__(self) -> tuple[object, tuple[object, str]]:
        return getattr, (self.owner, self.name)


def test_enumeration_member_is_unpacked_in_either_pickle_form() -> None:
    """A worker process sends pickled replies.

    Python before 3.11.4 pickles a member like `State.PRESENT` as a call.

    The call is `getattr(State, "PRESENT")`. Later versions write a plain form. Both forms are
    unpacked.
    """
    plain_form = pickle.dumps(State.PRESENT, protocol=5)
    call_of_getattr = pickle.dumps(AttributeByGetattr(State, "PRESENT"))
    assert unpack(plain_form) is State.PRESENT
    assert unpack(call_of_getattr) is State.PRESENT


@pytest.mark.parametrize(("owner", "name"), [(set, "add"), ("text", "format"), (State, "__init__")])
def test_reply_may_get_only_members_of_enumerations(owner: object, name: str) -> None:
    """A worker process sends pickled replies.

    A pickle may contain a call of `getattr`, which could get any attribute.

    Unpacking allows it for a member of an enumeration, such as `State.PRESENT`.
    It is refused for all else, for example for the method `set.add`.
    """
    pickled_getattr = pickle.dumps(AttributeByGetattr(owner, name))
    # KeyError: the owner is an enumeration, but has no member of this name.
    with pytest.raises((RefusedReply, KeyError)):
        unpack(pickled_getattr)


@pytest.mark.parametrize("value", [os.system, Path("x"), print])
def test_reply_contains_only_plain_values(value: object) -> None:
    with pytest.raises(RefusedReply):
        unpack(pickle.dumps(value))
