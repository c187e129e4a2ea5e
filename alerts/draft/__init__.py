"""Drafts: the breach report or note of an incident, filled with what was measured."""
