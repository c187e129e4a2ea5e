"""Rehearsal scripts: read, checked, and given typed values."""
