"""Health: whether the monitor itself is reliable, and how it reports that."""
