"""Reads date texts of producers as slots with the precision that they state.

It refuses a text rather than guess.
"""
