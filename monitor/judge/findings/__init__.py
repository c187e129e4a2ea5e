"""Findings: the faults of a release, one kind of fault in each file."""
