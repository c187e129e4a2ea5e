"""Models that several packages share: the judge fills them, and `alerts` and all that publishes
them read them.
"""
