"""Reads date texts of producers as slots with the precision that they state.

It refuses a text rather than guess.

The grammar is a short ordered list of forms. A form must match the whole text.
"""
