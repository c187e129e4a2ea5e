"""The ledger: calendar reads become releases and the promises made for them."""
