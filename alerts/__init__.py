"""Findings turned into incidents, drafts, notices and deliveries.

A leaf: imports only `schedules.times` of ours.
"""
