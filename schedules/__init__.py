"""Calendars turned into announcements, releases and promises. A leaf: imports nothing else of
ours.
"""
