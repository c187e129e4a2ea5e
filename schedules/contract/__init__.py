"""Models that several packages share."""
