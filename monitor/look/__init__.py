"""Looks: one request each, and what it proved."""
