"""Recognisers: they tell whether an answer shows that the part is out."""
