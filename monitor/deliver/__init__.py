"""Delivery: changed verdicts become events and notices; the outbox is drained."""
