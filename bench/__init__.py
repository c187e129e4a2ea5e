"""Measurements: ratios against what others do in the same run, and percentiles.

`python -m bench NAME --json`.
"""
