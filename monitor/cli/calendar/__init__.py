"""`ninethirty calendar`: read, parse, compare and remember calendars."""
