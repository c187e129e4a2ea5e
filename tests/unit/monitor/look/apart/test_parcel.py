"""What is taken from a worker: plain facts, however its Python packs them, and nothing that could be called."""

from __future__ import annotations

import pickle

import pytest

from monitor.look.apart.parcel import Refused, packed, unpacked
from monitor.look.sighting import State


class Asked:
    """Is packed as what `getattr` returns, as members of enumerations are by Python before 3.11.4."""

    def __init__(self, of: object, name: str) -> None:
        self.of, self.name = of, name

    def __reduce__(self) -> tuple[object, tuple[object, str]]:
        return getattr, (self.of, self.name)


def test_a_member_of_an_enumeration_comes_back_however_it_was_packed() -> None:
    assert unpacked(packed(State.PRESENT)) is State.PRESENT
    assert unpacked(pickle.dumps(Asked(State, "PRESENT"))) is State.PRESENT


@pytest.mark.parametrize(("of", "name"), [(set, "add"), ("text", "format"), (State, "__init__")])
def test_nothing_else_is_asked_of_anything(of: object, name: str) -> None:
    with pytest.raises((Refused, KeyError)):
        unpacked(pickle.dumps(Asked(of, name)))
