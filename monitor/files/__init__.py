"""Reads inside published files whether each is the right edition, and nothing else.

The readers run in the confined workers. What they read is compared with the release. Only the signs
of a fault are kept.
"""
