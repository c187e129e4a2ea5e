"""Findings turned into incidents, drafts, notices and deliveries. A leaf: imports nothing of ours."""
