"""Looks: one request for each, and what its answer proved."""
