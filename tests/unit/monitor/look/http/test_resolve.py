"""Names with forbidden addresses are refused only as long as they have them."""

from __future__ import annotations

import pytest

from monitor.look.guard import Guard, Origin, RefusedAddress
from monitor.look.http.resolve import NameCache, Resolver, Route

ORIGIN = Origin("https", "www.example", 443)


async def test_name_that_led_into_a_private_network_is_looked_up_again_at_the_next_look() -> None:
    answers = [["10.0.0.1"], ["8.8.8.8"], ["10.0.0.1"]]
    resolver = Resolver(Guard(), names=NameCache(lambda *_: answers.pop(0)))
    with pytest.raises(RefusedAddress):
        await resolver.find_routes(ORIGIN, 5)
    # An allowed address is kept for a minute, so the third answer is not used.
    assert [await resolver.find_routes(ORIGIN, 5) for _ in range(2)] == [[Route("8.8.8.8", 443, tls=True)]] * 2
