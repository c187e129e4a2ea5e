"""Recognisers: they decide from an answer whether a part is out."""
