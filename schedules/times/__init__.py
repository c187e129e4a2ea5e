"""Time values: intervals, instants, lengths, zones and the words for them. Imports nothing of
ours.
"""
