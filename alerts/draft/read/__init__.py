"""Drafts that people edited in a file, read back."""
