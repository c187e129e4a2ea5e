"""What every store keeps to: claims of the public record."""

from __future__ import annotations

from dataclasses import replace

from alerts.claim import Claim
from monitor.store.interface import Store
from tests.contracts.rows import DAY, MINUTE, SLOT

ITEM = "https://www.gov.uk/api/content/government/statistics/a"
CLAIM = Claim("ofqual", "https://www.gov.uk/government/statistics/a", SLOT, "Ä", SLOT, "scheduled", ITEM, SLOT + DAY)


def test_a_claim_is_kept_once_and_found_by_its_time_and_by_its_address(store: Store) -> None:
    restamped = replace(CLAIM, at=SLOT + MINUTE, slot=None, slot_source="")
    elsewhere = replace(CLAIM, producer="dfe", url="https://www.gov.uk/government/statistics/b")
    with store.transaction() as tx:
        added = [tx.add_claim(one) for one in (CLAIM, elsewhere, restamped, replace(CLAIM, read=SLOT + 2 * DAY))]
    assert added == [True, True, True, False]
    assert store.ledger.claims() == [CLAIM, elsewhere, restamped]
    assert store.ledger.claims(SLOT, SLOT + MINUTE) == [CLAIM, elsewhere]
    assert store.ledger.claims(url=CLAIM.url) == [CLAIM, restamped]
