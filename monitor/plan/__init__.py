"""Plans: which addresses are looked at, when, and how many requests a host may get."""
