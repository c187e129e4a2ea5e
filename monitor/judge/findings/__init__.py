"""Findings: what went wrong with a release, one kind a file."""
