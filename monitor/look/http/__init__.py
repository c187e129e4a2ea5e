"""Requests over HTTP: one address, one answer, within a deadline."""
