"""Judgement: pure functions from promises and runs to verdicts."""
