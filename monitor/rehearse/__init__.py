"""Rehearsals: the whole daemon against a simulated publisher on loopback, on a virtual clock."""
