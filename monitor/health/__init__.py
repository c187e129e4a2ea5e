"""Health: is the monitor itself to be relied on, and how it says so."""
